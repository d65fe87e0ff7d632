"""Measure a slide's stain from a few places, chosen the same way every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.overview import overview
from napari_bonemarrow.slides.profile import StainProfile, measure_profile
from napari_bonemarrow.slides.slide import Slide, SlideError
from napari_bonemarrow.slides.working import working_box, working_image

LARGEST_WHOLE_PX = 2**20
"""An image up to 256 µm square, in working pixels, is measured as a whole."""

SAMPLE_PX = 512
SAMPLES = 12
"""Larger ones in twelve places of 128 µm: some hundred nuclei where there are any, in about a second."""

_SPARE = 3
"""Places chosen for each that is needed, as some may be unreadable."""

_CELLULAR = 0.75
"""Quantile of nuclear stain from which a place of the smear is taken: mostly where cells lie, yet not
only the thickest."""


def image_profile(slide: Slide, image: Region) -> StainProfile:
    """Measure the stain of one of a slide's images.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    image : Region
        One of `Slide.images`.

    Returns
    -------
    StainProfile
        The same for the same slide and scale, whatever is searched later.

    Raises
    ------
    TileError
        No place of it can be read.
    """
    box = working_box(slide, image)
    if (box[2] - box[0]) * (box[3] - box[1]) <= LARGEST_WHOLE_PX:
        return measure_profile([working_image(slide, *box)])
    samples: list[NDArray[np.uint8]] = []
    problem: SlideError | None = None
    for place in _places(slide, image, box):
        try:
            samples.append(working_image(slide, *place))
        except SlideError as error:
            problem = error
        if len(samples) == SAMPLES:
            break
    if problem is not None and not samples:
        raise problem
    return measure_profile(samples)


def _places(slide: Slide, image: Region, box: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """Choose places by the nuclear stain that the overview shows there, evenly spread among the stained."""
    rows, columns = (max(1, (box[k + 2] - box[k]) // SAMPLE_PX) for k in (0, 1))
    small = _part(overview(slide), slide, image)
    density = optical_density(small, background_colour(small))
    # The same weights as `nuclei.nuclear_stain`, on a scale of 0 to 255 for the resampling.
    stain = np.clip(density[..., 1] - 0.5 * density[..., 2] - 0.35 * density[..., 0], 0, 1)
    grid = resized(np.repeat((255 * stain[..., None]).astype(np.uint8), 3, axis=2), columns, rows)[..., 0]
    order = np.argsort(-grid.ravel().astype(int), kind="stable")
    stained = order[: max(SAMPLES * _SPARE, round(len(order) * (1 - _CELLULAR) * (grid > 0).mean()))]
    chosen = stained[np.linspace(0, len(stained) - 1, min(len(stained), SAMPLES * _SPARE)).round().astype(int)]
    # Every third first, so that those that are read in the end are spread as well.
    spread = np.concatenate([chosen[k::_SPARE] for k in range(_SPARE)])
    places = []
    for row, column in zip(*np.divmod(spread, columns), strict=True):
        top, left = box[0] + int(row) * SAMPLE_PX, box[1] + int(column) * SAMPLE_PX
        places.append((top, left, min(top + SAMPLE_PX, box[2]), min(left + SAMPLE_PX, box[3])))
    return places


def _part(small: NDArray[np.uint8], slide: Slide, image: Region) -> NDArray[np.uint8]:
    """Cut an image of a slide out of its overview."""
    factor = slide.width / small.shape[1]
    left, top = int(image.x / factor), int(image.y / factor)
    right = max(left + 1, round((image.x + image.width) / factor))
    return small[top : max(top + 1, round((image.y + image.height) / factor)), left:right]
