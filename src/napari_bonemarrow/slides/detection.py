"""Find every nucleated cell of a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.slides.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.overview import slide_background
from napari_bonemarrow.slides.slide import Slide, SlideError

COARSEST_MICRONS = 0.6
"""Coarser images do not show a nucleus well enough; scanners of ×20 give 0.5 µm per pixel."""

TILE_UM = 600.0
OVERLAP_UM = 30.0
"""Larger images are searched tile by tile, so that memory stays bounded; a cell belongs to the tile that
its centre lies in, and each tile sees 30 µm around it, more than a cell's width."""


@dataclass(frozen=True)
class Nuclei:
    """Nuclei of an image at the working scale.

    Attributes
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n; the lobes of one nucleus share a label.
    x, y : ndarray of float64, shape (n,)
        Centre, pixels of the image that was searched; the centre of its top-left pixel is (0, 0).
    diameter_um, score : ndarray of float64, shape (n,)
    """

    labels: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    diameter_um: NDArray[np.float64]
    score: NDArray[np.float64]


def detect_cells(
    slide: Slide, *, frame: Frame | None = None, progress: Callable[[float], None] | None = None
) -> Cells:
    """Find nucleated cells by their nuclei.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    frame : Frame, optional
        What is counted; the whole field less 5 µm by default. Cells whose centre lies outside are
        returned too, with `Cells.in_frame` False.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Returns
    -------
    Cells
        Numbered from 1, from top to bottom.

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    SlideError
        Where it is too coarse to show a nucleus.
    """
    scale = slide.known_scale()
    if scale > COARSEST_MICRONS:
        name = slide.path.name or "this image"
        raise SlideError(
            f"{name}: {scale:g} µm per pixel is too coarse to find cells (at most {COARSEST_MICRONS:g}); "
            "take an image at a higher magnification, or correct the scale"
        )
    report = progress or (lambda _done: None)
    report(0.0)
    background = slide_background(slide)
    tiles = list(_tiles(slide.width, slide.height, scale))
    found = []
    for done, (core, around) in enumerate(tiles, start=1):
        left, top, right, bottom = around
        nuclei = find_nuclei(np.asarray(slide.levels[0][top:bottom, left:right]), scale, background)
        x, y = nuclei.x + left, nuclei.y + top
        inside = (x >= core[0]) & (x < core[2]) & (y >= core[1]) & (y < core[3])
        found.append(np.stack([x, y, nuclei.diameter_um, nuclei.score])[:, inside])
        report(done / len(tiles))
    x, y, diameter, score = np.concatenate(found, axis=1)
    order = np.lexsort((x, y))
    frame = frame or Frame.whole_field(slide.width, slide.height)
    return Cells(
        np.arange(1, len(order) + 1, dtype=np.int64),
        x[order],
        y[order],
        diameter[order].astype(np.float32),
        score[order].astype(np.float32),
        frame.contains(x[order], y[order], scale),
    )


_Box = tuple[float, float, float, float]


def _tiles(width: int, height: int, scale: float) -> Iterator[tuple[_Box, tuple[int, int, int, int]]]:
    """Yield each tile's own box and the one with its surroundings (left, top, right, bottom)."""
    overlap = round(OVERLAP_UM / scale)
    columns, rows = (max(1, round(side * scale / TILE_UM)) for side in (width, height))
    xs = [round(width * index / columns) for index in range(columns + 1)]
    ys = [round(height * index / rows) for index in range(rows + 1)]
    for top, bottom in pairwise(ys):
        for left, right in pairwise(xs):
            around = (
                max(0, left - overlap),
                max(0, top - overlap),
                min(width, right + overlap),
                min(height, bottom + overlap),
            )
            # Centres lie on the border pixels' centres at most half a pixel beyond the outer edges.
            core = (
                left - (1.0 if left == 0 else 0.0),
                top - (1.0 if top == 0 else 0.0),
                right + (1.0 if right == width else 0.0),
                bottom + (1.0 if bottom == height else 0.0),
            )
            yield core, around


def find_nuclei(
    rgb: NDArray[np.uint8], microns_per_pixel: float, background: NDArray[np.uint8] | None = None
) -> Nuclei:
    """Segment nuclei, join lobes and leave out what is no nucleus.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
    microns_per_pixel : float
    background : ndarray of uint8, shape (3,), optional
        The smear's colour without cells; estimated by default.

    Returns
    -------
    Nuclei
    """
    # scipy.ndimage takes half a second to import, which opening a slide need not wait for.
    from napari_bonemarrow.slides import judging, lobes, nuclei, touching

    height, width = rgb.shape[:2]
    rows = max(2, round(height * microns_per_pixel / nuclei.WORKING_MICRONS))
    columns = max(2, round(width * microns_per_pixel / nuclei.WORKING_MICRONS))
    small = resized(rgb, columns, rows)
    density = optical_density(small, background_colour(rgb) if background is None else background)
    labels, smooth = nuclei.segment(nuclei.nuclear_stain(density))
    labels = judging.drop(labels, judging.Evidence.of_labels(labels, density, smooth).belief() > 0)
    labels, whole = touching.divide(labels)
    labels = lobes.merge_lobes(labels, smooth, whole)[labels]
    score = judging.Evidence.of_labels(labels, density, smooth).score()
    labels = judging.drop(labels, score >= judging.LEAST_SCORE)
    score = score[score >= judging.LEAST_SCORE]
    moments = nuclei.Moments.of_labels(labels, len(score))
    return Nuclei(
        labels,
        (moments.x / nuclei.WORKING_MICRONS + 0.5) * width / columns - 0.5,
        (moments.y / nuclei.WORKING_MICRONS + 0.5) * height / rows - 0.5,
        np.sqrt(4 / np.pi * moments.area),
        score,
    )
