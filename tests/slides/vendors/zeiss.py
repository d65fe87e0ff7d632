"""A Zeiss CZI slide: segments of a fixed head each, that point at one another."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np

from .planted import ACCESSION, BARCODE, NAME, Written, jpeg, label

_TILE = 256
_BGR24 = 3
_RAW, _ZSTD = 0, 6


def czi(folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float]) -> Written:
    """CZI: the finest level in Zstandard, the others uncompressed, and a label and a preview attached."""
    path = folder / "zeiss.czi"
    data = bytearray(_segment("ZISRAWFILE", bytes(512)))
    entries = []
    for number, level in enumerate(levels):
        for top in range(0, level.shape[0], _TILE):
            for left in range(0, level.shape[1], _TILE):
                bgr = np.ascontiguousarray(level[top : top + _TILE, left : left + _TILE, ::-1])
                entries.append(_subblock(data, bgr, (left, top), 2**number))
    pixels = _append(data, "ZISRAWDIRECTORY", struct.pack("<i124x", len(entries)) + b"".join(entries))
    text = _text(levels[0].shape[1], levels[0].shape[0], microns).encode()
    told = _append(data, "ZISRAWMETADATA", struct.pack("<ii248x", len(text), 0) + text)
    attached = [_attachment(data, name) for name in ("Label", "SlidePreview")]
    pictures = _append(data, "ZISRAWATTDIR", struct.pack("<i252x", len(attached)) + b"".join(attached))
    struct.pack_into(
        "<iiii16s16siqqiq", data, 32, 1, 0, 0, 0, b"1" * 16, b"1" * 16, 0, pixels, told, 0, pictures
    )
    path.write_bytes(data)
    return Written(path, tuple(levels))


def _segment(name: str, inside: bytes) -> bytes:
    size = -(-len(inside) // 32) * 32
    return struct.pack("<16sqq", name.encode(), size, len(inside)) + inside.ljust(size, b"\0")


def _append(data: bytearray, name: str, inside: bytes) -> int:
    place = len(data)
    data += _segment(name, inside)
    return place


def _subblock(data: bytearray, bgr: np.ndarray, place: tuple[int, int], factor: int) -> bytes:
    """Append a tile, and return its entry of the directory."""
    height, width = bgr.shape[:2]
    compression = _ZSTD if factor == 1 else _RAW
    pixels = bgr.tobytes() if factor > 1 else b"\x01" + imagecodecs.zstd_encode(bgr.tobytes())
    sides = {"X": (place[0] * factor, width), "Y": (place[1] * factor, height), "C": (0, 1)}
    entry = struct.pack("<2siqiib5xi", b"DV", _BGR24, len(data), 0, compression, int(factor > 1), len(sides))
    for axis, (start, size) in sides.items():
        spans = 1 if axis == "C" else factor
        entry += struct.pack("<4siifi", axis.encode(), start, size * spans, 0.0, size)
    head = struct.pack("<iiq", 0, 0, len(pixels)) + entry
    _append(data, "ZISRAWSUBBLOCK", head.ljust(256, b"\0") + pixels)
    return entry


def _attachment(data: bytearray, name: str) -> bytes:
    picture = jpeg(label())
    entry = struct.pack("<2s10xqi16s8s80s", b"A1", len(data), 0, b"2" * 16, b"JPG", name.encode())
    head = struct.pack("<i12x", len(picture)) + entry + bytes(112)
    _append(data, "ZISRAWATTACH", head + picture)
    return entry


def _text(width: int, height: int, microns: tuple[float, float]) -> str:
    distances = "".join(
        f'<Distance Id="{axis}"><Value>{size * 1e-6:.6e}</Value></Distance>'
        for axis, size in zip("XY", microns, strict=True)
    )
    return (
        f"<ImageDocument><Metadata><Information><User><Name>{NAME}</Name></User><Document><Title>{BARCODE}</Title>"
        f"<Comment>{ACCESSION}</Comment></Document><Image><SizeX>{width}</SizeX><SizeY>{height}</SizeY>"
        '<ObjectiveSettings><ObjectiveRef Id="Objective:1"/></ObjectiveSettings></Image><Instrument>'
        '<Objectives><Objective Id="Objective:1"><NominalMagnification>40</NominalMagnification></Objective>'
        f"</Objectives></Instrument></Information><Scaling><Items>{distances}</Items></Scaling></Metadata>"
        "</ImageDocument>"
    )
