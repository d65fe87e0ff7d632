"""Index of the training images: data sets, decoded crops and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.schemes import Scheme


@dataclass(frozen=True, slots=True)
class Source:
    """One data set: its name, class scheme and labelled files.

    Attributes
    ----------
    name : str
    scheme : Scheme
    files : tuple of Path
        A reviewed cell of a case is ``CASE.bmcase/NUMBER``.
    codes : tuple of str
        Class of each file, one of the 21.
    left_out : int
        Images with a label outside the 21.
    root : Path
        Folder to which file names are relative.
    microns_per_pixel : float or None
        Scale of its images; None where unknown, which means the run's scale.
    scales : mapping of Path to float
        Scale of single files, where it differs.
    together : mapping of Path to str
        Patient, else slide, of single files, which stay in one part of a split.
    titles : mapping of Path to str
        Names of single files within the source, where they differ from the path.
    """

    name: str
    scheme: Scheme
    files: tuple[Path, ...]
    codes: tuple[str, ...]
    left_out: int
    root: Path = Path()
    microns_per_pixel: float | None = None
    scales: Mapping[Path, float] = field(default_factory=dict)
    together: Mapping[Path, str] = field(default_factory=dict)
    titles: Mapping[Path, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Return source and relative path of each file, independent of where the data lie."""
        return tuple(self.name_of(file) for file in self.files)

    def name_of(self, file: Path) -> str:
        """Return one file's name: source and relative path."""
        if file in self.titles:
            return f"{self.name}/{self.titles[file]}"
        if file.is_relative_to(self.root):
            return f"{self.name}/{file.relative_to(self.root).as_posix()}"
        return f"{self.name}/{file.as_posix().lstrip('/')}"

    def scale_of(self, file: Path) -> float | None:
        """Return µm per pixel of a file, None where unknown."""
        return self.scales.get(file, self.microns_per_pixel)

    def scale_used(self, resampled_to: float) -> dict[str, Any]:
        """Return the scales of its images as ``images`` and ``resampled_to``, µm per pixel.

        ``images`` is None where unknown, which means the model's scale, and a list of the lowest and the
        highest where files differ.
        """
        stated = {self.scale_of(file) for file in self.files} - {None}
        known = sorted(scale for scale in stated if scale is not None)
        images = None if not known else known[0] if len(known) == 1 else [known[0], known[-1]]
        return {"images": images, "resampled_to": resampled_to}


@dataclass(frozen=True, slots=True)
class Crops:
    """Decoded crops of all sources.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (n, s, s, 3)
        Memory-mapped.
    codes : ndarray of str, shape (n,)
    source : ndarray of str, shape (n,)
    files : tuple of str
        Relative to the data folder.
    group : ndarray of int64, shape (n,)
        Equal for crops of the same cell or patient, which stay in one part of a split.
    unreadable : tuple of str
        Files that could not be decoded and were skipped.
    sources : tuple of Source
    names : tuple of str
        Source and relative path, independent of where the data lie: ``bmc/BLA/BLA_00001.jpg``.
    """

    pixels: NDArray[np.uint8]
    codes: NDArray[np.str_]
    source: NDArray[np.str_]
    files: tuple[str, ...]
    group: NDArray[np.int64]
    unreadable: tuple[str, ...]
    sources: tuple[Source, ...]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", self.files)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Split:
    """Disjoint indices into `Crops`; `absent` counts images named in a split file but missing."""

    train: NDArray[np.intp]
    calibration: NDArray[np.intp]
    test: NDArray[np.intp]
    absent: int = 0


def count_by_source(crops: Crops, which: NDArray[np.intp]) -> dict[str, Counter[str]]:
    """Return the number of images by source and class."""
    counts: dict[str, Counter[str]] = {source.name: Counter() for source in crops.sources}
    for source, code in zip(crops.source[which], crops.codes[which], strict=True):
        counts[str(source)][str(code)] += 1
    return counts
