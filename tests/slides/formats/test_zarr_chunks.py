"""What an OME-Zarr decodes to is told before it is decoded."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numcodecs import LZ4, Blosc, Zstd

from napari_bonemarrow.slides import SlideError, open_slide
from napari_bonemarrow.slides.formats.limits import LONGEST_SIDE, PIECE_BYTES
from tests.slides._pyramids import picture, write_zarr

MANY = 20 * 2**20
"""Bytes that a chunk of a tenth of a megabyte must not decode to."""


def _image(path: Path, version: int, **options: Any) -> None:
    """Write an image of 128×128 px in one chunk."""
    write_zarr(path, [picture(128, 128)], version, 128)
    data = zarr.open_array(path / "0")[:]
    made = zarr.create_array(
        path / "0", data=data, overwrite=True, zarr_format=version, chunks=(3, 128, 128), **options
    )
    assert made.shape == (3, 128, 128)


def _chunk(path: Path) -> Path:
    [file] = [
        each
        for each in (path / "0").rglob("*")
        if each.is_file() and each.name not in (".zarray", ".zattrs", "zarr.json")
    ]
    return file


BOMBS = {
    "zlib": lambda: zlib.compress(bytes(MANY)),
    "gzip": lambda: gzip.compress(bytes(MANY)),
    "zstd": lambda: Zstd().encode(bytes(MANY)),
    "blosc": lambda: Blosc().encode(np.zeros(MANY, np.uint8)),
    "lz4": lambda: LZ4().encode(np.zeros(MANY, np.uint8)),
}


@pytest.mark.parametrize("codec", BOMBS)
def test_a_chunk_that_grows_without_end_is_not_decoded(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.zarr"
    _image(path, 2, compressors=None)
    file = path / "0" / ".zarray"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "compressor": {"id": codec}}))
    _chunk(path).write_bytes(BOMBS[codec]())
    slide = open_slide(path)
    with pytest.raises(SlideError, match=r"a\.zarr: .*(decodes to|has) more bytes than its samples take"):
        slide.levels[0][:, :]


def test_a_frame_of_zstandard_that_does_not_say_its_size_is_bounded_by_its_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    _image(path, 3, compressors=[zarr.codecs.ZstdCodec()])
    block = struct.pack("<I", (2**17 << 3) | 1 << 1)[:3] + b"\0"  # 128 kB of one byte
    _chunk(path).write_bytes(b"\x28\xb5\x2f\xfd\x00\x88" + block * 2000)
    with pytest.raises(SlideError, match="decodes to more bytes"):
        open_slide(path).levels[0][:, :]


@pytest.mark.parametrize("place", ["start", "end"])
def test_a_shard_is_read_and_its_bombs_are_not(tmp_path: Path, place: str) -> None:
    path = tmp_path / "a.zarr"
    write_zarr(path, [picture(128, 128)], 3, 128)
    data = zarr.open_array(path / "0")[:]
    inner = [zarr.codecs.BytesCodec(), zarr.codecs.GzipCodec()]
    codec = zarr.codecs.ShardingCodec(chunk_shape=(3, 64, 64), codecs=inner, index_location=place)
    zarr.create_array(
        path / "0", data=data, overwrite=True, chunks=(3, 128, 128), serializer=codec, compressors=None
    )
    assert np.array_equal(open_slide(path).levels[0][:, :], np.moveaxis(data, 0, -1))
    file = _chunk(path)
    stored, bomb = file.read_bytes(), gzip.compress(bytes(MANY))
    begin = 0 if place == "start" else len(stored) - 68
    index = bytearray(stored[begin : begin + 68])
    at = 68 if place == "start" else 0
    index[32:48] = struct.pack("<QQ", at, len(bomb))  # the third of four chunks
    index[64:] = struct.pack("<I", _crc32c(bytes(index[:64])))
    file.write_bytes(bytes(index) + bomb if place == "start" else bomb + bytes(index))
    with pytest.raises(SlideError, match=r"row 1 cannot be read .a chunk decodes to more bytes"):
        open_slide(path).levels[0][64:, :64]


def _crc32c(data: bytes) -> int:
    from numcodecs.checksum32 import CRC32C

    return int.from_bytes(bytes(CRC32C(location="end").encode(data))[-4:], "little")


@pytest.mark.parametrize(
    ("shape", "chunks", "word"),
    [
        ([3, LONGEST_SIDE + 1, 64], [3, 64, 64], "any scanner"),
        ([3, 1_500_000, 1_500_000], [3, 64, 64], "any scanner"),
        ([3, 9000, 9000], [3, 9000, 9000], f"limit {PIECE_BYTES // 2**20}"),
        ([3, 128, -1], [3, 64, 64], "not a whole number"),
        ([3, 128, 10**30], [3, 64, 64], "not a whole number"),
        ([3, 128, 128], [3, 64], "do not fit"),
    ],
)
def test_absurd_sizes_are_refused_in_one_line(
    tmp_path: Path, shape: list[int], chunks: list[int], word: str
) -> None:
    path = tmp_path / "a.zarr"
    write_zarr(path, [picture(128, 128)], 2, 64)
    file = path / "0" / ".zarray"
    file.write_text(json.dumps({**json.loads(file.read_text()), "shape": shape, "chunks": chunks}))
    with pytest.raises(SlideError, match=word) as caught:
        open_slide(path)
    assert "\n" not in str(caught.value)


def test_chunks_of_one_pixel_are_read_many_at_a_time(tmp_path: Path) -> None:
    write_zarr(tmp_path / "a.zarr", [picture(100, 70)], 3, 8)
    level = open_slide(tmp_path / "a.zarr").levels[0]
    assert level.tile_shape == (64, 64)  # type: ignore[attr-defined]
    assert np.array_equal(level[:, :], picture(100, 70))
