"""Diameters of separate red cells, in pixels of their image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.pixels.colour import background_colour, optical_density

RED_CELL_UM = 7.35
RED_CELL_SPREAD_UM = 0.3
"""Mean diameter of red cells on a dried, stained smear: 7.2 to 7.5 µm in normal adults, about 7.35 with a
spread of 0.3 µm between smears (micro- and macrocytic blood lies outside)."""
_DIAMETER_PX = (12.0, 220.0)
_ROUNDNESS = 0.1
_FEWEST_POINTS = 16
_FREE_BORDER = 0.6
_BLUE_OVER_GREEN = 0.33
_LEAST_DENSITY = 0.06
_BANDWIDTH = 0.08
_LEAST_COVERAGE = 0.05


def disc_diameters(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the diameters of round red cells, pixels of this image."""
    density, _, _, mask = red_cell_mask(rgb)
    if not mask.any():
        return np.empty(0)
    parts = separate(mask)
    red, green, blue = (_means(density[..., channel], parts) for channel in range(3))
    stain = green - 0.5 * blue - 0.35 * red
    limit = _BLUE_OVER_GREEN + 0.25 * np.maximum(0, stain - 0.3)
    is_red_cell = blue >= limit * green
    diameters = [_diameter(*points) for label, points in _free_borders(parts, mask) if is_red_cell[label]]
    agreeing = largest_cluster(np.array([diameter for diameter in diameters if diameter > 0]))
    # Rings on red cells (drying artefacts) and specks can be round too, but cover little.
    covered = np.pi / 4 * (agreeing**2).sum()
    coloured = np.bincount(parts.ravel())[is_red_cell].sum()
    return agreeing if covered >= _LEAST_COVERAGE * coloured else np.empty(0)


def red_cell_mask(
    rgb: NDArray[np.uint8],
) -> tuple[NDArray[np.float32], NDArray[np.float32], float, NDArray[np.bool_]]:
    """Return the mask of all cells, including red cells.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)

    Returns
    -------
    density : ndarray of float32, shape (h, w, 3)
        Smoothed optical density.
    absorbed : ndarray of float32, shape (h, w)
        Its mean over the channels.
    threshold : float
    mask : ndarray of bool, shape (h, w)
        Pixels that absorb more, holes filled; empty without stain.
    """
    from scipy import ndimage as ndi
    from skimage import filters

    density = optical_density(rgb, background_colour(rgb))
    density = np.stack([ndi.gaussian_filter(density[..., channel], 1.0) for channel in range(3)], axis=-1)
    absorbed = density.mean(axis=2)
    clipped = np.clip(absorbed, 0, 0.6)
    if np.ptp(clipped) < _LEAST_DENSITY:
        return density, absorbed, _LEAST_DENSITY, np.zeros(absorbed.shape, bool)
    # Background, red cells, nuclei: the lower of two thresholds, not raised by much darker nuclei.
    classes = filters.threshold_multiotsu(clipped, 3)  # type: ignore[no-untyped-call]
    threshold = max(_LEAST_DENSITY, float(classes[0]))
    return density, absorbed, threshold, ndi.binary_fill_holes(absorbed > threshold)


def _means(values: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the mean of each label, 0 for the background."""
    flat = labels.ravel()
    means = np.bincount(flat, values.ravel()) / np.maximum(np.bincount(flat), 1)
    means[0] = 0
    return np.asarray(means)


def _diameter(x: NDArray[np.float64], y: NDArray[np.float64], share: float) -> float:
    """Return the diameter of a circle fitted to a cell's free border, 0 where it is not a circle.

    The algebraic fit of Kåsa (1976) is accurate for arcs of more than half a circle, and a hidden part does
    not make the cell smaller.
    """
    if share < _FREE_BORDER or len(x) < _FEWEST_POINTS:
        return 0.0
    _, _, radius, residual = fit_circle(x, y)
    # The points are centres of pixels inside: the border is half a pixel farther out.
    diameter = 2 * radius + 1
    in_range = _DIAMETER_PX[0] <= diameter <= _DIAMETER_PX[1]
    return diameter if in_range and residual <= _ROUNDNESS * radius else 0.0


def fit_circle(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return a circle by Kåsa's algebraic fit: middle x and y, radius, scatter of the points."""
    mx, my = x.mean(), y.mean()
    dx, dy = x - mx, y - my
    system = np.column_stack([2 * dx, 2 * dy, np.ones_like(dx)])
    (cx, cy, rest), *_ = np.linalg.lstsq(system, dx * dx + dy * dy)
    radius = float(np.sqrt(max(0.0, rest + cx * cx + cy * cy)))
    return float(cx + mx), float(cy + my), radius, float(np.std(np.hypot(dx - cx, dy - cy)))


def separate(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return labels of touching cells divided at their necks, at any scale: the depth is relative."""
    from scipy import ndimage as ndi
    from skimage import segmentation

    distance = ndi.distance_transform_edt(mask)
    components, _ = ndi.label(mask)
    deepest = ndi.maximum(distance, components, np.arange(components.max() + 1))
    typical = float(np.median(deepest[1:][deepest[1:] > 4])) if (deepest[1:] > 4).any() else 4.0
    smooth = ndi.gaussian_filter(distance, typical / 8)
    peaks = (ndi.maximum_filter(smooth, int(typical) | 1) == smooth) & (distance > typical / 2)
    markers, _ = ndi.label(peaks, structure=np.ones((3, 3)))
    parts = segmentation.watershed(-smooth, markers, mask=mask)  # type: ignore[no-untyped-call]
    return np.asarray(parts, np.int32)


def _free_borders(
    parts: NDArray[np.int32], mask: NDArray[np.bool_]
) -> list[tuple[int, tuple[NDArray[np.float64], NDArray[np.float64], float]]]:
    """Return the border pixels on background (x, y) of each part inside the image, and their share of all."""
    from scipy import ndimage as ndi

    cross = np.ones((3, 3), bool)
    outer = mask & ~ndi.binary_erosion(mask, structure=cross, border_value=1)
    result = []
    for label, place in enumerate(ndi.find_objects(parts), start=1):
        rows, columns = place
        cut = (
            rows.start == 0
            or columns.start == 0
            or rows.stop == mask.shape[0]
            or columns.stop == mask.shape[1]
        )
        if cut:
            continue
        shape = parts[place] == label
        border = shape & ~ndi.binary_erosion(shape, structure=cross)
        y, x = np.nonzero(border & outer[place])
        share = len(x) / max(1, int(border.sum()))
        result.append((label, (x.astype(float), y.astype(float), share)))
    return result


def largest_cluster(diameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the diameters within a fifth of the most frequent one."""
    if len(diameters) == 0:
        return diameters
    logs = np.log(diameters)
    density = np.exp(-0.5 * ((logs[:, None] - logs) / _BANDWIDTH) ** 2).sum(axis=1)
    mode = logs[density.argmax()]
    return np.asarray(diameters[np.abs(logs - mode) < 0.2])
