"""Layer of the quality map: the score of each place, hatched by reason where avoided."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_bonemarrow.slides.survey.quality_map import QualityMap, Reason

LAYER_NAME = "quality map"
_SIDE = 8
"""Side of a grid cell in the image, px: enough for a hatch."""
_ALPHA, _GREY, _HATCH_ALPHA = 110, 70, 170
_OPACITY = 0.75
_NEAR_ZOOM = 1.0
"""Screen pixels per µm at which a nucleated cell is about ten pixels wide."""
_UNSEEN = frozenset({Reason.NONE, Reason.BLANK})
"""Reasons that are not drawn: blank glass is visible without a map."""


def quality_pixels(quality: QualityMap) -> NDArray[np.uint8]:
    """Return the image of a map.

    Scores use matplotlib's *cividis* reversed, suitable for colour-blind readers: good is dark blue, poor
    pale yellow. Avoided places are grey with one hatch per reason.

    Returns
    -------
    ndarray of uint8, shape (8 × rows, 8 × columns, 4)
        RGBA, transparent where nothing was measured.
    """
    small = _colours(np.nan_to_num(quality.score))
    small[..., 3] = np.where((quality.reason == Reason.NONE) & ~np.isnan(quality.score), _ALPHA, 0)
    large = small.repeat(_SIDE, 0).repeat(_SIDE, 1)
    reason = quality.reason.repeat(_SIDE, 0).repeat(_SIDE, 1)
    rows, columns = np.mgrid[: large.shape[0], : large.shape[1]]
    for each, hatch in _hatches(rows, columns).items():
        where = (reason == each) & hatch
        large[where] = (_GREY, _GREY, _GREY, _HATCH_ALPHA)
    return large


def score_swatch(width: int) -> NDArray[np.uint8]:
    """Return the map's colours from poor to good, shape (8, width, 4), RGBA."""
    strip = _colours(np.linspace(0, 1, width))
    strip[..., 3] = _ALPHA
    return strip[None].repeat(_SIDE, 0)


def reason_swatch(reason: Reason) -> NDArray[np.uint8]:
    """Return the map's hatch of a reason, shape (16, 24, 4), RGBA."""
    rows, columns = np.indices((2 * _SIDE, 3 * _SIDE))
    swatch = np.zeros((*rows.shape, 4), np.uint8)
    swatch[_hatches(rows, columns)[reason]] = (_GREY, _GREY, _GREY, _HATCH_ALPHA)
    return swatch


def _colours(scores: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colour of each score from 0 to 1, RGBA, opaque."""
    from matplotlib import colormaps

    colors: NDArray[np.float64] = np.asarray(colormaps["cividis_r"](np.linspace(0, 1, 256)))
    table: NDArray[np.uint8] = (colors * 255).astype(np.uint8)
    at: NDArray[np.intp] = np.clip(np.rint(scores * 255), 0, 255).astype(np.intp)
    return table[at]


def _hatches(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> dict[Reason, NDArray[np.bool_]]:
    """Return the masks of each reason's lines."""
    falling, rising = (rows - columns) % _SIDE, (rows + columns) % _SIDE
    across, down = rows % _SIDE, columns % _SIDE
    return {
        Reason.THICK: (rising == 0) | (falling == 0),
        Reason.THIN: (across == 3) & (down == 3),
        Reason.FOCUS: across == 3,
        Reason.SMUDGED: rising == 0,
        Reason.BLOOD: (across % 4 == 1) & (down % 4 == 1),
        Reason.STAIN: down == 3,
        Reason.PEN: (across == 3) | (down == 3),
        Reason.UNREADABLE: falling == 0,
    }


def quality_layer(quality: QualityMap) -> Image:
    """Return the layer, placed on its slide."""
    grid = quality.grid
    step = np.array([grid.cell_height, grid.cell_width]) / _SIDE
    # napari counts from the centre of the first pixel: a large pixel's centre is offset by half of it.
    offset = (step - 1) / 2
    return Image(
        quality_pixels(quality),
        name=LAYER_NAME,
        rgb=True,
        scale=(step * grid.microns_per_pixel).tolist(),
        translate=(offset * grid.microns_per_pixel).tolist(),
        units=("um", "um"),
        opacity=_OPACITY,
        blending="translucent_no_depth",
        interpolation2d="nearest",
    )


def fade(layer: Image, zoom: float) -> None:
    """Fade the map out when cells are distinguishable, since it would change their colours.

    Parameters
    ----------
    layer : Image
    zoom : float
        Screen pixels per µm.
    """
    opacity = 0.0 if zoom >= _NEAR_ZOOM else _OPACITY
    if (layer.opacity == 0.0) != (opacity == 0.0):
        layer.opacity = opacity
