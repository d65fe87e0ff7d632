"""Small images of every format, and seeded ways of damaging them."""

from __future__ import annotations

import json
import random
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import tifffile
import zarr
from PIL import Image
from pydicom.encaps import encapsulate

from tests.slides._dicom import write_dicom
from tests.slides._pyramids import halved, picture, write_ome, write_pages, write_zarr
from tests.slides.vendors import OTHERS, WRITERS
from tests.slides.vendors.planted import ACCESSION, MARK, NAME, jpeg

Seed = Callable[[Path, list[np.ndarray]], Path]
"""Writes an image of some levels into a folder, and returns what is opened."""


def _pillow(suffix: str, mode: str = "RGB", **options: Any) -> Seed:
    def write(folder: Path, levels: list[np.ndarray]) -> Path:
        path = folder / f"smear{suffix}"
        exif = Image.Exif()
        exif[270], exif[274], exif[315] = ACCESSION, 6, NAME
        extra = {} if suffix == ".bmp" else {"exif": exif}
        Image.fromarray(levels[0]).convert(mode).save(path, **extra, **options)
        return path

    return write


def _deep_png(folder: Path, levels: list[np.ndarray]) -> Path:
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(levels[0].astype(np.uint16) * 257))
    return folder / "deep.png"


def _tiff(**options: Any) -> Seed:
    def write(folder: Path, levels: list[np.ndarray]) -> Path:
        tifffile.imwrite(folder / "smear.tif", levels[0], photometric="rgb", description=NAME, **options)
        return folder / "smear.tif"

    return write


def _pages(**options: Any) -> Seed:
    def write(folder: Path, levels: list[np.ndarray]) -> Path:
        write_pages(folder / "pages.tif", levels, 64, description=NAME, **options)
        return folder / "pages.tif"

    return write


def _ome(folder: Path, levels: list[np.ndarray]) -> Path:
    write_ome(folder / "smear.ome.tif", levels, 64, compression="zlib")
    return folder / "smear.ome.tif"


def _zarr(version: int, **options: Any) -> Seed:
    def write(folder: Path, levels: list[np.ndarray]) -> Path:
        path = folder / "smear.zarr"
        write_zarr(path, levels, version, 64)
        for number in range(len(levels)) if options else ():
            data = zarr.open_array(path / str(number))[:]
            more = {"chunks": (3, 128, 128), **{key: value() for key, value in options.items()}}
            array = path / str(number)
            zarr.create_array(array, data=data, overwrite=True, zarr_format=version, **more)
        return path

    return write


def _shards() -> Any:
    return zarr.codecs.ShardingCodec(
        chunk_shape=(3, 64, 64), codecs=[zarr.codecs.BytesCodec(), zarr.codecs.GzipCodec()]
    )


def _dicom_jpeg(folder: Path, levels: list[np.ndarray]) -> Path:
    series = folder / "series"
    for path in write_dicom(series, levels, tile=64):
        image = pydicom.dcmread(path)
        frames = np.frombuffer(image.PixelData, np.uint8).reshape(-1, 64, 64, 3)
        image.PixelData = encapsulate([jpeg(frame) for frame in frames], has_bot=True)
        image.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
        image.PhotometricInterpretation, image.LossyImageCompression = "YBR_FULL_422", "01"
        image.PatientName = NAME
        image["PixelData"].is_undefined_length = True
        image.save_as(path)
    return series


def _fields(folder: Path, levels: list[np.ndarray]) -> Path:
    fields = folder / "fields"
    fields.mkdir()
    for number, suffix in enumerate((".png", ".jpg", ".tif", ".bmp", ".webp")):
        Image.fromarray(levels[0]).save(fields / f"{number}{suffix}")
    return fields


def _written(name: str) -> Seed:
    def write(folder: Path, levels: list[np.ndarray]) -> Path:
        path: Path = {**WRITERS, **OTHERS}[name][1](folder, levels, (0.25, 0.25)).path
        return path

    return write


SEEDS: dict[str, Seed] = {
    **{name: _written(name) for name in (*WRITERS, *OTHERS)},
    "png-rgba": _pillow(".png", "RGBA"),
    "png-palette": _pillow(".png", "P"),
    "png-16": _deep_png,
    "jpeg-progressive": _pillow(".jpg", progressive=True),
    "jpeg-cmyk": _pillow(".jpg", "CMYK"),
    "bmp": _pillow(".bmp"),
    "webp": _pillow(".webp"),
    "webp-lossless": _pillow(".webp", "RGBA", lossless=True),
    "tiff": _tiff(),
    "tiff-lzw": _tiff(compression="lzw", predictor=True, rowsperstrip=32),
    "tiff-deflate": _tiff(compression="zlib", tile=(64, 64)),
    "tiff-zstd": _tiff(compression="zstd", tile=(64, 64)),
    "tiff-jpeg": _tiff(compression="jpeg", tile=(64, 64)),
    "tiff-webp": _tiff(compression="webp", tile=(64, 64)),
    "pages-jpeg": _pages(compression="jpeg"),
    "pages-jpeg2000": _pages(compression="jpeg2000"),
    "pages-webp": _pages(compression="webp"),
    "pages-planar": _pages(compression="packbits"),
    "ome-subifds": _ome,
    "zarr-2": _zarr(2),
    "zarr-3": _zarr(3),
    "zarr-gzip": _zarr(3, compressors=lambda: [zarr.codecs.GzipCodec()]),
    "zarr-blosc": _zarr(3, compressors=lambda: [zarr.codecs.BloscCodec()]),
    "zarr-shards": _zarr(3, serializer=_shards, compressors=lambda: None),
    "dicom-jpeg": _dicom_jpeg,
    "fields": _fields,
}
"""Every format that is read, in the forms that go through other code."""


