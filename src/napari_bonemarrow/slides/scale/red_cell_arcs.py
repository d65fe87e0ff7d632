"""Diameters of red cells in rouleaux and clumps, from their free arcs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.scale.red_cell_discs import fit_circle, red_cell_mask

SHORTEST_ARC = 1.5
"""Shortest arc, radians; the fitted radius of a shorter one is too uncertain."""

_SMOOTHING = 3.0
_FEWEST_POINTS = 14
_ROUNDNESS = 0.06
_RADIUS_PX = (6.0, 150.0)
_INSIDE = 0.8
_BLUE_OVER_GREEN = 0.5
_EVEN = 0.15


def arc_diameters(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return diameters of circles fitted to outward arcs of stained areas and evenly filled by haemoglobin.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)

    Returns
    -------
    ndarray of float64, shape (n,)
        Pixels of this image, including platelets, vacuoles and parts of outlines: use those near an expected
        size.
    """
    from skimage import measure

    density, absorbed, threshold, mask = red_cell_mask(rgb)
    if not mask.any():
        return np.empty(0)
    filled = np.where(mask, np.maximum(absorbed, threshold * 1.0001), absorbed)
    found = []
    for outline in measure.find_contours(filled, threshold):  # type: ignore[no-untyped-call]
        for x, y in _outward_arcs(outline):
            cx, cy, radius, residual = fit_circle(x, y)
            long_enough = len(x) >= SHORTEST_ARC * radius
            if not (long_enough and _RADIUS_PX[0] <= radius <= _RADIUS_PX[1]):
                continue
            if residual <= _ROUNDNESS * radius and _is_red_cell(density, cx, cy, radius):
                found.append(2 * radius)
    return np.array(found, np.float64)


def _outward_arcs(outline: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return an outline cut where it turns inward, between two cells; x and y, a pixel apart."""
    from scipy import ndimage as ndi

    along = np.r_[0, np.cumsum(np.hypot(*np.diff(outline, axis=0).T))]
    count = int(along[-1])
    if count < 8 * _SMOOTHING:
        return []
    closed = bool(np.allclose(outline[0], outline[-1]))
    at = np.linspace(0, along[-1], count, endpoint=False)
    points = np.column_stack([np.interp(at, along, outline[:, k]) for k in (0, 1)])
    smooth = ndi.gaussian_filter1d(points, _SMOOTHING, axis=0, mode="wrap" if closed else "nearest")
    first = np.gradient(smooth, axis=0)
    second = np.gradient(first, axis=0)
    # find_contours has larger values on its left, with rows pointing down: outward is clockwise.
    outward = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0
    edges = np.flatnonzero(np.diff(np.r_[False, outward, False].astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    if closed and len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == count:
        runs = [(runs[-1][0] - count, runs[0][1]), *runs[1:-1]]
    arcs = []
    for start, stop in runs:
        trim = int(_SMOOTHING / 2) if stop - start < count else 0
        kept = np.arange(start + trim, stop - trim) % count
        if len(kept) >= _FEWEST_POINTS:
            arcs.append((points[kept, 1], points[kept, 0]))
    return arcs


def _is_red_cell(density: NDArray[np.float32], cx: float, cy: float, radius: float) -> bool:
    """Return whether a disc absorbs blue as haemoglobin does and evenly, without a nucleus."""
    height, width = density.shape[:2]
    reach = _INSIDE * radius
    top, left = max(0, int(cy - reach)), max(0, int(cx - reach))
    bottom, right = min(height, int(cy + reach) + 1), min(width, int(cx + reach) + 1)
    if bottom - top < 3 or right - left < 3:
        return False
    y, x = np.ogrid[top:bottom, left:right]
    pixels = density[top:bottom, left:right][(y - cy) ** 2 + (x - cx) ** 2 < reach**2]
    if not len(pixels):
        return False
    _, green, blue = np.median(pixels, axis=0)
    absorbed = pixels.mean(axis=1)
    even = float(np.percentile(absorbed, 90) - np.percentile(absorbed, 10))
    return bool(blue > _BLUE_OVER_GREEN * green and even < _EVEN)
