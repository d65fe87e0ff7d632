"""Decoded sizes of the tiles or strips of a TIFF, from their own headers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

PLAIN = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions without a notion of images: none, LZW, Deflate, PackBits, LZMA, Zstandard. Their decoders get
the size of the piece and fill no more."""

_FAX = frozenset({2, 3, 4})
_JPEG = frozenset({6, 7, 33007, 34892})
_JPEG2000 = frozenset({33003, 33004, 33005, 34712})
_WEBP = frozenset({34927, 50001})
_PNG = frozenset({34933})

HEAD_BYTES = 2**16
"""First bytes of a piece that contain its size; in a JPEG it follows tables and camera metadata."""

_MOST_PARTS = 1024
"""Most tiles inside a JPEG 2000 image: each costs its decoder some kB."""

Size = tuple[int, int, int]
"""Width, height and samples per pixel."""


def is_known(compression: int) -> bool:
    """Return whether the decoded size of a compression's pieces can be known in advance."""
    return compression in PLAIN | _FAX or compression in _HEADERS


def check(page: Any, data: bytes) -> None:
    """Raise an error for a piece whose header states a larger size than the page.

    Parameters
    ----------
    page : tifffile.TiffPage
    data : bytes
        The first bytes of the piece, or all.

    Raises
    ------
    ValueError
        If it is larger or states no size.
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
        return  # NDPI keeps the header shared by all parts of an image elsewhere
    expected = int(width) * int(height) * max(1, int(page.samplesperpixel))
    if stated[0] * stated[1] * stated[2] > 2 * expected:
        raise ValueError("a part of its image data states another size than the file does")


def _jpeg(data: bytes) -> Size | None:
    """Return the size in a frame's header (ITU-T T.81, B.2.2)."""
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
    """Return the size in the SIZ marker (ITU-T T.800, A.5.1), inside a JP2 file or not."""
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
    """Return the size in the first chunk of a WebP (RFC 9649, 2.6 to 2.7)."""
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
    """Yield offset and length of the header of each piece to check."""
    if int(page.compression) in _HEADERS:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            yield int(offset), min(int(count), HEAD_BYTES)
