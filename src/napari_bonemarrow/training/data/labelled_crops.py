"""Labelled crops, decoded once into a memory-mapped cache for later epochs and runs."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review import SUFFIX
from napari_bonemarrow.system.files import DRAFT, draft, why
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Crops, Source, Split, count_by_source
from napari_bonemarrow.training.data.duplicates import Prints, equal_pairs, join
from napari_bonemarrow.training.data.images import all_images, in_order, read_crop, read_image
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.data.split import choose_split, make_split, split_crops

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
    "read_image",
    "split_crops",
]

Decoded = Callable[[int, int], object]
"""Called with the number of decoded images and of all images."""

_FORGOTTEN = 86_400.0  # seconds after which a draft is from a killed run


def load_crops(
    data: Path,
    size: int,
    cache: Path,
    scheme: str | None = None,
    *,
    microns_per_pixel: float | None = None,
    scales: Mapping[str, float] | None = None,
    progress: Decoded | None = None,
) -> Crops:
    """Return the crops of a data set, decoded once and memory-mapped.

    Parameters
    ----------
    data : Path
        As `find_sources` takes it.
    size : int
        Side of the crops, px; larger images are cut to their centre, smaller ones padded with the
        median of their border.
    cache : Path
        Folder for the decoded pixels; those of unchanged files are reused. Several runs may share it.
    scheme : str, optional
    microns_per_pixel : float, optional
        Scale of the run. Images of known scale are resampled to it.
    scales : mapping of str to float, optional
        µm per pixel of data sets by name.
    progress : callable, optional

    Raises
    ------
    TrainingError
        If no image can be read or the cache cannot be written.
    """
    sources = find_sources(data, scheme, scales)
    images = all_images(sources)
    target = cache / f"crops-{_key(images, size, microns_per_pixel)}.npy"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _sweep(cache)
        if not (target.is_file() and _beside(target).is_file()):
            _decode_all(images, size, microns_per_pixel, target, progress)
        pixels = np.load(target, mmap_mode="r")
        readable, group = np.load(_beside(target))
    except OSError as error:
        raise TrainingError(f"{cache}: cannot keep decoded crops there ({why(error)})") from error
    good = readable.astype(bool)
    files = [_relative(source.files[index], data) for source, index in images]
    unreadable = tuple(file for file, ok in zip(files, good, strict=True) if not ok)
    if unreadable:
        log.warning("%d unreadable images skipped: %s", len(unreadable), ", ".join(unreadable[:10]))
    if not good.any():
        raise TrainingError(f"{data}: none of its {count_of(len(files), 'image')} can be read")
    kept = [image for image, ok in zip(images, good, strict=True) if ok]
    return Crops(
        pixels,
        np.array([source.codes[index] for source, index in kept]),
        np.array([source.name for source, _ in kept]),
        tuple(file for file, ok in zip(files, good, strict=True) if ok),
        keep_together(kept, group[good]),
        unreadable,
        sources,
        tuple(source.name_of(source.files[index]) for source, index in kept),
    )


def keep_together(images: Sequence[tuple[Source, int]], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return groups of near-duplicates joined by patient (by slide where no patient is known).

    Parameters
    ----------
    images : sequence of (Source, int)
    group : ndarray of int64, shape (n,)
        Equal for crops of the same cell.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    whose = [source.together.get(source.files[index], "") for source, index in images]
    known = [row for row, each in enumerate(whose) if each]
    keys = [f"{images[row][0].name} {whose[row]}" for row in known]
    patients = np.array(known, np.intp)[equal_pairs(keys)] if known else np.empty((0, 2), np.intp)
    return join(len(group), equal_pairs([str(each) for each in group]), patients)


def _relative(file: Path, data: Path) -> str:
    return str(file.relative_to(data)) if file.is_relative_to(data) else str(file)


def _key(images: Sequence[tuple[Source, int]], size: int, microns_per_pixel: float | None) -> str:
    """Return the cache's key: a hash of files, their state, sizes and scales."""
    digest = hashlib.sha256(f"3 {size}".encode())  # the version of this layout
    for source, index in images:
        file = source.files[index]
        scale = microns_per_pixel if source.scale_of(file) or file.parent.suffix == SUFFIX else None
        state = (file.parent if file.parent.suffix == SUFFIX else file).stat()
        line = f"{file}|{state.st_size}|{state.st_mtime_ns}|{source.scale_of(file)}|{scale}\n"
        digest.update(line.encode())
    return digest.hexdigest()[:16]


def _beside(target: Path) -> Path:
    return target.with_suffix(".cells.npy")


def _sweep(cache: Path) -> None:
    """Remove drafts of killed runs; those of parallel runs are younger."""
    for old in cache.glob(f"{DRAFT}*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _FORGOTTEN:
                old.unlink()


def _decode_all(
    images: Sequence[tuple[Source, int]],
    size: int,
    microns_per_pixel: float | None,
    target: Path,
    progress: Decoded | None,
) -> None:
    """Decode on several threads into drafts, which are moved into place when complete."""
    needed, free = len(images) * size * size * 3, shutil.disk_usage(target.parent).free
    if free < needed + 2**26:  # a full disk under a memory map would kill the process
        raise TrainingError(
            f"{target.parent}: decoded crops need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "make room or name another cache"
        )
    with draft(target) as place, draft(_beside(target)) as rows:  # the second is put in place first
        # Room for every file; unreadable ones leave unused rows at the end.
        pixels = np.lib.format.open_memmap(place, "w+", np.uint8, (len(images), size, size, 3))
        _reserve(place)
        readable = np.zeros(len(images), np.int64)
        prints = Prints()

        def read(at: int) -> NDArray[np.uint8] | None:
            source, index = images[at]
            return read_image(source, source.files[index], size, microns_per_pixel)

        for at, crop in enumerate(in_order(read, len(images))):
            if crop is not None:
                pixels[len(prints)] = crop
                prints.add(crop)
                readable[at] = 1
            if progress is not None:
                progress(at + 1, len(images))
        group = np.zeros(len(images), np.int64)
        group[readable.astype(bool)] = prints.groups()
        pixels.flush()
        np.save(rows, np.stack([readable, group]))


def _reserve(path: Path) -> None:
    """Reserve the disk space now, where the system can: an error, not a crash, on a full disk."""
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
