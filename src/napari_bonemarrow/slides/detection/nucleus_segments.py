"""Segmentation of nuclei, each at its best threshold, chosen from a component tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.detection.component_tree import ComponentTree, component_tree

WORKING_MICRONS = 0.25
"""Scale of the search for nuclei, µm per pixel: about the resolution of a ×40 objective; a small nucleus
(4 µm) is still 16 pixels across."""

SMOOTHING_MICRONS = 0.35
"""Standard deviation of the smoothing: it removes chromatin clumps and keeps gaps of 1 µm between nuclei."""

THRESHOLDS = 0.2 * 1.1 ** np.arange(22)
"""Thresholds from just above the plasma's own stain to the darkest pyknotic nuclei, in steps of 10 %."""

AREA_UM2 = (6.0, 330.0)
"""Areas from a lobe 2.8 µm across to a nucleus of 20 µm; a megakaryocyte's nucleus may be split."""

LONGEST_UM = 25.0
"""Longest side of the upright box around a nucleus. It bounds how far the surroundings can change a cell:
longer fibres and sheets have no effect on the objects in them."""

LARGEST_HOLE_UM2 = 4.0

_SHAPE_POWER = 3.0
_FULL_SIZE_UM = (2.0, 4.5)


def nuclear_stain(density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return absorbances weighted so that nuclei stand out.

    Nuclei (azure-eosin on DNA) absorb green most. Haemoglobin also absorbs blue, basophilic cytoplasm red,
    and dirt all three alike, so parts of blue and red are subtracted.

    Parameters
    ----------
    density : ndarray of float32, shape (h, w, 3)

    Returns
    -------
    ndarray of float32, shape (h, w)
    """
    bounded = np.clip(density, -0.2, 2.2)
    return np.asarray(bounded[..., 1] - 0.5 * bounded[..., 2] - 0.35 * bounded[..., 0], np.float32)


@dataclass(frozen=True)
class Moments:
    """Area, centre and covariance of shapes, in µm, µm² (arrays of shape (n,))."""

    area: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    xx: NDArray[np.float64]
    yy: NDArray[np.float64]
    xy: NDArray[np.float64]

    @classmethod
    def of_labels(cls, labels: NDArray[np.int32], count: int) -> Moments:
        """Return the moments of labels 1 to `count`, each of which must occur."""
        pixels = np.flatnonzero(labels)
        which = labels.ravel()[pixels]
        rows, columns = np.divmod(pixels, labels.shape[1])

        def total(values: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
            return np.bincount(which, values, count + 1)[1:].astype(np.float64)

        return cls._of(total, rows, columns)

    @classmethod
    def of_sums(cls, tree: ComponentTree, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Moments:
        """Return the moments of each node of a tree, whose pixels are at these rows and columns."""
        return cls._of(tree.totals, rows, columns)

    @classmethod
    def _of(
        cls,
        total: Callable[[NDArray[np.float64] | None], NDArray[np.float64]],
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
    ) -> Moments:
        x = columns.astype(np.float64) * WORKING_MICRONS
        y = rows.astype(np.float64) * WORKING_MICRONS
        number = total(None)
        mx, my = total(x) / number, total(y) / number
        within = WORKING_MICRONS**2 / 12  # the spread inside a square pixel
        return cls(
            number * WORKING_MICRONS**2,
            mx,
            my,
            total(x * x) / number - mx**2 + within,
            total(y * y) / number - my**2 + within,
            total(x * y) / number - mx * my,
        )

    def union(self, members: list[int]) -> tuple[float, float, float]:
        """Return total area, area of the ellipse with the same covariance (µm²) and its long axis (µm)."""
        weight = self.area[members] / self.area[members].sum()
        dx = self.x[members] - weight @ self.x[members]
        dy = self.y[members] - weight @ self.y[members]
        xx = weight @ (self.xx[members] + dx * dx)
        yy = weight @ (self.yy[members] + dy * dy)
        xy = weight @ (self.xy[members] + dx * dy)
        spread = np.hypot((xx - yy) / 2, xy)
        ellipse = 4 * np.pi * np.sqrt(max(xx * yy - xy * xy, 1e-6))
        return float(self.area[members].sum()), float(ellipse), float(4 * np.sqrt((xx + yy) / 2 + spread))

    @property
    def ellipticity(self) -> NDArray[np.float64]:
        """Return the area over that of the ellipse with the same covariance: 1 for an ellipse, 0.89 for two
        equal touching discs, lower for a horseshoe. It measures convexity without a convex hull.
        """
        ellipse = 4 * np.pi * np.sqrt(np.maximum(self.xx * self.yy - self.xy**2, 1e-6))
        return np.minimum(self.area / ellipse, 1)

    @property
    def elongation(self) -> NDArray[np.float64]:
        """Return long over short axis of the ellipse with the same covariance."""
        mean, spread = (self.xx + self.yy) / 2, np.hypot((self.xx - self.yy) / 2, self.xy)
        return np.asarray(np.sqrt((mean + spread) / np.maximum(mean - spread, 1e-6)))


class Segmented(NamedTuple):
    """Candidates for nuclei and lobes.

    Attributes
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n, small holes filled.
    smooth : ndarray of float32, shape (h, w)
        The smoothed stain.
    slope : ndarray of float32, shape (h, w)
        Its steepness, stain per µm.
    """

    labels: NDArray[np.int32]
    smooth: NDArray[np.float32]
    slope: NDArray[np.float32]


def segment(
    stain: NDArray[np.float32], open_sides: tuple[bool, bool, bool, bool] = (False, False, False, False)
) -> Segmented:
    """Return labels of nuclei and lobes.

    The components of the smoothed stain at each threshold form a tree. A component's quality is the mean
    steepness of its border times its ellipticity cubed, less for small ones; from the leaves up, a
    component is replaced by those inside it where their quality (weighted by area) is higher. So a pale
    blast next to a pyknotic erythroblast gets its own threshold, and a nucleus is separated from deep blue
    cytoplasm where a global threshold fails (component-tree selection after Arteta et al., MICCAI 2012,
    with a hand-set quality in place of a learnt one).

    Parameters
    ----------
    stain : ndarray of float32, shape (h, w)
        Of `nuclear_stain`, at `WORKING_MICRONS`.
    open_sides : tuple of bool
        Left, top, right, bottom: where the smear continues. A component that touches such a side has no
        quality, since it would differ in a wider image.
    """
    from scipy import ndimage as ndi

    smooth = ndi.gaussian_filter(stain, SMOOTHING_MICRONS / WORKING_MICRONS)
    slope = np.hypot(*np.gradient(smooth)) / np.float32(WORKING_MICRONS)
    steps = np.searchsorted(THRESHOLDS.astype(np.float32), smooth).astype(np.uint8)
    tree = component_tree(steps, len(THRESHOLDS))
    if not len(tree):
        return Segmented(np.zeros(stain.shape, np.int32), smooth, slope)
    area = tree.totals() * WORKING_MICRONS**2
    keep = tree.chosen(_quality(tree, steps, slope, area, open_sides), area)
    return Segmented(_filled(tree.labels(keep)), smooth, slope)


def _quality(
    tree: ComponentTree,
    steps: NDArray[np.uint8],
    slope: NDArray[np.float32],
    area: NDArray[np.float64],
    open_sides: tuple[bool, bool, bool, bool],
) -> NDArray[np.float64]:
    """Return each component's quality by border, shape and size; 0 where it cannot be a nucleus."""
    height, width = steps.shape
    rows, columns = np.divmod(tree.pixels, width)
    moments = Moments.of_sums(tree, rows, columns)
    left, right = tree.extremes(columns)
    top, bottom = tree.extremes(rows)
    small, full = _FULL_SIZE_UM
    diameter = np.sqrt(4 / np.pi * area)
    quality = _edge(tree, steps, slope) * moments.ellipticity**_SHAPE_POWER
    quality *= np.clip((diameter - small) / (full - small), 0, 1)
    extent = (np.maximum(right - left, bottom - top) + 1) * WORKING_MICRONS
    quality[(area < AREA_UM2[0]) | (area > AREA_UM2[1]) | (extent > LONGEST_UM)] = 0
    touches = (left == 0, top == 0, right == width - 1, bottom == height - 1)
    for side, touching in zip(open_sides, touches, strict=True):
        if side:
            quality[touching] = 0
    return quality


def _edge(tree: ComponentTree, steps: NDArray[np.uint8], slope: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean steepness of each component's border (its pixels next to a lower one)."""
    # A pixel is on the border of all nodes that contain it but not its lowest neighbour: it is added to the
    # smallest node that contains it and subtracted from the smallest that also contains that neighbour.
    width = steps.shape[1]
    padded = np.pad(steps, 1, mode="edge")  # the image's own border is not a component's border
    beside = np.stack([padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]])
    lowest = beside.reshape(4, -1)[:, tree.pixels]
    way = lowest.argmin(axis=0)
    neighbour = tree.pixels + np.array([-1, 1, -width, width])[way]
    step, least = steps.ravel()[tree.pixels], lowest.min(axis=0)
    border = least < step
    node_at = np.zeros(steps.size, np.int64)
    node_at[tree.pixels] = tree.node
    goes_on = border & (least > 0)
    leaves = node_at[neighbour[goes_on]]
    steepness = slope.ravel()[tree.pixels].astype(np.float64)

    def along(values: NDArray[np.float64]) -> NDArray[np.float64]:
        own = np.bincount(tree.node[border], values[border], len(tree)).astype(np.float64)
        return tree.gathered(own - np.bincount(leaves, values[goes_on], len(tree)))

    return np.asarray(along(steepness) / np.maximum(along(np.ones(len(steepness))), 1))


def _filled(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return a mask with nucleoli and vacuoles filled, but not the space inside a ring of touching nuclei."""
    from scipy import ndimage as ndi

    for index, place in enumerate(ndi.find_objects(labels), start=1):
        # The background outside joins the padding, which is labelled first.
        holes, count = ndi.label(np.pad(labels[place] != index, 1, constant_values=True))
        if count > 1:
            small = np.bincount(holes.ravel(), minlength=count + 1) * WORKING_MICRONS**2 <= LARGEST_HOLE_UM2
            small[:2] = False
            labels[place][small[holes[1:-1, 1:-1]]] = index
    return labels
