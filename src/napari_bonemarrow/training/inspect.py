"""Looking at labelled crops before anything is taught with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.crops import Crops, Source
from napari_bonemarrow.training.data import find_sources, read_crop
from napari_bonemarrow.training.duplicates import Prints
from napari_bonemarrow.training.splitting import describe_split, make_split, write_split

Progress = Callable[[int, int, str], None]

_SIZE = 250  # px; crops are compared at the published size


def split_data(
    data: str | Path,
    out: str | Path,
    *,
    test: float,
    calibration: float,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Split the crops of a data set once for all runs and write ``file,part``.

    Parameters
    ----------
    data : path
    out : path
    test, calibration : float
        Shares of the images.
    seed : int
    progress : callable, optional
        Called with the images read, all images and the present source.

    Returns
    -------
    dict
        ``sources`` to classes to the number of images a part, and ``unreadable`` files.

    Raises
    ------
    TrainingError
    """
    crops = look(Path(data), progress)
    split = make_split(crops, test=test, calibration=calibration, seed=seed)
    write_split(crops, split, Path(out))
    return {"split": str(out), "sources": describe_split(crops, split), "unreadable": list(crops.unreadable)}


def look(data: Path, progress: Progress | None = None) -> Crops:
    """Read every crop once for what tells it from the others; pixels are not kept.

    Raises
    ------
    TrainingError
        If no image can be read.
    """
    sources = find_sources(data)
    prints = Prints()
    kept: list[tuple[Source, int, str]] = []
    unreadable: list[str] = []
    total, done = sum(len(source.files) for source in sources), 0
    for source in sources:
        for index, (file, name) in enumerate(zip(source.files, source.names, strict=True)):
            crop = read_crop(file, _SIZE)
            done += 1
            if crop is None:
                unreadable.append(name)
                continue
            prints.add(crop)
            kept.append((source, index, name))
            if progress is not None and done % 1000 == 0:
                progress(done, total, source.name)
    if not kept:
        raise TrainingError(f"{data}: none of its {total} images can be read")
    return Crops(
        np.empty((0, _SIZE, _SIZE, 3), np.uint8),
        np.array([source.codes[index] for source, index, _ in kept]),
        np.array([source.name for source, _, _ in kept]),
        tuple(str(source.files[index]) for source, index, _ in kept),
        prints.groups(),
        tuple(unreadable),
        sources,
        tuple(name for _, _, name in kept),
    )
