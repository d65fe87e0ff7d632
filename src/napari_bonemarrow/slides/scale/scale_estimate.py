"""Estimate of a slide's physical scale from its cells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.slides.pixels.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.pixels.overview import overview
from napari_bonemarrow.slides.scale.nuclear_size import (
    FEWEST_NUCLEI,
    NUCLEUS_SPREAD,
    NUCLEUS_UM,
    nuclear_diameters,
    typical_diameter,
)
from napari_bonemarrow.slides.scale.red_cell_arcs import arc_diameters
from napari_bonemarrow.slides.scale.red_cell_discs import (
    RED_CELL_SPREAD_UM,
    RED_CELL_UM,
    disc_diameters,
    largest_cluster,
)
from napari_bonemarrow.slides.slide import Scale, ScaleSource, Slide, SlideError, is_plausible

METHOD_ERROR = 0.08
"""Relative error of an outline half-way up a blurred border, and of cells pressed by neighbours or dried
thick or thin, measured on fields of aspirate."""
FEWEST_DISCS = 4
LARGEST_SPREAD = 0.16
"""Fewest discs, and largest relative spread of their diameters (about 0.08 in healthy people)."""

ARC_UM = 6.7
ARC_SPREAD = 0.15
FEWEST_ARCS = 3
"""Diameter of circles fitted to arcs of crowded red cells, which are narrower, its relative spread between
smears, and the fewest arcs. Measured on fields of two laboratories."""
_ARC_WINDOW = (0.7, 1.35)
_ARC_SCATTER = 0.2

DOUBT, CONTRADICTION = 0.25, 0.45
"""Logarithm of the ratio of the scales from red cells and nuclei from which the interval is widened to
contain both, and from which there is no estimate."""

_LONG_SIDE = 1024
_WHOLE_SIDE = 4096
_PATCHES = 12


def estimate_scale(slide: Slide) -> Scale | None:
    """Return µm per pixel estimated from red cells, which are 7.2 to 7.5 µm across on a smear.

    Separate red cells are measured directly. For crowded ones circles are fitted to free arcs, and the
    nuclei give the approximate size. Where nuclei contradict the red cells there is no estimate. On a
    whole slide, patches are read that are cellular in the overview, neither bare nor thick; the fields of
    a folder are measured one by one and pooled.

    Parameters
    ----------
    slide : Slide
        Its own scale, if any, is ignored.

    Returns
    -------
    Scale or None
        With a 95 % interval; None where no estimate is possible.
    """
    samples = list(_samples(slide))
    if not samples:
        return None
    sizes = np.concatenate([nuclear_diameters(rgb) * factor for rgb, factor in samples])
    discs = [disc_diameters(rgb) * factor for rgb, factor in samples]
    nuclear = NUCLEUS_UM / typical_diameter(sizes) if len(sizes) >= FEWEST_NUCLEI else None
    by_discs = _from_discs(largest_cluster(np.concatenate(discs)), nuclear, len(sizes))
    if by_discs is not None or nuclear is None:
        return by_discs
    arcs = [arc_diameters(rgb) * factor for rgb, factor in samples]
    return _from_arcs(np.concatenate(arcs), nuclear, len(sizes))


def typical_nucleus(slide: Slide) -> float | None:
    """Return the diameter of a slide's typical nucleus, from the places that `estimate_scale` reads.

    Parameters
    ----------
    slide : Slide

    Returns
    -------
    float or None
        Diameter in level-0 pixels; None with fewer than `FEWEST_NUCLEI` separate nuclei.
    """
    sizes = [nuclear_diameters(rgb) * factor for rgb, factor in _samples(slide)]
    found = np.concatenate(sizes) if sizes else np.empty(0)
    return typical_diameter(found) if len(found) >= FEWEST_NUCLEI else None


def _from_discs(diameters: NDArray[np.float64], nuclear: float | None, nuclei: int) -> Scale | None:
    if len(diameters) < FEWEST_DISCS:
        return None
    middle = float(np.median(diameters))
    spread = float(np.std(diameters) / middle)
    value = RED_CELL_UM / middle
    if spread > LARGEST_SPREAD:
        return None
    # 1.25: the standard error of a median divided by that of a mean.
    parts = (RED_CELL_SPREAD_UM / RED_CELL_UM, METHOD_ERROR, 1.25 * spread / np.sqrt(len(diameters)))
    relative = 1.96 * float(np.linalg.norm(parts))
    low, high = value * (1 - relative), value * (1 + relative)
    basis = f"{count_of(len(diameters), 'red cell')} of {RED_CELL_UM:g} µm"
    if nuclear is not None:
        gap = abs(float(np.log(value / nuclear)))
        if gap > CONTRADICTION:
            return None
        if gap > DOUBT:
            low, high = min(low, nuclear), max(high, nuclear)
            basis += f"; wider, as {count_of(nuclei, 'nucleus', 'nuclei')} suggest {nuclear:.2g} µm/px"
        else:
            basis += f"; {count_of(nuclei, 'nucleus', 'nuclei')} agree"
    return _scale(value, low, high, basis)


def _from_arcs(diameters: NDArray[np.float64], nuclear: float, nuclei: int) -> Scale | None:
    """Return the mean of arcs and nuclei, weighted by their variances on a logarithmic scale."""
    relative = diameters * nuclear / ARC_UM
    near = diameters[(relative > _ARC_WINDOW[0]) & (relative < _ARC_WINDOW[1])]
    if len(near) < FEWEST_ARCS:
        return None
    red = ARC_UM / float(np.median(near))
    variances = np.array([ARC_SPREAD**2 + (1.25 * _ARC_SCATTER) ** 2 / len(near), NUCLEUS_SPREAD**2])
    weights = 1 / variances
    value = float(np.exp(weights @ np.log([red, nuclear]) / weights.sum()))
    # Arcs were chosen by the nuclei, so their errors are dependent: use the better one's spread.
    spread = float(np.exp(1.96 * np.sqrt(variances.min())))
    basis = f"{count_of(len(near), 'arc')} of crowded red cells, with {count_of(nuclei, 'nucleus', 'nuclei')}"
    return _scale(value, value / spread, value * spread, basis)


def _scale(value: float, low: float, high: float, basis: str) -> Scale | None:
    if not is_plausible(value):
        return None
    return Scale(value, ScaleSource.ESTIMATE, low=float(low), high=float(high), basis=basis)


def _samples(slide: Slide) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Yield images of at most 1024 px, each with its level-0 pixels per pixel."""
    if slide.fields:
        step = max(1, len(slide.fields) // _PATCHES)
        boxes = [each.region for each in slide.fields[::step]][:_PATCHES]
        places = [(int(r.x), int(r.y), int(r.width), int(r.height)) for r in boxes]
    elif max(slide.width, slide.height) > _WHOLE_SIDE:
        places = _patches(slide)
    else:
        rgb = overview(slide, _LONG_SIDE)
        yield rgb, slide.width / rgb.shape[1]
        return
    for x, y, width, height in places:
        with suppress(SlideError):  # a damaged tile costs its patch
            rgb = np.asarray(slide.levels[0][y : y + height, x : x + width])
            factor = max(1.0, max(rgb.shape[:2]) / _LONG_SIDE)
            yield resized(rgb, round(rgb.shape[1] / factor), round(rgb.shape[0] / factor)), factor


def _patches(slide: Slide) -> list[tuple[int, int, int, int]]:
    """Return stained places of medium absorbance, spread over the slide."""
    small = overview(slide, _LONG_SIDE)
    absorbed = optical_density(small, background_colour(small)).mean(axis=2)
    rows, columns = (max(1, side // _LONG_SIDE) for side in (slide.height, slide.width))
    tone = np.clip(255 * absorbed, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    rows, columns = min(rows, small.shape[0]), min(columns, small.shape[1])
    grid = resized(tone, columns, rows)[..., 0].ravel().astype(int)
    order = np.argsort(grid, kind="stable")
    stained = order[grid[order] > 6]
    stained = stained[len(stained) // 8 : max(1, len(stained) * 5 // 8)]
    if not len(stained):
        return []
    chosen = np.sort(stained)[np.linspace(0, len(stained) - 1, min(_PATCHES, len(stained))).astype(int)]
    side_y, side_x = slide.height / rows, slide.width / columns
    return [
        (int(at % columns * side_x), int(at // columns * side_y), _LONG_SIDE, _LONG_SIDE) for at in chosen
    ]
