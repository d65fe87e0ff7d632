"""How many bytes a stored Zarr chunk decodes to, told from its first bytes before it is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from napari_bonemarrow.slides.formats.zarr.zarr_metadata import COMPRESSORS, Layout

_DEFLATE_RATIO = 1032
"""Deflate makes at most so many bytes of one (RFC 1951: 258 bytes of two bits)."""

_SLACK = 4096
"""Bytes of headers and checksums that a chunk may have beyond its samples."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK = 128 * 2**10
_NOT_THERE = 2**64 - 1


def check(layout: Layout, file: Path, inner: Iterator[tuple[int, ...]]) -> None:
    """Refuse a chunk that would decode to more than the array says.

    Parameters
    ----------
    layout : Layout
    file : Path
        Of a chunk or shard; one that is not there is empty.
    inner : iterator of tuple of int
        Of a shard, which of its chunks are wanted; is not used otherwise.

    Raises
    ------
    ValueError
        One that decodes to too much, or whose shard's index is damaged.
    OSError
        If it cannot be read.
    """
    if not file.is_file():
        return
    size = file.stat().st_size
    with file.open("rb") as opened:
        if layout.index_first is None:
            _check_one(layout, opened, 0, size)
            return
        for offset, count in _places(layout, opened, size, inner):
            _check_one(layout, opened, offset, count)


def _places(
    layout: Layout, file: BinaryIO, size: int, inner: Iterator[tuple[int, ...]]
) -> Iterator[tuple[int, int]]:
    """Yield where the wanted chunks of a shard lie and how long they are."""
    sides = [piece // chunk for piece, chunk in zip(layout.piece, layout.chunk, strict=True)]
    entries = 1
    for side in sides:
        entries *= side
    length = 16 * entries + (4 if layout.index_checked else 0)
    file.seek(0 if layout.index_first else max(0, size - length))
    index = file.read(length)
    if len(index) < length:
        raise ValueError("the index of a shard is missing")
    for place in inner:
        at = 0
        for along, side in zip(place, sides, strict=True):
            at = at * side + along
        offset, count = struct.unpack_from("<QQ", index, 16 * at)
        if (offset, count) == (_NOT_THERE, _NOT_THERE):
            continue
        if offset + count > size:
            raise ValueError("the index of a shard is damaged")
        yield offset, count


def _check_one(layout: Layout, file: BinaryIO, offset: int, count: int) -> None:
    limit = layout.chunk_bytes + _SLACK
    stored = next((codec.name for codec in reversed(layout.codecs) if codec.name in COMPRESSORS), None)
    file.seek(offset)
    if count > 2 * limit or (stored is None and count > limit):
        raise ValueError("a chunk has more bytes than its samples take")
    if stored is not None and _decoded(stored, file, count, limit) > limit:
        raise ValueError("a chunk decodes to more bytes than its samples take")


def _decoded(codec: str, file: BinaryIO, count: int, limit: int) -> int:
    """Return a bound of what a compressed chunk decodes to, bytes; reads on from where the file stands."""
    if codec == "blosc":
        head = file.read(16)
        return int(struct.unpack("<I", head[4:8])[0]) if len(head) == 16 else 0
    if codec == "lz4":
        head = file.read(4)
        return int(struct.unpack("<I", head)[0]) if len(head) == 4 else 0
    if codec == "zstd":
        return _zstd(file.read(count))
    if count * _DEFLATE_RATIO <= limit:
        return count * _DEFLATE_RATIO
    return _inflated(file.read(count), limit)


def _inflated(data: bytes, limit: int) -> int:
    """Count what gzip or zlib decodes to, a little at a time, up to just beyond a limit."""
    total = 0
    while data and total <= limit:
        reader = zlib.decompressobj(wbits=47)  # either header
        while not reader.eof and total <= limit:
            try:
                part = reader.decompress(data, 2**20)
            except zlib.error:
                return total  # the decoder will say so
            if not part and not reader.unconsumed_tail:
                return total
            total += len(part)
            data = reader.unconsumed_tail
        data = reader.unused_data
    return total


def _zstd(data: bytes) -> int:
    """Add up the sizes that frames of Zstandard state, or bound them by their blocks (RFC 8878, 3.1.1)."""
    total = at = 0
    while data[at : at + 4] == _ZSTD_MAGIC and len(data) > at + 6:
        kind = data[at + 4]
        single = kind >> 5 & 1
        width = (single, 2, 4, 8)[kind >> 6]
        begin = at + 5 + (1 - single) + (0, 1, 2, 4)[kind & 3]
        stated = int.from_bytes(data[begin : begin + width], "little") + (256 if width == 2 else 0)
        at, blocks = _blocks(data, begin + width)
        at += 4 * (kind >> 2 & 1)
        total += max(stated, 0) if width else blocks
    return total


def _blocks(data: bytes, at: int) -> tuple[int, int]:
    """Return where a frame's blocks end, and a bound of what they decode to."""
    bound = 0
    while at + 3 <= len(data):
        head = int.from_bytes(data[at : at + 3], "little")
        last, kind, size = head & 1, head >> 1 & 3, head >> 3
        at += 3 + (1 if kind == 1 else size)
        bound += size if kind < 2 else _ZSTD_BLOCK
        if last:
            break
    return at, bound
