"""A MIRAX slide: a small JPEG, and beside it a folder with a text, an index and the pictures."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from .planted import BARCODE, NAME, Written, halves, jpeg, label, padded, whole_tiles, with_overlaps

_TILE, _OVERLAP = 256, 16
_ID = "0123456789abcdef0123456789abcdef"
_VERSION = "01.02"


def mirax(folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float]) -> Written:
    """MRXS whose pictures lie side by side."""
    return _write(folder, levels, levels, microns, 0)


def mirax_overlapping(folder: Path, levels: Sequence[np.ndarray], microns: tuple[float, float]) -> Written:
    """MRXS whose camera moved by less than a picture, so that neighbours show the same border."""
    seen = whole_tiles(levels[0], _TILE, _OVERLAP)
    raw = with_overlaps(seen, _TILE, _TILE - _OVERLAP)
    half = levels[1][: seen.shape[0] // 2, : seen.shape[1] // 2]
    return _write(folder, [raw, halves(raw)], [seen, half], microns, _OVERLAP)


def _write(
    folder: Path,
    levels: Sequence[np.ndarray],
    seen: Sequence[np.ndarray],
    microns: tuple[float, float],
    overlap: int,
) -> Written:
    """Write pictures of one size; one of a coarser level holds two by two of the level before."""
    path = folder / "mirax.mrxs"
    path.write_bytes(jpeg(label()))
    inside = folder / "mirax"
    inside.mkdir()
    rows, columns = (-(-side // _TILE) for side in levels[0].shape[:2])
    data = bytearray(f"{_VERSION}{_ID}".encode() + bytes(20))
    pictures = [_append(data, jpeg(label())) for _each in range(2)]
    images: list[list[tuple[int, int, int]]] = []
    for number, level in enumerate(levels):
        step = 2**number
        found = []
        for row in range(0, rows, step):
            for column in range(0, columns, step):
                top, left = row // step * _TILE, column // step * _TILE
                tile = padded(level[top : top + _TILE, left : left + _TILE], _TILE, _TILE)
                found.append((row * columns + column, *_append(data, jpeg(tile))))
        images.append(found)
    (inside / "Data0000.dat").write_bytes(data)
    (inside / "Index.dat").write_bytes(_index(images, pictures))
    (inside / "Slidedat.ini").write_text(
        _text(rows, columns, len(levels), microns, overlap), encoding="utf-8-sig"
    )
    return Written(path, tuple(seen))


def _append(data: bytearray, piece: bytes) -> tuple[int, int]:
    place = len(data)
    data += piece
    return place, len(piece)


def _index(images: Iterable[list[tuple[int, int, int]]], pictures: Iterable[tuple[int, int]]) -> bytes:
    """Two tables of pointers to pages, which tell where in the data each picture lies."""
    data = bytearray(f"{_VERSION}{_ID}".encode() + bytes(8))
    root = len(data) - 8

    def number(*values: int) -> int:
        place = len(data)
        data.extend(struct.pack(f"<{len(values)}i", *values))
        return place

    heads = []
    for found in images:
        page = number(
            len(found), 0, *(value for index, place, size in found for value in (index, place, size, 0))
        )
        heads.append(number(0, page))
    struct.pack_into("<i", data, root, number(*heads))
    heads = [number(0, number(1, 0, 0, 0, place, size, 0)) for place, size in pictures]
    struct.pack_into("<i", data, root + 4, number(*heads))
    return bytes(data)


def _text(rows: int, columns: int, count: int, microns: tuple[float, float], overlap: int) -> str:
    sections = "".join(
        f"HIER_0_VAL_{n}=ZoomLevel_{n}\nHIER_0_VAL_{n}_SECTION=LAYER_0_LEVEL_{n}_SECTION\n"
        for n in range(count)
    )
    levels = "".join(
        f"[LAYER_0_LEVEL_{n}_SECTION]\nOVERLAP_X={overlap >> n}\nOVERLAP_Y={overlap >> n}\n"
        f"MICROMETER_PER_PIXEL_X={microns[0] * 2**n}\n"
        f"MICROMETER_PER_PIXEL_Y={microns[1] * 2**n}\nIMAGE_FORMAT=JPEG\nIMAGE_FILL_COLOR_BGR=16777215\n"
        f"DIGITIZER_WIDTH={_TILE}\nDIGITIZER_HEIGHT={_TILE}\nIMAGE_CONCAT_FACTOR={int(n > 0)}\n"
        for n in range(count)
    )
    return (
        f"[GENERAL]\nSLIDE_VERSION={_VERSION}\nSLIDE_ID={_ID}\nSLIDE_NAME={NAME}\nPROJECT_NAME={BARCODE}\n"
        f"IMAGENUMBER_X={columns}\nIMAGENUMBER_Y={rows}\nOBJECTIVE_MAGNIFICATION=40\n"
        "CameraImageDivisionsPerSide=1\n"
        f"[HIERARCHICAL]\nHIER_COUNT=1\nNONHIER_COUNT=1\nINDEXFILE=Index.dat\nHIER_0_NAME=Slide zoom level\n"
        f"HIER_0_COUNT={count}\n{sections}"
        "NONHIER_0_NAME=Scan data layer\nNONHIER_0_COUNT=2\n"
        "NONHIER_0_VAL_0=ScanDataLayer_SlideThumbnail\nNONHIER_0_VAL_0_SECTION=NONHIERLAYER_0_LEVEL_0_SECTION\n"
        "NONHIER_0_VAL_1=ScanDataLayer_SlideBarcode\nNONHIER_0_VAL_1_SECTION=NONHIERLAYER_0_LEVEL_1_SECTION\n"
        f"[NONHIERLAYER_0_LEVEL_0_SECTION]\nTHUMBNAIL_IMAGE_TYPE=JPEG\n"
        f"[NONHIERLAYER_0_LEVEL_1_SECTION]\nBARCODE_IMAGE_TYPE=JPEG\nBARCODE_VALUE={BARCODE}\n"
        f"[DATAFILE]\nFILE_COUNT=1\nFILE_0=Data0000.dat\n{levels}"
    )
