"""Stain samples: a slide's stain, measured at a few reproducible places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.detection.stain_profile import StainProfile, measure_profile
from napari_bonemarrow.slides.pixels.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.pixels.overview import overview, slide_background
from napari_bonemarrow.slides.pixels.working_grid import working_image, working_shape
from napari_bonemarrow.slides.slide import Slide, SlideError

LARGEST_WHOLE_PX = 2**20
"""Largest image measured as a whole: 256 µm square, in working pixels."""

SAMPLE_PX = 512
SAMPLES = 12
"""Larger ones are measured at twelve places of 128 µm: about a hundred nuclei, in about a second."""

_SPARE = 3
"""Places chosen per place needed, as some may be unreadable."""

_CELLULAR = 0.75
"""Quantile of nuclear stain from which a place is eligible: mostly cellular, but not only the thickest."""


def image_profile(slide: Slide, image: tuple[int, int, int, int]) -> StainProfile:
    """Return the stain profile of one of a slide's images.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    image : (int, int, int, int)
        First row and column, and those after the last, working pixels.

    Returns
    -------
    StainProfile
        It depends only on slide and scale. Where no place can be read it holds the overview's background;
        the tiles fail later.
    """
    small = (image[2] - image[0]) * (image[3] - image[1]) <= LARGEST_WHOLE_PX
    samples: list[NDArray[np.uint8]] = []
    if small:
        with suppress(SlideError):
            return measure_profile([working_image(slide, *image)])
    for place in _places(slide, image, SAMPLE_PX // 4 if small else SAMPLE_PX):
        with suppress(SlideError):
            samples.append(working_image(slide, *place))
        if len(samples) == SAMPLES:
            break
    if not samples:
        red, green, blue = (int(value) for value in slide_background(slide))
        return StainProfile((red, green, blue))
    return measure_profile(samples)


def _places(slide: Slide, box: tuple[int, int, int, int], side: int) -> Iterator[tuple[int, int, int, int]]:
    """Return places by their nuclear stain in the overview, evenly spread among the stained ones."""
    rows, columns = (max(1, (box[k + 2] - box[k]) // side) for k in (0, 1))
    small = _part(overview(slide), slide, box)
    density = optical_density(small, background_colour(small))
    # The weights of `nuclear_stain`, on a scale of 0 to 255 for the resampling.
    stain = np.clip(density[..., 1] - 0.5 * density[..., 2] - 0.35 * density[..., 0], 0, 1)
    grid = resized(np.repeat((255 * stain[..., None]).astype(np.uint8), 3, axis=2), columns, rows)[..., 0]
    order = np.argsort(-grid.ravel().astype(int), kind="stable")
    stained = order[: max(SAMPLES * _SPARE, round(len(order) * (1 - _CELLULAR) * (grid > 0).mean()))]
    chosen = stained[
        np.linspace(0, len(stained) - 1, min(len(stained), SAMPLES * _SPARE)).round().astype(int)
    ]
    # Every third first, so that the places read are also spread.
    spread = np.concatenate([chosen[k::_SPARE] for k in range(_SPARE)])
    for row, column in zip(*np.divmod(spread, columns), strict=True):
        top, left = box[0] + int(row) * side, box[1] + int(column) * side
        yield top, left, min(top + side, box[2]), min(left + side, box[3])


def _part(small: NDArray[np.uint8], slide: Slide, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Return the part of the overview that shows one image."""
    height, width = working_shape(slide)
    top, bottom = (round(at * small.shape[0] / height) for at in (box[0], box[2]))
    left, right = (round(at * small.shape[1] / width) for at in (box[1], box[3]))
    return small[top : max(top + 1, bottom), left : max(left + 1, right)]
