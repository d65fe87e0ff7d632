"""The frozen containers of numpy arrays that travel through every layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology.classes import Support
from napari_bonemarrow.cytology.defaults import MARGIN_UM


@dataclass(frozen=True, slots=True)
class Region:
    """An axis-aligned rectangle in level-0 pixels, half-open: ``x <= px < x + width``."""

    x: float
    y: float
    width: float
    height: float

    def within(self, other: Region) -> Region:
        """Return the intersection with another region; an empty one has width or height 0."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Region(left, top, max(right - left, 0.0), max(bottom - top, 0.0))

    def shrunk(self, margin: float) -> Region:
        """Return the region without a margin on each side."""
        return Region(
            self.x + margin,
            self.y + margin,
            max(self.width - 2 * margin, 0.0),
            max(self.height - 2 * margin, 0.0),
        )

    def contains(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points lie inside.

        Parameters
        ----------
        x, y : ndarray of float64, shape (n,)
            Level-0 pixels.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        inside_x = (x >= self.x) & (x < self.x + self.width)
        return inside_x & (y >= self.y) & (y < self.y + self.height)


def covered_area(regions: Sequence[Region]) -> float:
    """Return the area that regions cover together, level-0 px²; overlaps count once."""
    lefts = np.array([region.x for region in regions])
    rights = np.array([region.x + region.width for region in regions])
    area, edges = 0.0, np.unique([lefts, rights])
    for start, stop in pairwise(edges.tolist()):  # between two x edges the set of regions is the same
        across = [regions[at] for at in np.flatnonzero((lefts <= start) & (start < rights)).tolist()]
        covered, bottom = 0.0, -np.inf
        for region in sorted(across, key=lambda each: each.y):
            covered += max(region.y + region.height - max(region.y, bottom), 0.0)
            bottom = max(bottom, region.y + region.height)
        area += covered * (stop - start)
    return area


@dataclass(frozen=True, slots=True)
class Field:
    """One of several images in one coordinate system.

    Attributes
    ----------
    name : str
        The file's name.
    region : Region
        Where it lies, level-0 pixels.
    """

    name: str
    region: Region


def images_at(images: Sequence[Region], x: ArrayLike, y: ArrayLike) -> NDArray[np.intp]:
    """Return the number of the image that each point lies in.

    Parameters
    ----------
    images : sequence of Region
        Their pixels; they do not overlap.
    x, y : array-like of float, shape (n,)
        Level-0 pixels. The centre of a pixel is a whole number, so an image begins half a pixel before
        its first one.

    Returns
    -------
    ndarray of intp, shape (n,)
        Numbers from 0; -1 for a point between the images.
    """
    across, down = (np.atleast_1d(np.asarray(values, np.float64)) for values in (x, y))
    found = np.full(across.shape, -1, np.intp)
    for number, image in enumerate(images):
        pixels = Region(image.x - 0.5, image.y - 0.5, image.width, image.height)
        found[pixels.contains(across, down)] = number
    return found


@dataclass(frozen=True, slots=True)
class RegionRanking:
    """Regions of a slide in counting order, chosen without looking at any class.

    Attributes
    ----------
    regions : tuple of Region
        Level-0 pixels, the best first; they do not overlap.
    scores : tuple of float
        One each, 0 to 1.
    avoided : mapping of str to int
        Number of places left out, by reason.
    parameters : mapping
        Settings of the ranking, JSON values.
    """

    regions: tuple[Region, ...]
    scores: tuple[float, ...]
    avoided: Mapping[str, int]
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        if len(self.regions) != len(self.scores):
            raise ValueError(f"{len(self.regions)} regions have {len(self.scores)} scores")


@dataclass(frozen=True, slots=True)
class Frame:
    """The counting frame, fixed before any class is seen.

    A cell counts when its centre lies in a region without its margin. The margin is the same for every
    class: leaving out cells that touch the border would select by size.

    Attributes
    ----------
    regions : tuple of Region
        Level-0 pixels. One region that covers the image is a whole field.
    margin_um : float
        µm taken off where a region's side lies on the image's border; 0 where the slide continues.
    width, height : int
        The slide's size at level 0.
    images : tuple of Region
        Each field of a slide made of several fields; the margin is taken at their borders. Empty where
        the slide is one image.
    """

    regions: tuple[Region, ...]
    margin_um: float
    width: int
    height: int
    images: tuple[Region, ...] = ()

    @classmethod
    def whole_field(
        cls, width: int, height: int, margin_um: float = MARGIN_UM, images: tuple[Region, ...] = ()
    ) -> Frame:
        """Return the frame of the whole image, or of each of its fields, without the margin at the border."""
        whole = Region(0, 0, width, height)
        return cls(images or (whole,), margin_um, width, height, images)

    def counted_regions(self, microns_per_pixel: float) -> tuple[Region, ...]:
        """Return the regions without the margin on sides that lie on an image's border."""
        margin = self.margin_um / microns_per_pixel
        images = self.images or (Region(0, 0, self.width, self.height),)
        parts = (region.within(image.shrunk(margin)) for region in self.regions for image in images)
        return tuple(part for part in parts if part.width > 0 and part.height > 0)

    def counted_area(self, microns_per_pixel: float) -> float:
        """Return the counted area, level-0 px²; overlaps count once."""
        return covered_area(self.counted_regions(microns_per_pixel))

    def contains(
        self, x: NDArray[np.float64], y: NDArray[np.float64], microns_per_pixel: float
    ) -> NDArray[np.bool_]:
        """Return which centres are counted.

        Parameters
        ----------
        x, y : ndarray of float64, shape (n,)
            Centres in level-0 pixels.
        microns_per_pixel : float

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        inside = np.zeros(np.shape(x), dtype=bool)
        for region in self.counted_regions(microns_per_pixel):
            inside |= region.contains(np.asarray(x, float), np.asarray(y, float))
        return inside


@dataclass(frozen=True, slots=True)
class Cells:
    """Nucleated cells found on one slide.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
        Positive, unique within the slide.
    x, y : ndarray of float64, shape (n,)
        Centre in level-0 pixels; the centre of the top-left pixel is (0, 0).
    diameter_um : ndarray of float32, shape (n,)
        Diameter of the circle with the nucleus's area, µm.
    score : ndarray of float32, shape (n,)
        Detection score, 0 to 1.
    in_frame : ndarray of bool, shape (n,)
        Whether the centre lies in the counting frame.
    """

    cell_id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    diameter_um: NDArray[np.float32]
    score: NDArray[np.float32]
    in_frame: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in self.__slots__}
        if len(lengths) > 1:
            raise ValueError(f"arrays of cells differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.cell_id)

    @classmethod
    def empty(cls) -> Cells:
        """Return a container without cells."""
        return cls(
            np.empty(0, np.int64),
            np.empty(0, np.float64),
            np.empty(0, np.float64),
            np.empty(0, np.float32),
            np.empty(0, np.float32),
            np.empty(0, np.bool_),
        )

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """Return several sets of cells as one, with their numbers."""
        every = [cls.empty(), *parts]
        return cls(*(np.concatenate([getattr(part, name) for part in every]) for name in cls.__slots__))

    def numbered(self, first: int = 1) -> Cells:
        """Return the cells with consecutive numbers."""
        return replace(self, cell_id=np.arange(first, first + len(self), dtype=np.int64))

    def select(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> Cells:
        """Return a subset by mask or by index."""
        return Cells(*(getattr(self, name)[which] for name in self.__slots__))


def rows_of(ids: NDArray[np.int64], wanted: ArrayLike) -> NDArray[np.intp]:
    """Return the rows of numbers in a column.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Ascending.
    wanted : array-like of int, shape (m,)

    Returns
    -------
    ndarray of intp, shape (m,)
        -1 for a missing number.
    """
    numbers = np.asarray(wanted, np.int64)
    if not len(ids):
        return np.full(numbers.shape, -1, np.intp)
    at = np.minimum(np.searchsorted(ids, numbers), len(ids) - 1)
    return np.where(ids[at] == numbers, at, -1)


def row_of(ids: NDArray[np.int64], wanted: int) -> int:
    """Return the row of one number in an ascending column, -1 if missing."""
    at = int(ids.searchsorted(wanted))
    return at if at < len(ids) and ids[at] == wanted else -1


@dataclass(frozen=True, slots=True)
class ModelReference:
    """The model bundle of a prediction: its name and the SHA-256 of its weights and card."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """Class probabilities that a model bundle gives some cells.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
    probabilities : ndarray of float32, shape (n, k)
        Calibrated, rows add up to 1.
    classes : tuple of str
        The k codes, in column order.
    support : mapping of str to Support
        How well the bundle has learnt each class.
    model : ModelReference
    abstain_below : float, optional
        Confidence below which the bundle should abstain.
    strangeness : ndarray of float32, shape (n,), optional
        Share of held-out crops that look more like the training data than the cell does, 0 to 1; NaN
        where a cell was not measured, None where no cell was.
    confusion : mapping of str to mapping of str to int, optional
        The bundle's held-out marrow crops by true and predicted class.
    """

    cell_id: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    support: Mapping[str, Support]
    model: ModelReference
    abstain_below: float | None = None
    strangeness: NDArray[np.float32] | None = None
    confusion: Mapping[str, Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        if self.strangeness is not None and self.strangeness.shape != self.cell_id.shape:
            raise ValueError(f"{len(self.strangeness)} measures of strangeness for {len(self.cell_id)} cells")
        if self.probabilities.shape != (len(self.cell_id), len(self.classes)):
            raise ValueError(
                f"probabilities have shape {self.probabilities.shape}, "
                f"expected {(len(self.cell_id), len(self.classes))}"
            )

    def __len__(self) -> int:
        return len(self.cell_id)

    def select(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> Predictions:
        """Take a subset of the cells by mask or by index."""
        return replace(
            self,
            cell_id=self.cell_id[which],
            probabilities=self.probabilities[which],
            strangeness=None if self.strangeness is None else self.strangeness[which],
        )

    def ranked(self) -> NDArray[np.intp]:
        """Return the class indices of each cell from most to least probable, shape (n, k)."""
        return np.argsort(-self.probabilities, axis=1, kind="stable")


@dataclass(frozen=True, slots=True)
class Features:
    """Feature vectors of some cells, reduced to a few numbers each.

    They are the network's features (the input of its last layer) minus `mean`, on the principal `axes` of
    the case's own cells. Later cells are projected on the same axes, so features of one model and one
    set of axes can be joined.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
    values : ndarray of float16, shape (n, d)
        Coordinates on the axes, in order of decreasing variance; d is at most 32.
    model : ModelReference
    mean : ndarray of float32, shape (f,)
        Mean of the network's features over the cells that the axes were fitted on.
    axes : ndarray of float32, shape (d, f)
        Orthonormal rows.
    """

    cell_id: NDArray[np.int64]
    values: NDArray[np.float16]
    model: ModelReference
    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def __post_init__(self) -> None:
        expected = (len(self.cell_id), len(self.axes))
        if self.values.shape != expected:
            raise ValueError(f"features have shape {self.values.shape}, expected {expected}")
        if self.axes.ndim != 2 or self.axes.shape[1:] != self.mean.shape:
            raise ValueError(f"axes have shape {self.axes.shape}, the mean {self.mean.shape}")

    def __len__(self) -> int:
        return len(self.cell_id)

    def select(self, which: NDArray[np.bool_] | NDArray[np.integer]) -> Features:
        """Take a subset of the cells by mask or by index."""
        return replace(self, cell_id=self.cell_id[which], values=self.values[which])
