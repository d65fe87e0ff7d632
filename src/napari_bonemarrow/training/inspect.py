"""Looking at labelled crops before anything is taught with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.crops import Crops, Source
from napari_bonemarrow.training.data import find_sources, keep_together
from napari_bonemarrow.training.duplicates import Prints
from napari_bonemarrow.training.images import all_images, in_order, read_image
from napari_bonemarrow.training.splitting import describe_split, make_split, write_split

Progress = Callable[[int, int, str], None]

_SIZE, _MICRONS_PER_PIXEL = 250, 0.1  # as published: what crops are compared at


def split_data(
    data: str | Path,
    out: str | Path,
    *,
    test: float,
    calibration: float,
    seed: int = 0,
    scheme: str | None = None,
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
    scheme : str, optional
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
    crops = look(Path(data), scheme, progress)
    split = make_split(crops, test=test, calibration=calibration, seed=seed)
    write_split(crops, split, Path(out))
    return {"split": str(out), "sources": describe_split(crops, split), "unreadable": list(crops.unreadable)}


def look(data: Path, scheme: str | None = None, progress: Progress | None = None) -> Crops:
    """Read every crop once for what tells it from the others; pixels are not kept.

    Raises
    ------
    TrainingError
        If no image can be read.
    """
    sources = find_sources(data, scheme)
    images = all_images(sources)
    prints = Prints()
    kept: list[tuple[Source, int]] = []
    unreadable: list[str] = []

    def read(place: int) -> NDArray[np.uint8] | None:
        source, index = images[place]
        return read_image(source, source.files[index], _SIZE, _MICRONS_PER_PIXEL)

    for place, crop in enumerate(in_order(read, len(images))):
        source, index = images[place]
        if crop is None:
            unreadable.append(source.name_of(source.files[index]))
        else:
            prints.add(crop)
            kept.append((source, index))
        if progress is not None and place % 1000 == 0:
            progress(place, len(images), source.name)
    if not kept:
        raise TrainingError(f"{data}: none of its {len(images)} images can be read")
    return Crops(
        np.empty((0, _SIZE, _SIZE, 3), np.uint8),
        np.array([source.codes[index] for source, index in kept]),
        np.array([source.name for source, _ in kept]),
        tuple(str(source.files[index]) for source, index in kept),
        keep_together(kept, prints.groups()),
        tuple(unreadable),
        sources,
        tuple(source.name_of(source.files[index]) for source, index in kept),
    )
