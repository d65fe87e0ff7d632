"""Images of an evaluation and their predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.labelled_crops import Source, read_image

AT_ONCE = 256
"""Crops decoded at a time."""

Tell = Callable[[int], None]
"""Called with the number of further crops done."""

Progress = Callable[[int, int, str], None]
"""Called with the number of crops done, the number in all passes, and the present step."""


class Steps:
    """A counter of crops over the passes of an evaluation.

    Parameters
    ----------
    progress : callable, optional
    crops : int
        Crops in one pass.
    passes : int
    """

    def __init__(self, progress: Progress | None, crops: int, passes: int) -> None:
        self._progress = progress
        self._total = crops * passes
        self._done = 0

    def next(self, crops: int, doing: str = "classified") -> None:
        """Add crops to the count."""
        self._done = min(self._done + crops, self._total)
        if self._progress is not None:
            self._progress(self._done, self._total, doing)


@dataclass(frozen=True, slots=True)
class Classified:
    """One source's images with their probabilities.

    Attributes
    ----------
    source : Source
    files : tuple of Path
        The readable ones.
    truth : ndarray of int, shape (n,)
        Columns of the bundle's classes.
    probabilities : ndarray of float32, shape (n, k)
    asked : ndarray of bool, shape (n,)
        Whether an image was requested; others only serve the transfer figures.
    unreadable : tuple of str
    available : mapping of str to int
        Images of each class in the whole source, without unreadable ones.
    """

    source: Source
    files: tuple[Path, ...]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float32]
    asked: NDArray[np.bool_]
    unreadable: tuple[str, ...]
    available: Mapping[str, int]

    def name_of(self, index: int | np.intp, data: Path) -> str:
        """Return an image's path relative to the data folder, or unchanged if it lies elsewhere."""
        file = self.files[index]
        return file.relative_to(data).as_posix() if file.is_relative_to(data) else file.as_posix()


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected images of a source.

    Attributes
    ----------
    source : Source
    asked : tuple of bool
        Which of its images were requested.
    available : mapping of str to int
        Images of each class in the whole source.
    """

    source: Source
    asked: tuple[bool, ...]
    available: Mapping[str, int]


def select(
    source: Source,
    parts: Mapping[str, str] | None,
    part: str,
    limit: int | None,
    extra: Collection[str],
    seed: int,
) -> Selection | None:
    """Return the images of a part, with an optional limit per class.

    Parameters
    ----------
    source : Source
    parts : mapping of str to str, optional
        Part by image name (`Source.names`); other images are ``train``. None: all images.
    part : str
    limit : int, optional
        Largest number of images per class, drawn at random.
    extra : collection of str
        Codes whose images are taken from every part, even if not requested.
    seed : int

    Returns
    -------
    Selection or None
        None where nothing of the source was requested.
    """
    asked = [parts is None or parts.get(name, "train") == part for name in source.names]
    if limit is not None:
        rng = np.random.default_rng(seed)
        codes = np.array(source.codes)
        for code in np.unique(codes):
            here = np.flatnonzero((codes == code) & asked)
            for index in rng.permutation(here)[limit:]:
                asked[index] = False
    if not any(asked):
        return None
    kept = [i for i, code in enumerate(source.codes) if asked[i] or code in extra]
    smaller = replace(
        source, files=tuple(source.files[i] for i in kept), codes=tuple(source.codes[i] for i in kept)
    )
    return Selection(smaller, tuple(asked[i] for i in kept), Counter(source.codes))


def classify_source(classifier: Classifier, selection: Selection, tell: Tell) -> Classified:
    """Return a source's predictions, in order, a few hundred crops at a time.

    Raises
    ------
    TrainingError
        If no image can be read, or a class is not in the bundle.
    """
    card, source = classifier.bundle.card, selection.source
    column = {code: index for index, code in enumerate(card.classes)}
    kept: list[int] = []
    probabilities: list[NDArray[np.float32]] = []
    for file, code in zip(source.files, source.codes, strict=True):
        if code not in column:
            raise TrainingError(f"{file}: {code} is none of {card.name}'s classes; leave it out")
    for start in range(0, len(source.files), AT_ONCE):
        crops = []
        block = source.files[start : start + AT_ONCE]
        for index, file in enumerate(block, start):
            crop = read_image(source, file, card.crop_size, card.microns_per_pixel)
            if crop is not None:
                crops.append(crop)
                kept.append(index)
        if crops:
            probabilities.append(classifier.classify(np.stack(crops)).probabilities)
        tell(len(block))
    if not kept:
        raise TrainingError(f"{source.name}: none of its {count_of(len(source.files), 'image')} can be read")
    lost = sorted(set(range(len(source.files))) - set(kept))
    missed = Counter(source.codes[i] for i in lost)
    return Classified(
        source,
        tuple(source.files[i] for i in kept),
        np.array([column[source.codes[i]] for i in kept], np.intp),
        np.concatenate(probabilities),
        np.array([selection.asked[i] for i in kept], bool),
        tuple(source.files[i].name for i in lost),
        {code: n - missed[code] for code, n in selection.available.items()},
    )


def crops_of(
    classified: Classified, which: NDArray[np.intp], size: int, microns_per_pixel: float
) -> Callable[[], Iterator[NDArray[np.uint8]]]:
    """Return a function that reads some of a source's crops again, in order, a few hundred at a time.

    Raises
    ------
    TrainingError
        When called, if a file has disappeared.
    """

    def read() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(which), AT_ONCE):
            crops = []
            for index in which[start : start + AT_ONCE]:
                file = classified.files[index]
                crop = read_image(classified.source, file, size, microns_per_pixel)
                if crop is None:
                    raise TrainingError(f"{file}: cannot be read any more; evaluate again")
                crops.append(crop)
            yield np.stack(crops)

    return read