def write_seeds(folder: Path) -> dict[str, Path]:
    """Write each format once; return what is opened of each, every one in a folder of its own."""
    finest = picture(512, 768)
    levels = [finest, halved(finest)]
    made = {}
    for name, write in SEEDS.items():
        (folder / name).mkdir(parents=True)
        made[name] = write(folder / name, levels)
    return made


def home_of(seed: Path, name: str) -> Path:
    """Return the folder of a seed, which all its files lie in."""
    return next(folder for folder in seed.parents if folder.name == name)


_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_NUMBERS = (b"0", b"-1", b"1", b"65537", b"4294967296", b"99999999999999999999", b"1e9", b"NaN", b"x")
_TEXT = re.compile(rb"[\x20-\x7e\n\r\t]{24,}")


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Damage bytes in one of several ways: as a disk does, and as somebody would who knows the format."""
    return bytes(rng.choice(_WAYS)(bytearray(data), rng)) if data else b""


def _place(data: bytearray, rng: random.Random) -> int:
    """A place, half of the time in the first or last 2 kB, where headers and directories are."""
    near = rng.random()
    if near < 0.4:
        return rng.randrange(min(len(data), 2048))
    if near < 0.5:
        return len(data) - 1 - rng.randrange(min(len(data), 2048))
    return rng.randrange(len(data))


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    for _each in range(rng.choice((1, 1, 3, 8, 64))):
        data[_place(data, rng)] = rng.randrange(256)
    return data


def _number(data: bytearray, rng: random.Random) -> bytearray:
    for _each in range(rng.choice((1, 2, 4))):
        at, kind = _place(data, rng), rng.choice(("<H", "<I", ">H", ">I", "<Q"))
        at -= at % 2
        packed = struct.pack(kind, rng.choice(_EXTREMES) % 256 ** struct.calcsize(kind))
        data[at : at + len(packed)] = packed[: len(data) - at]
    return data


def _cut(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data))]


def _blank(data: bytearray, rng: random.Random) -> bytearray:
    at, length = _place(data, rng), rng.choice((16, 512, 4096))
    data[at : at + length] = bytes([rng.choice((0, 0xFF))]) * min(length, len(data) - at)
    return data


def _moved(data: bytearray, rng: random.Random) -> bytearray:
    at, length, to = _place(data, rng), rng.choice((1, 7, 64, 1024)), _place(data, rng)
    data[to:to] = data[at : at + length]
    return data


def _lost(data: bytearray, rng: random.Random) -> bytearray:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 7, 64, 1024))]
    return data


def _digits(data: bytearray, rng: random.Random) -> bytearray:
    """Put another number into a text of the file: a size in its XML, INI or JSON."""
    texts = [found for found in _TEXT.finditer(bytes(data)) if re.search(rb"\d", found[0])]
    if not texts:
        return _flip(data, rng)
    text = rng.choice(texts)
    number = rng.choice(list(re.finditer(rb"-?\d+", text[0])))
    value = rng.choice(_NUMBERS)
    begin = text.start() + number.start()
    data[begin : begin + len(number[0])] = value
    return data


_SIGNS = (0, 0x22, 0x27, 0x3C, 0x80, 0xFF)


def _words(data: bytearray, rng: random.Random) -> bytearray:
    """Damage what stands beside a patient's words, so that a reader complains of them."""
    found = [each.start() for each in re.finditer(MARK.encode(), bytes(data))]
    if not found:
        return _number(data, rng)
    at = rng.choice(found) + rng.choice((-1, 1)) * rng.randrange(1, 48)
    length = rng.choice((1, 2, 4))
    if 0 <= at < len(data) - length:
        data[at : at + length] = bytes(
            rng.choice((0, 0x22, 0x27, 0x3C, 0x80, 0xFF)) for _each in range(length)
        )
    return data


_WAYS = (
    _words,
    _words,
    _flip,
    _flip,
    _number,
    _number,
    _number,
    _cut,
    _blank,
    _moved,
    _lost,
    _digits,
    _digits,
)


def mutate(seed: Path, source: Path, target: Path, rng: random.Random) -> Path:
    """Copy the folder of a seed and damage one of its files, or two; return what is to be opened."""
    shutil.copytree(source, target)
    files = sorted(each for each in target.rglob("*") if each.is_file())
    told = [each for each in files if each.suffix in (".json", ".ini", ".vms", ".vmu") or each.name[0] == "."]
    for _each in range(rng.choice((1, 1, 2))):
        file = rng.choice(told if told and rng.random() < 0.5 else files)
        if file.suffix == ".json" and rng.random() < 0.5:
            file.write_text(json.dumps(_json_damaged(json.loads(file.read_text()), rng)))
        elif rng.random() < 0.03:
            file.unlink()
            break
        else:
            file.write_bytes(damaged(file.read_bytes(), rng))
        if file.suffix == ".json":
            break
    return target / seed.relative_to(source)


def _json_damaged(told: Any, rng: random.Random) -> Any:
    """Put something else in one place of a JSON document."""
    if isinstance(told, dict | list) and told and rng.random() < 0.85:
        key = rng.choice(list(told)) if isinstance(told, dict) else rng.randrange(len(told))
        return (
            {**told, key: _json_damaged(told[key], rng)}
            if isinstance(told, dict)
            else [*told[:key], _json_damaged(told[key], rng), *told[key + 1 :]]
        )
    return rng.choice((None, -1, 0, 1e300, 2**40, "x", "../..", [], {}, [told], {"name": told}, True))
