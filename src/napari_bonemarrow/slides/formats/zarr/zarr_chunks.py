"""Decoded sizes of stored Zarr chunks, known before decoding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from napari_bonemarrow.slides.formats.zarr.zarr_metadata import COMPRESSORS, Layout

_DEFLATE_RATIO = 1032
"""Largest expansion of Deflate (RFC 1951: 258 bytes from two bits)."""

_SLACK = 4096
"""Allowance for headers and checksums of a chunk, bytes."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK = 128 * 2**10
_NOT_THERE = 2**64 - 1


def check(layout: Layout, file: Path, inner: Iterator[tuple[int, ...]]) -> None:
    """Raise an error for a chunk that would decode to more bytes than the array states.

    Parameters
    ----------
    layout : Layout
    file : Path
        A chunk or shard; a missing one is empty.
    inner : iterator of tuple of int
        The wanted chunks of a shard; unused otherwise.

    Raises
    ------
    ValueError
        If it decodes to too much, or its shard's index is damaged.
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
    """Yield offset and length of the wanted chunks of a shard."""
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
    """Return an upper bound of a compressed chunk's decoded bytes; reads from the current position."""
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
    """Return the decoded bytes of gzip or zlib, counted in small steps up to just beyond a limit."""
    total = 0
    while data and total <= limit:
        reader = zlib.decompressobj(wbits=47)  # either header
        while not reader.eof and total <= limit:
            try:
                part = reader.decompress(data, 2**20)
            except zlib.error:
                return total  # the decoder reports it
            if not part and not reader.unconsumed_tail:
                return total
            total += len(part)
            data = reader.unconsumed_tail
        data = reader.unused_data
    return total


def _zstd(data: bytes) -> int:
    """Return the sum of the sizes in Zstandard frames, or a bound from their blocks (RFC 8878, 3.1.1)."""
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
    """Return the end of a frame's blocks, and an upper bound of their decoded bytes."""
    bound = 0
    while at + 3 <= len(data):
        head = int.from_bytes(data[at : at + 3], "little")
        last, kind, size = head & 1, head >> 1 & 3, head >> 3
        at += 3 + (1 if kind == 1 else size)
        bound += size if kind < 2 else _ZSTD_BLOCK
        if last:
            break
    return at, bound
