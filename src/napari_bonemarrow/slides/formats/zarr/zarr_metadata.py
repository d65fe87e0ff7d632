"""Metadata of an OME-Zarr's arrays, checked before a library that runs codecs reads it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_bonemarrow.slides.formats.limits import PIECE_BYTES
from napari_bonemarrow.slides.slide import SlideError

COMPRESSORS = frozenset({"blosc", "zstd", "gzip", "zlib", "lz4"})
"""Codecs that compress. Each states its decoded size or is bounded by its format."""

HARMLESS = frozenset({"bytes", "transpose", "crc32c"})
"""Codecs that reorder or check samples."""

_DTYPES = {"bool": 1} | {f"{kind}{8 * size}": size for kind in ("int", "uint") for size in (1, 2, 4, 8)}
_DTYPES |= {"float16": 2, "float32": 4, "float64": 8}
"""Sizes of Zarr 3 data types for samples, bytes."""

_DTYPE2 = re.compile(r"[<>|](?:b1|[iu][1248]|f[248])")
"""Zarr 2 data types for samples; not objects, texts, records and times."""

_LARGEST_JSON = 8 * 2**20
_MOST_AXES = 6
_MOST_INNER = 2**18
"""Most chunks in a shard: its index, 16 bytes each, is read as a whole."""


@dataclass(frozen=True)
class Codec:
    """One step of decoding, with its configuration in the array's metadata."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """The storage layout of an array.

    Attributes
    ----------
    version : 2 or 3
        Version of the Zarr format.
    shape, piece : tuple of int
        Shape of the array, and of one file: a chunk or a shard of several.
    chunk : tuple of int
        Shape of a chunk, which is decoded as a whole.
    itemsize : int
        Bytes per sample.
    codecs : tuple of Codec
        Codecs of a chunk in encoding order.
    index_first : bool or None
        Whether a shard's index precedes the chunks; None without shards.
    index_checked : bool
        Whether a checksum follows a shard's index.
    """

    version: Literal[2, 3]
    shape: tuple[int, ...]
    piece: tuple[int, ...]
    chunk: tuple[int, ...]
    itemsize: int
    codecs: tuple[Codec, ...]
    index_first: bool | None = None
    index_checked: bool = True

    @property
    def chunk_bytes(self) -> int:
        """Return the bytes of a decoded chunk."""
        return math.prod(self.chunk) * self.itemsize


def read_json(file: Path) -> dict[str, Any]:
    """Return one of a Zarr's JSON files.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not a JSON object, or absurdly long.
    """
    if file.stat().st_size > _LARGEST_JSON:
        raise ValueError(f"{file.name} is longer than {_LARGEST_JSON // 2**20} MB")
    try:
        told = json.loads(file.read_bytes())
    except RecursionError as error:
        raise ValueError(f"{file.name} is nested too deeply") from error
    if not isinstance(told, dict):
        raise ValueError(f"{file.name} is not a JSON object")
    return told


def attributes(folder: Path) -> dict[str, Any]:
    """Return the attributes of a group.

    Raises
    ------
    OSError, ValueError
        As `read_json`; also if the folder is not a group.
    """
    if (folder / "zarr.json").is_file():
        told = read_json(folder / "zarr.json")
        if told.get("node_type") != "group":
            raise ValueError("it is an array, not a group")
        return _mapping(told.get("attributes", {}))
    return read_json(folder / ".zattrs") if (folder / ".zattrs").is_file() else {}


def groups(folder: Path) -> list[Path]:
    """Return the groups directly below a group, by name."""
    found = [
        each
        for each in folder.iterdir()
        if each.is_dir() and ((each / ".zgroup").is_file() or _is_group(each / "zarr.json"))
    ]
    return sorted(found)


def _is_group(file: Path) -> bool:
    return file.is_file() and read_json(file).get("node_type") == "group"


def layout(path: Path, folder: Path) -> Layout:
    """Return an array's storage layout; raise an error if it could run code or exhaust memory.

    Parameters
    ----------
    path : Path
        The image, for error messages.
    folder : Path
        Folder of the array.

    Raises
    ------
    SlideError
        If a codec or data type has no decoder here, or a size is too large.
    OSError, KeyError, TypeError, ValueError
        If the metadata does not follow the specification.
    """
    third = (folder / "zarr.json").is_file()
    file = folder / ("zarr.json" if third else ".zarray")
    if not file.is_file():
        raise ValueError("an array that it names is missing")
    told = read_json(file)
    found = _third(path, told) if third else _second(path, told)
    sizes = (found.shape, found.piece, found.chunk)
    if not 2 <= len(found.shape) <= _MOST_AXES or len({len(each) for each in sizes}) > 1:
        raise ValueError("the axes of its shape and chunks do not fit")
    if any(piece % chunk for piece, chunk in zip(found.piece, found.chunk, strict=True)):
        raise ValueError("its shards are not multiples of its chunks")
    if found.chunk_bytes > PIECE_BYTES:
        raise SlideError(
            f"{path}: its chunks take {found.chunk_bytes / 2**20:.4g} MB each (limit "
            f"{PIECE_BYTES // 2**20}); export it with smaller chunks"
        )
    if math.prod(found.piece) // math.prod(found.chunk) > _MOST_INNER:
        raise SlideError(f"{path}: its shards hold more than {_MOST_INNER} chunks; export it again")
    if sum(codec.name in COMPRESSORS for codec in found.codecs) > 1:
        raise SlideError(f"{path}: its chunks are compressed more than once; export it again")
    return found


def _second(path: Path, told: Mapping[str, Any]) -> Layout:
    dtype = told["dtype"]
    if not isinstance(dtype, str) or not _DTYPE2.fullmatch(dtype):
        raise _refused(path, "data type", dtype)
    steps = [*(told.get("filters") or ()), *([told["compressor"]] if told.get("compressor") else [])]
    codecs = tuple(_codec(path, _mapping(step).get("id"), step) for step in steps)
    chunks = _sizes(told["chunks"])
    return Layout(2, _sizes(told["shape"]), chunks, chunks, int(dtype[-1]), codecs)


def _third(path: Path, told: Mapping[str, Any]) -> Layout:
    dtype = told["data_type"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise _refused(path, "data type", dtype)
    if told["chunk_grid"]["name"] != "regular":
        raise _refused(path, "chunk grid", told["chunk_grid"]["name"])
    if told.get("storage_transformers"):
        raise _refused(path, "storage transformer", "of any kind")
    shape, piece = _sizes(told["shape"]), _sizes(told["chunk_grid"]["configuration"]["chunk_shape"])
    steps = _steps(told["codecs"])
    if [name for name, _options in steps] != ["sharding_indexed"]:
        return Layout(3, shape, piece, piece, _DTYPES[dtype], _all(path, steps))
    options = steps[0][1]
    index = [codec.name for codec in _all(path, _steps(options["index_codecs"]))]
    location = options.get("index_location", "end")
    if index not in (["bytes"], ["bytes", "crc32c"]) or location not in ("start", "end"):
        raise SlideError(
            f"{path}: the index of its shards is in another form than here is read; export it again"
        )
    codecs = _all(path, _steps(options["codecs"]))
    chunk = _sizes(options["chunk_shape"])
    return Layout(3, shape, piece, chunk, _DTYPES[dtype], codecs, location == "start", "crc32c" in index)


def _steps(told: Sequence[Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    """Return name and configuration of each Zarr 3 codec, which may be only a name."""
    return [
        (each, {}) if isinstance(each, str) else (each["name"], _mapping(each.get("configuration") or {}))
        for each in told
    ]


def _all(path: Path, steps: Sequence[tuple[Any, Mapping[str, Any]]]) -> tuple[Codec, ...]:
    return tuple(_codec(path, name, options) for name, options in steps)


def _codec(path: Path, name: Any, options: Mapping[str, Any]) -> Codec:
    plain = name.removeprefix("numcodecs.") if isinstance(name, str) else name
    if not isinstance(plain, str) or plain not in COMPRESSORS | HARMLESS:
        raise _refused(path, "codec", name)
    return Codec(plain, options)


def _refused(path: Path, what: str, name: Any) -> SlideError:
    """Return the name to print in an error; free text of a file is not repeated."""
    shown = name if isinstance(name, str) and re.fullmatch(r"[\w.|<>-]{1,32}", name, re.ASCII) else "unnamed"
    return SlideError(
        f"{path}: its {what} '{shown}' is not one that is decoded here; export it as OME-Zarr with Blosc, "
        "Zstandard or gzip"
    )


def _sizes(told: Any) -> tuple[int, ...]:
    if not isinstance(told, list) or not all(type(each) is int and 0 < each < 2**40 for each in told):
        raise ValueError("a size in its metadata is not a whole number above 0")
    return tuple(told)


def _mapping(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise TypeError("a part of its metadata is not a JSON object")
    return told
