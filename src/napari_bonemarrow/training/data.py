"""Folders of crops named by class code: found, decoded once into a memory-mapped cache, split."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.schemes import SCHEMES, scheme_of
from napari_bonemarrow.models.crops import fit_crop
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.crops import Crops, Source, Split, count_by_source
from napari_bonemarrow.training.duplicates import Prints
from napari_bonemarrow.training.splitting import choose_split, make_split, split_crops

log = logging.getLogger(__name__)

__all__ = [
    "Crops",
    "Source",
    "Split",
    "choose_split",
    "count_by_source",
    "find_sources",
    "load_crops",
    "make_split",
    "read_crop",
    "split_crops",
]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})


def find_sources(data: Path, scheme: str | None = None) -> tuple[Source, ...]:
    """Find the data sets in a folder.

    `data` is either one data set (folders named by class code, images in them at any depth) or a
    folder of data sets.

    Parameters
    ----------
    data : Path
    scheme : str, optional
        A name in `SCHEMES` instead of recognising it by the folders' names.

    Raises
    ------
    TrainingError
        If the folder is missing, empty, or a folder's name is no class code.
    """
    if not data.is_dir():
        raise TrainingError(f"{data}: no such folder; give a folder of crops in folders named by class code")
    folders = [child for child in sorted(data.iterdir()) if child.is_dir() and not child.name.startswith(".")]
    known = {code for each in SCHEMES.values() for code in each.codes}
    if any(folder.name in known for folder in folders):
        return (_source(data, folders, scheme),)
    inner = {
        child: [c for c in sorted(child.iterdir()) if c.is_dir() and not c.name.startswith(".")]
        for child in folders
    }
    found = tuple(
        _source(child, classes, scheme)
        for child, classes in inner.items()
        if any(folder.name in known for folder in classes)
    )
    if not found:
        raise TrainingError(f"{data}: no folder here is named by a class code such as BLA, LYT or NGS")
    return found


def _source(root: Path, folders: list[Path], scheme: str | None) -> Source:
    names = [folder.name for folder in folders]
    recognised = SCHEMES.get(scheme) if scheme else scheme_of(names)
    if recognised is None and scheme:
        raise TrainingError(f"no class scheme {scheme!r}: choose one of {', '.join(sorted(SCHEMES))}")
    if recognised is None:
        closest = max(SCHEMES.values(), key=lambda each: len(set(names) & set(each.codes)))
        unknown = sorted(set(names) - set(closest.codes))
        raise TrainingError(
            f"{root / unknown[0]}: {unknown[0]!r} is no class code; rename or move the folder"
        )
    unknown = sorted(set(names) - set(recognised.codes))
    if unknown:
        raise TrainingError(f"{root / unknown[0]}: {unknown[0]!r} is no class code of {recognised.name}")
    files: list[Path] = []
    codes: list[str] = []
    left_out = 0
    for folder in folders:
        code = recognised.codes[folder.name]
        images = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if code is None:
            left_out += len(images)
            continue
        files += images
        codes += [code] * len(images)
    if not files:
        raise TrainingError(f"{root}: its class folders hold no images")
    return Source(root.name, recognised, tuple(files), tuple(codes), left_out, root)


def load_crops(data: Path, size: int, cache: Path, scheme: str | None = None) -> Crops:
    """Decode every crop once and map the pixels into memory.

    Parameters
    ----------
    data : Path
    size : int
        Side of the crops, px; larger images are cut about their centre, smaller ones padded with the
        median of their border.
    cache : Path
        Folder for the decoded pixels; what is there already for the same files is used again.
    scheme : str, optional

    Raises
    ------
    TrainingError
        If no image can be read or the cache cannot be written.
    """
    sources = find_sources(data, scheme)
    files = [file for source in sources for file in source.files]
    codes = np.array([code for source in sources for code in source.codes])
    names = np.array([source.name for source in sources for _ in source.files])
    target = cache / f"crops-{_key(files, size)}.npy"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if not target.is_file():
            _decode_all(files, size, target)
        pixels = np.load(target, mmap_mode="r")
        readable, group = np.load(target.with_suffix(".cells.npy"))
    except OSError as error:
        raise TrainingError(
            f"{cache}: cannot keep decoded crops there ({error.strerror or error})"
        ) from error
    good = readable.astype(bool)
    unreadable = tuple(str(f.relative_to(data)) for f, ok in zip(files, good, strict=True) if not ok)
    if unreadable:
        log.warning("%d unreadable images skipped: %s", len(unreadable), ", ".join(unreadable[:10]))
    if not good.any():
        raise TrainingError(f"{data}: none of its {len(files)} images can be read")
    kept = tuple(str(f.relative_to(data)) for f, ok in zip(files, good, strict=True) if ok)
    full = [name for source in sources for name in source.names]
    whole = tuple(name for name, ok in zip(full, good, strict=True) if ok)
    return Crops(pixels, codes[good], names[good], kept, group[good], unreadable, sources, whole)


def _key(files: list[Path], size: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    for file in files:
        state = file.stat()
        digest.update(f"{file}|{state.st_size}|{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _decode_all(files: list[Path], size: int, target: Path) -> None:
    needed, free = len(files) * size * size * 3, shutil.disk_usage(target.parent).free
    if free < needed + 2**26:  # a full disk under a memory map would end the process, not raise
        raise TrainingError(
            f"{target.parent}: decoded crops need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "make room or name another cache"
        )
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".npy")
    os.close(handle)
    draft = Path(name)
    try:
        # Room for every file; what cannot be read leaves its row unused at the end.
        pixels = np.lib.format.open_memmap(draft, "w+", np.uint8, (len(files), size, size, 3))
        readable = np.zeros(len(files), np.int64)
        prints = Prints()
        for index, crop in enumerate(_decoded(files, size)):
            if crop is None:
                continue
            pixels[len(prints)] = crop
            prints.add(crop)
            readable[index] = 1
        group = np.zeros(len(files), np.int64)
        group[readable.astype(bool)] = prints.groups()
        pixels.flush()
        np.save(target.with_suffix(".cells.npy"), np.stack([readable, group]))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _decoded(files: list[Path], size: int) -> Iterator[NDArray[np.uint8] | None]:
    for file in files:
        yield read_crop(file, size)


def read_crop(file: Path, size: int) -> NDArray[np.uint8] | None:
    """Read one crop as RGB at the given side, or None where it cannot be decoded."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            rgb = np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return fit_crop(rgb, size)
