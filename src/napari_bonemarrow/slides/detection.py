"""Find every nucleated cell of a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.slides.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.slide import Slide


@dataclass(frozen=True)
class Nuclei:
    """Nuclei at the working scale.

    Attributes
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n; the lobes of one nucleus share a label.
    x, y : ndarray of float64, shape (n,)
        Centre, level-0 pixels.
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
    """
    found = find_nuclei(slide, progress=progress)
    frame = frame or Frame.whole_field(slide.width, slide.height)
    order = np.lexsort((found.x, found.y))
    x, y = found.x[order], found.y[order]
    return Cells(
        np.arange(1, len(order) + 1, dtype=np.int64),
        x,
        y,
        found.diameter_um[order].astype(np.float32),
        found.score[order].astype(np.float32),
        frame.contains(x, y, slide.known_scale()),
    )


def find_nuclei(slide: Slide, *, progress: Callable[[float], None] | None = None) -> Nuclei:
    """Segment nuclei, join lobes and leave out what is no nucleus.

    Parameters
    ----------
    slide : Slide
    progress : callable, optional

    Returns
    -------
    Nuclei

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    """
    # scipy.ndimage takes half a second to import, which opening a slide need not wait for.
    from napari_bonemarrow.slides import judging, lobes, nuclei, touching

    scale = slide.known_scale()
    report = progress or (lambda _done: None)
    report(0.0)
    width = max(1, round(slide.width * scale / nuclei.WORKING_MICRONS))
    height = max(1, round(slide.height * scale / nuclei.WORKING_MICRONS))
    rgb = resized(slide.levels[0], width, height)
    density = optical_density(rgb, background_colour(rgb))
    report(0.3)
    labels, smooth = nuclei.segment(nuclei.nuclear_stain(density))
    report(0.7)
    labels = judging.drop(labels, judging.Evidence.of_labels(labels, density, smooth).belief() > 0)
    labels, whole = touching.divide(labels)
    labels = lobes.merge_lobes(labels, smooth, whole)[labels]
    score = judging.Evidence.of_labels(labels, density, smooth).score()
    labels = judging.drop(labels, score >= judging.LEAST_SCORE)
    score = score[score >= judging.LEAST_SCORE]
    moments = nuclei.Moments.of_labels(labels, len(score))
    report(1.0)
    return Nuclei(
        labels,
        (moments.x / nuclei.WORKING_MICRONS + 0.5) * slide.width / width - 0.5,
        (moments.y / nuclei.WORKING_MICRONS + 0.5) * slide.height / height - 0.5,
        np.sqrt(4 / np.pi * moments.area),
        score,
    )
