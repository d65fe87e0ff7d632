"""How large a tile or strip of a TIFF becomes once it is decoded, as the piece's own header says."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

PLAIN = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions that know nothing of images: none, LZW, Deflate, PackBits, LZMA, Zstandard. Their decoders are
given the size of the piece and fill no more."""

_FAX = frozenset({2, 3, 4})
_JPEG = frozenset({6, 7, 33007, 34892})
_JPEG2000 = frozenset({33003, 33004, 33005, 34712})
_WEBP = frozenset({34927, 50001})
_PNG = frozenset({34933})

HEAD_BYTES = 2**16
"""Of a piece, in which its size stands; JPEG's comes after its tables and what a camera says."""

_MOST_PARTS = 1024
"""Tiles that a JPEG 2000 image may have in itself: each costs its decoder some kB."""

Size = tuple[int, int, int]
"""Width, height and samples a pixel."""


def is_known(compression: int) -> bool:
    """Tell whether the size of pieces in a compression can be told before they are decoded."""
    return compression in PLAIN | _FAX or compression in _HEADERS


def check(page: Any, data: bytes) -> None:
    """Refuse a piece that says of itself that it is larger than the page says.

    Parameters
    ----------
    page : tifffile.TiffPage
    data : bytes
        The piece's beginning, or all of it.

    Raises
    ------
    ValueError
        If it is larger, or does not say.
    """
    reader = _HEADERS.get(int(page.compression))
    if reader is None or not data:
        return
    strip = (page.imagewidth, min(int(page.rowsperstrip), int(page.imagelength)))
    width, height = (page.tilewidth, page.tilelength) if page.is_tiled else strip
    stated = reader(data)
    if stated is None:
        if data[:2] == b"\xff\xd8" or int(page.compression) not in _JPEG:
            raise ValueError("a part of its image data does not say its size")
        return  # NDPI keeps the header that all parts of an image share elsewhere
    expected = int(width) * int(height) * max(1, int(page.samplesperpixel))
    if stated[0] * stated[1] * stated[2] > 2 * expected:
        raise ValueError("a part of its image data states another size than the file does")


def _jpeg(data: bytes) -> Size | None:
    """Read a frame's header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 < len(data) and data[:2] == b"\xff\xd8":
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xFF or mark == 0xD8:
            at += 1 if mark == 0xFF else 2
            continue
        if 0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC):
            height, width, samples = struct.unpack(">HHB", data[at + 5 : at + 10])
            return width, height, samples
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _jpeg2000(data: bytes) -> Size | None:
    """Read the SIZ marker (ITU-T T.800, A.5.1), within a JP2 file or without."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0 or len(data) < at + 42:
        return None
    right, bottom, left, top, wide, high, x, y, samples = struct.unpack(">8IH", data[at + 8 : at + 42])
    if not wide or not high or right <= left or bottom <= top:
        return None
    parts = -(-(right - min(x, right)) // wide) * -(-(bottom - min(y, bottom)) // high)
    if parts > _MOST_PARTS:
        raise ValueError("a part of its image data is in too many parts")
    return right - left, bottom - top, samples


def _webp(data: bytes) -> Size | None:
    """Read the first chunk of a WebP (RFC 9649, 2.6 to 2.7)."""
    kind = data[12:16] if data[:4] == b"RIFF" and len(data) >= 30 else b""
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"), 4
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), 4
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF, 3
    return None


def _png(data: bytes) -> Size | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 26:
        return None
    width, height, _depth, colour = struct.unpack(">IIBB", data[16:26])
    return width, height, {0: 1, 2: 3, 3: 1, 4: 2}.get(colour, 4)


_HEADERS: dict[int, Callable[[bytes], Size | None]] = {
    number: reader
    for numbers, reader in ((_JPEG, _jpeg), (_JPEG2000, _jpeg2000), (_WEBP, _webp), (_PNG, _png))
    for number in numbers
}


def places(page: Any) -> Iterator[tuple[int, int]]:
    """Yield where the pieces lie whose headers are to be looked at, and how much of each to read."""
    if int(page.compression) in _HEADERS:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            yield int(offset), min(int(count), HEAD_BYTES)
