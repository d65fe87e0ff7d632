"""Segment nuclei: each at the threshold that suits it best, chosen from a tree of thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

WORKING_MICRONS = 0.25
"""Scale at which nuclei are sought, µm per pixel: about the resolution of a ×40 objective, and a small
nucleus (4 µm) still has 16 pixels across."""

SMOOTHING_MICRONS = 0.35
"""Standard deviation of the smoothing: chromatin clumps go, gaps of 1 µm between nuclei stay."""

THRESHOLDS = 0.2 * 1.1 ** np.arange(22)
"""From just above the plasma's own stain to the darkest pyknotic nuclei, in steps of 10 %."""

AREA_UM2 = (6.0, 330.0)
"""From a lobe 2.8 µm across to a nucleus of 20 µm; a megakaryocyte's nucleus may fall apart."""

LARGEST_HOLE_UM2 = 4.0

_SHAPE_POWER = 3.0
_FULL_SIZE_UM = (2.0, 4.5)


def nuclear_stain(density: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh the absorbances so that nuclei stand out from everything else.

    Nuclei (azure-eosin on DNA) absorb green most. Haemoglobin absorbs blue as well, basophilic cytoplasm
    red as well, and dirt all three alike: so blue and red are taken off in part.

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
        """Measure labels 1 to `count`, each of which must occur."""
        rows, columns = np.nonzero(labels)
        which = labels[rows, columns]
        x = columns.astype(np.float64) * WORKING_MICRONS
        y = rows.astype(np.float64) * WORKING_MICRONS
        number = np.bincount(which, minlength=count + 1)[1:].astype(float)

        def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.bincount(which, values, count + 1)[1:] / number)

        mx, my = mean(x), mean(y)
        within = WORKING_MICRONS**2 / 12  # the spread inside a square pixel
        return cls(
            number * WORKING_MICRONS**2,
            mx,
            my,
            mean(x * x) - mx**2 + within,
            mean(y * y) - my**2 + within,
            mean(x * y) - mx * my,
        )

    def union(self, members: list[int]) -> tuple[float, float, float]:
        """Total area (µm²), area of the ellipse with the same covariance (µm²) and its long axis (µm)."""
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
        """Area over that of the ellipse with the same covariance: 1 for any ellipse, 0.89 for two equal
        discs that touch, lower for a horseshoe. A convexity that costs no convex hull.
        """
        ellipse = 4 * np.pi * np.sqrt(np.maximum(self.xx * self.yy - self.xy**2, 1e-6))
        return np.minimum(self.area / ellipse, 1)


@dataclass(frozen=True)
class _Level:
    labels: NDArray[np.int32]
    first: int
    parent: NDArray[np.int64]
    quality: NDArray[np.float64]
    area: NDArray[np.float64]


def segment(stain: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Label nuclei and lobes of nuclei.

    The components of the smoothed stain at each threshold form a tree. A component's quality is the
    mean steepness of its border, times its ellipticity cubed, less where it is small; from the leaves
    up, a component gives way to those inside it where their quality (weighed by area) is higher. So a
    pale blast and a pyknotic erythroblast side by side each get their own threshold, and a nucleus is
    told from its deep blue cytoplasm where one threshold for all cannot (component-tree selection after
    Arteta et al., MICCAI 2012, with a hand-set quality in place of a learnt one).

    Parameters
    ----------
    stain : ndarray of float32, shape (h, w)
        Of `nuclear_stain`, at `WORKING_MICRONS`.

    Returns
    -------
    labels : ndarray of int32, shape (h, w)
        1 to n, small holes filled.
    smooth : ndarray of float32, shape (h, w)
        The smoothed stain.
    """
    smooth = ndi.gaussian_filter(stain, SMOOTHING_MICRONS / WORKING_MICRONS)
    slope = np.hypot(*np.gradient(smooth)) / WORKING_MICRONS
    levels = _build(smooth, slope)
    labels = np.zeros(stain.shape, np.int32)
    count = 0
    for level, chosen in zip(levels, _choose(levels), strict=True):
        places = ndi.find_objects(level.labels) if chosen.any() else []
        for index in np.flatnonzero(chosen):
            count += 1
            labels[places[index]][_filled(level.labels[places[index]] == index + 1)] = count
    return labels, smooth


def _filled(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill nucleoli and vacuoles, but not the space that a ring of touching nuclei leaves."""
    holes, count = ndi.label(ndi.binary_fill_holes(shape) & ~shape)
    small = np.bincount(holes.ravel(), minlength=count + 1) * WORKING_MICRONS**2 <= LARGEST_HOLE_UM2
    small[0] = False
    return np.asarray(shape | small[holes])


def _build(smooth: NDArray[np.float32], slope: NDArray[np.float32]) -> list[_Level]:
    levels: list[_Level] = []
    first = 0
    for threshold in THRESHOLDS:
        mask = smooth > threshold
        labels, count = ndi.label(mask)
        if count == 0:
            break
        moments = Moments.of_labels(labels, count)
        border = mask & ~ndi.binary_erosion(mask, border_value=1)
        which = labels[border]
        length = np.maximum(np.bincount(which, minlength=count + 1)[1:], 1)
        edge = np.bincount(which, slope[border], count + 1)[1:] / length
        parent = np.full(count, -1, np.int64)
        if levels:
            inside = np.zeros(count + 1, np.int64)
            inside[labels[mask]] = np.flatnonzero(mask)
            parent = levels[-1].first + levels[-1].labels.ravel()[inside[1:]].astype(np.int64) - 1
        small, full = _FULL_SIZE_UM
        diameter = np.sqrt(4 / np.pi * moments.area)
        quality = (
            edge * moments.ellipticity**_SHAPE_POWER * np.clip((diameter - small) / (full - small), 0, 1)
        )
        quality[(moments.area < AREA_UM2[0]) | (moments.area > AREA_UM2[1])] = 0
        levels.append(_Level(labels, first, parent, quality, moments.area))
        first += count
    return levels


def _choose(levels: list[_Level]) -> list[NDArray[np.bool_]]:
    """Choose, for each level, the components to keep: none lies inside another."""
    if not levels:
        return []
    quality = np.concatenate([level.quality for level in levels])
    area = np.concatenate([level.area for level in levels])
    parent = np.concatenate([level.parent for level in levels])
    weighed, weight = np.zeros(len(quality)), np.zeros(len(quality))
    keep = quality > 0
    for node in range(len(quality) - 1, -1, -1):
        best = quality[node]
        if weight[node] > 0 and weighed[node] / weight[node] > best:
            best, keep[node] = weighed[node] / weight[node], False
        if parent[node] >= 0:
            weighed[parent[node]] += best * area[node]
            weight[parent[node]] += area[node]
    taken = np.zeros(len(quality), bool)
    for node in range(len(quality)):
        if parent[node] >= 0 and taken[parent[node]]:
            taken[node], keep[node] = True, False
        taken[node] |= keep[node]
    return [keep[level.first : level.first + len(level.area)] for level in levels]
