"""Centres of cells, which differ from the centres of eccentric nuclei."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.pixels.working_grid import WORKING_MICRONS

BACKGROUND_DENSITY = 0.075
"""Mean of the three absorbances below which there is no cell; the palest neutrophil has 0.1."""

HAEMOGLOBIN = (0.47, 0.6, 0.05)
"""A pixel belongs to a red cell where blue over green absorbance is above the first number and exceeds the
second times red over green by the third. Aspirate fields: red cells have blue 0.5 to 1.4 and red 0.3 to 0.9,
plasma cells' cytoplasm blue -0.02 to 0.45 and red 0.6 to 1.4 (5th to 95th percentile, 6 fields)."""

FINEST = 2.0**-10
"""Centres are rounded to this part of a working pixel (0.25 nm), so that rounding errors from a tile's
origin vanish."""

CYTOPLASM_UM = 7.0
"""Length of a ray beyond its nucleus. On 64 masked plasma cells the error of the centre was 1.04 µm with 6
µm, 0.95 with 7 and 0.93 with 8; farther out more belongs to other cells than to the cell."""

REACH_UM = 20.0
"""Total length of a ray: with the largest shift it stays within the 30 µm that a cell depends on."""

LARGEST_SHIFT_UM = 3.0
"""Largest distance of a centre from its nucleus's. People mark either the nucleus or the middle of a cell:
crops of blood (767 of ten classes) are centred on the middle, those of marrow (172) nearer to the nucleus.
The middle is farther off, up to 5 µm, only in large plasma cells; 3 µm suits both, and 4 would come 0.06 µm
nearer to the middle of masked plasma cells."""

ANOTHER_NUCLEUS = (0.3, 0.7)
"""Nuclear stain from which a sample is another nucleus: at least the first, and this part of the cell's
own."""

_RAYS = 32
_STEP_UM = 0.5
_NUCLEAR_RIM = 2
"""Samples next to a nucleus's border where its own blurred stain is not taken for another nucleus."""

_ALIKE = 5
"""A radius is the median of itself and its neighbours, so that a single ray that passes a neighbour is
ignored."""

_AT_ONCE = 256

_ANGLES = np.arange(_RAYS) * (2 * np.pi / _RAYS)
_SAMPLES = round(REACH_UM / _STEP_UM)
_ALONG = (np.arange(_SAMPLES) + 0.5) * (_STEP_UM / WORKING_MICRONS)
# Multiples of the same part of a pixel as the centres, so that sums are exact in every tile.
_RIGHT = np.rint(np.cos(_ANGLES)[:, None] * _ALONG / FINEST) * FINEST
_DOWN = np.rint(np.sin(_ANGLES)[:, None] * _ALONG / FINEST) * FINEST


def rounded(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions, in working pixels, rounded to `FINEST`."""
    return np.asarray(np.rint(at / FINEST) * FINEST)


def red_cell(density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where haemoglobin is; see `HAEMOGLOBIN`.

    Parameters
    ----------
    density : ndarray of float32, shape (..., 3)
        Absorbance of red, green and blue.

    Returns
    -------
    ndarray of bool, shape (...)
    """
    green = np.maximum(density[..., 1], 0.05)
    red, blue = density[..., 0] / green, density[..., 2] / green
    return np.asarray((blue > HAEMOGLOBIN[0]) & (blue - HAEMOGLOBIN[1] * red > HAEMOGLOBIN[2]))


def cell_centres(
    labels: NDArray[np.int32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    density: NDArray[np.float32],
    stain: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of each cell, nucleus and cytoplasm.

    From the nucleus's centre 32 rays run through the nucleus to the background, a red cell or another
    nucleus; in the last case the border is half-way between the two nuclei. The centre is the centroid of
    the star that they span. A cell cut by the image's border keeps the centre of its nucleus. Unlike outlines
    this needs no watershed, and only pixels within 20 µm. Only the cell's own label is used, since whether a
    neighbour is found may depend on pixels farther away.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        Nuclei 1 to n.
    x, y : ndarray of float64, shape (n,)
        Their centres, working pixels, rounded to `FINEST`.
    density : ndarray of float32, shape (h, w, 3)
        Absorbance of red, green and blue.
    stain : ndarray of float32, shape (h, w)
        The smoothed nuclear stain.

    Returns
    -------
    x, y : ndarray of float64, shape (n,)
        Working pixels, at most `LARGEST_SHIFT_UM` away and rounded to `FINEST`.
    """
    moved = np.stack([x, y])
    for start in range(0, len(x), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        index = np.arange(start, min(start + _AT_ONCE, len(x))) + 1
        radius, cut = _radii(labels, index, x[part], y[part], density, stain)
        area = (radius**2).sum(axis=1) / 2
        dx, dy = ((radius**3 * side(_ANGLES)).sum(axis=1) / 3 / area for side in (np.cos, np.sin))
        bounded = np.minimum(1, LARGEST_SHIFT_UM / np.maximum(np.hypot(dx, dy), 1e-9)) / WORKING_MICRONS
        moved[:, part] += np.where(cut, 0.0, rounded(np.stack([dx, dy]) * bounded))
    return moved[0], moved[1]


def _radii(
    labels: NDArray[np.int32],
    index: NDArray[np.int64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    density: NDArray[np.float32],
    stain: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each cell's radii along the rays from its nucleus's centre, µm, shape (n, rays), and whether
    more than one or two reach the image's border, shape (n,).
    """
    height, width = labels.shape
    # Half-way between two pixels the one to the right or below is taken, in every tile.
    columns = np.floor(x[:, None, None] + _RIGHT + 0.5).astype(np.intp)
    rows = np.floor(y[:, None, None] + _DOWN + 0.5).astype(np.intp)
    within = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    at = np.clip(rows, 0, height - 1) * width + np.clip(columns, 0, width - 1)
    own = within & (labels.ravel()[at] == index[:, None, None])
    sample = np.arange(_SAMPLES)
    # The first sample beyond the nucleus; 0 where the centre lies outside it and none of it is ahead.
    beyond = np.where(own.any(axis=2), _SAMPLES - own[..., ::-1].argmax(axis=2), 0)[..., None]
    colour = density.reshape(-1, 3)[at]
    colour[:, :, 1:-1] = (colour[:, :, :-2] + colour[:, :, 1:-1] + colour[:, :, 2:]) / np.float32(3)
    stained = stain.ravel()[at]
    usual = (stained * own).sum(axis=(1, 2)) / np.maximum(own.sum(axis=(1, 2)), 1)
    level = np.maximum(ANOTHER_NUCLEUS[0], ANOTHER_NUCLEUS[1] * usual)[:, None, None]
    other = (stained > level) & (sample >= beyond + _NUCLEAR_RIM)
    end = ~within | (colour.mean(axis=3) < BACKGROUND_DENSITY) | red_cell(colour) | other
    end |= sample >= beyond + round(CYTOPLASM_UM / _STEP_UM)
    end &= sample >= beyond
    end[..., -1] = True
    last = end.argmax(axis=2)
    met, seen = (np.take_along_axis(of, last[..., None], axis=2)[..., 0] for of in (other, within))
    beyond = beyond[..., 0]
    radius = np.where(met, (beyond + last) / 2, last) * _STEP_UM
    turns = range(-(_ALIKE // 2), _ALIKE // 2 + 1)
    usual_radius = np.median(np.stack([np.roll(radius, turn, axis=1) for turn in turns]), axis=0)
    radius = np.maximum(np.maximum(usual_radius, beyond * _STEP_UM), _STEP_UM / 2)
    return radius, np.asarray((~seen).sum(axis=1) > _ALIKE // 2)
