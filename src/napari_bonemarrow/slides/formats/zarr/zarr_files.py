"""The files of an OME-Zarr that its fingerprint covers."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.slides.formats.folders import files_below

_METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
_CHUNKS = 64


def parts(path: Path) -> list[tuple[str, Path]]:
    """Return the metadata of group and arrays, and chunks of the last array: there may be 10⁵ files."""
    folders = [path, *sorted(each for each in path.iterdir() if each.is_dir())]
    # One group deeper in the layout of bioformats2raw, with a folder for each image.
    folders += sorted(each for folder in folders[1:] for each in folder.iterdir() if each.is_dir())[:64]
    parts = [
        (file.relative_to(path).as_posix(), file)
        for folder in folders
        for name in _METADATA
        if (file := folder / name).is_file()
    ]
    arrays = [file.parent for name, file in parts if name.endswith(".zarray") or _is_array(file)]
    if arrays:
        chunks = [part for part in files_below(arrays[-1]) if part[1].name not in _METADATA]
        parts += chunks[:: max(1, len(chunks) // _CHUNKS)][:_CHUNKS]
    return parts


def _is_array(file: Path) -> bool:
    return file.name == "zarr.json" and b'"array"' in file.read_bytes()
