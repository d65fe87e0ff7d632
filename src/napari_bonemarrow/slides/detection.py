"""Find every nucleated cell of a field."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.slides.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.nuclei import WORKING_MICRONS, nuclear_stain, segment
from napari_bonemarrow.slides.slide import Slide


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
        Numbered from 1 from top to bottom.

    Raises
    ------
    ScaleError
        Where the slide's scale is unknown.
    """
    from skimage import measure

    scale = slide.known_scale()
    report = progress or (lambda _done: None)
    frame = frame or Frame.whole_field(slide.width, slide.height)
    report(0.0)
    width = max(1, round(slide.width * scale / WORKING_MICRONS))
    height = max(1, round(slide.height * scale / WORKING_MICRONS))
    rgb = resized(slide.levels[0], width, height)
    report(0.2)
    stain = nuclear_stain(optical_density(rgb, background_colour(rgb)))
    labels = segment(stain)
    report(0.8)
    table = measure.regionprops_table(labels, stain, ("centroid", "area", "mean_intensity"))
    diameter = np.sqrt(4 / np.pi * table["area"]) * WORKING_MICRONS
    keep = diameter > 4.0
    y = (table["centroid-0"][keep] + 0.5) * slide.height / height - 0.5
    x = (table["centroid-1"][keep] + 0.5) * slide.width / width - 0.5
    score = np.clip(table["mean_intensity"][keep], 0, 1)
    report(1.0)
    return Cells(
        np.arange(1, keep.sum() + 1),
        x,
        y,
        diameter[keep].astype(np.float32),
        score.astype(np.float32),
        frame.contains(x, y, scale),
    )
