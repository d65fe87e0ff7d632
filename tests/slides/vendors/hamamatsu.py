"""Slides of Hamamatsu scanners: NDPI, a TIFF of its own, and VMS and VMU, files that a text names."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .planted import ACCESSION, BARCODE, NAME, Written, jpeg, label

_BLOCKS = 16
"""Blocks of 8×8 px between two restart markers: pieces of 128×8 px."""

_LONG, _SHORT, _ASCII, _RATIONAL, _SIGNED, _FLOAT = 4, 3, 2, 5, 9, 11
_FORMATS = {_LONG: "I", _SHORT: "H", _RATIONAL: "I", _SIGNED: "i", _FLOAT: "f"}


def ndpi(
    folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float], marked: bool = True
) -> Written:
    """NDPI: a JPEG in one strip for each level, offsets of 64 bits in a TIFF of 32, and a macro image.

    Parameters
    ----------
    marked : bool
        Tell where the restart markers are, as scanners do.
    """
    path = folder / "hamamatsu.ndpi"
    data = bytearray(b"II*\0" + bytes(8))
    pointer = 4
    pictures = [(level, 40.0 / 2**number) for number, level in enumerate(levels)] + [(label(), -1.0)]
    for number, (picture, lens) in enumerate(pictures):
        coded = jpeg(picture, **({} if lens < 0 else {"restart_marker_blocks": _BLOCKS}))
        start = len(data)
        data += coded
        sizes = [size * 2**number for size in microns]
        tags: list[tuple[int, int, list[Any] | bytes]] = [
            (256, _LONG, [picture.shape[1]]),
            (257, _LONG, [picture.shape[0]]),
            (258, _SHORT, [8, 8, 8]),
            (259, _SHORT, [7]),
            (262, _SHORT, [6]),
            (271, _ASCII, b"Hamamatsu"),
            (273, _LONG, [start]),
            (277, _SHORT, [3]),
            (278, _LONG, [picture.shape[0]]),
            (279, _LONG, [len(coded)]),
            (282, _RATIONAL, [round(1e6 / sizes[0]), 100]),
            (283, _RATIONAL, [round(1e6 / sizes[1]), 100]),
            (296, _SHORT, [3]),
            (65420, _LONG, [1]),
            (65421, _FLOAT, [lens]),
            (65424, _SIGNED, [0]),
        ]
        if marked and lens > 0:
            tags.append((65426, _LONG, _marker_places(coded)))
        tags.append((65427, _ASCII, BARCODE.encode()))
        tags.append((65449, _ASCII, f"Patient={NAME}\r\nAccession={ACCESSION}\r\n".encode()))
        entries = b"".join(_entry(data, *tag) for tag in tags)
        struct.pack_into("<Q", data, pointer, len(data))
        data += struct.pack("<H", len(tags)) + entries
        pointer = len(data)
        data += bytes(8 + 4 * len(tags))  # the upper halves of offsets follow
    path.write_bytes(data)
    return Written(path, tuple(levels))


def _entry(data: bytearray, tag: int, kind: int, values: list[Any] | bytes) -> bytes:
    """One entry of a directory; values of more than four bytes go before it."""
    packed = (
        values + b"\0"
        if isinstance(values, bytes)
        else b"".join(struct.pack(f"<{_FORMATS[kind]}", v) for v in values)
    )
    count = len(packed) if kind == _ASCII else len(values) // (2 if kind == _RATIONAL else 1)
    if len(packed) <= 4:
        return struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0")
    place = len(data)
    data += packed + bytes(len(packed) % 2)
    return struct.pack("<HHII", tag, kind, count, place)


def _marker_places(coded: bytes) -> list[int]:
    """Where the pieces between restart markers begin, the first after the header."""
    scan = coded.index(b"\xff\xda")
    begin = scan + 2 + int.from_bytes(coded[scan + 2 : scan + 4], "big")
    markers = [
        at + 2 for at in range(begin, len(coded) - 1) if coded[at] == 0xFF and 0xD0 <= coded[at + 1] <= 0xD7
    ]
    return [begin, *markers]


def vms(folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float]) -> Written:
    """VMS: the finest level as two JPEG files side by side, the map is a coarser one, and a macro image."""
    path = folder / "hamamatsu.vms"
    height, width = levels[0].shape[:2]
    left = width // 2 + 128
    parts = {"part0.jpg": levels[0][:, :left], "part1.jpg": levels[0][:, left:], "map.jpg": levels[-1]}
    for name, picture in parts.items():
        (folder / name).write_bytes(jpeg(picture, restart_marker_blocks=_BLOCKS))
    (folder / "macro.jpg").write_bytes(jpeg(label()))
    path.write_text(
        "[Virtual Microscope Specimen]\nNoLayers=1\nNoJpegColumns=2\nNoJpegRows=1\nImageFile=part0.jpg\n"
        f"ImageFile(1,0)=part1.jpg\nMapFile=map.jpg\nMacroImage=macro.jpg\nOptimisationFile=\nAuthCode={ACCESSION}\n"
        f"SourceLens=40\nPhysicalWidth={round(width * microns[0] * 1000)}\n"
        f"PhysicalHeight={round(height * microns[1] * 1000)}\nReference={BARCODE}\nPatient={NAME}\n"
    )
    return Written(path, tuple(levels))


def vmu(folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float]) -> Written:
    """VMU: each level in columns of 12 bits, and a macro image."""
    path = folder / "hamamatsu.vmu"
    for name, level in (("image.ngr", levels[0]), ("map.ngr", levels[-1])):
        height, width = level.shape[:2]
        columns = level.astype("<u2").reshape(height, width // 128, 128, 3).swapaxes(0, 1) << 4
        head = struct.pack("<2s2xiii8xi", b"GN", width, height, 128, 32)
        (folder / name).write_bytes(head.ljust(32, b"\0") + columns.tobytes())
    (folder / "macro.jpg").write_bytes(jpeg(label()))
    height, width = levels[0].shape[:2]
    path.write_text(
        "[Uncompressed Virtual Microscope Specimen]\nImageFile=image.ngr\nMapFile=map.ngr\n"
        "MacroImage=macro.jpg\nBitsPerPixel=36\nPixelOrder=RGB\nSourceLens=40\n"
        f"Reference={BARCODE}\nPatient={NAME}\n"
        f"PhysicalWidth={round(width * microns[0] * 1000)}\n"
        f"PhysicalHeight={round(height * microns[1] * 1000)}\n"
    )
    return Written(path, tuple(levels))
