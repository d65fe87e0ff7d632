"""Detection of every nucleated cell of a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_bonemarrow.cytology import Cells, Frame, Region
from napari_bonemarrow.slides.detection.search_plan import TILE_UM, DetectionPlan, lay_out
from napari_bonemarrow.slides.detection.stain_samples import image_profile
from napari_bonemarrow.slides.detection.tile_search import merge_tiles, search_tile
from napari_bonemarrow.slides.pixels.photographs import photograph
from napari_bonemarrow.slides.slide import Slide, SlideError

COARSEST_MICRONS = 0.6
"""Coarsest scale that shows a nucleus well enough; ×20 scanners give 0.5 µm per pixel."""


def detect_cells(
    slide: Slide, *, frame: Frame | None = None, progress: Callable[[float], None] | None = None
) -> Cells:
    """Find nucleated cells by their nuclei.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    frame : Frame, optional
        The counting frame; by default the whole field without 5 µm at its border. Cells whose centre lies
        outside are also returned, with `Cells.in_frame` False.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Returns
    -------
    Cells
        Numbered from 1, from top to bottom.

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    SlideError
        If it is too coarse to show a nucleus.
    """
    report = progress or (lambda _done: None)
    report(0.0)
    plan = detection_plan(slide)
    found = []
    for tile in plan.tiles:
        found.append(search_tile(slide, tile))
        report(len(found) / len(plan.tiles))
    frame = frame or Frame.whole_field(slide.width, slide.height, images=slide.images)
    return merge_tiles(found, frame, slide.known_scale())


def detection_plan(
    slide: Slide, regions: Sequence[Region] | None = None, *, tile_um: float = TILE_UM
) -> DetectionPlan:
    """Return the plan of a search: the stain of each image and the tiles of the wanted regions.

    Parameters
    ----------
    slide : Slide
        With a known scale.
    regions : sequence of Region, optional
        Regions to search, level-0 pixels, in order of preference; the whole slide by default.
    tile_um : float
        Approximate side of a tile. It changes the time for a tile, never its cells.

    Returns
    -------
    DetectionPlan

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    SlideError
        If it is too coarse to show a nucleus, or cannot be read at all.
    """
    check_fine_enough(slide)
    layout = lay_out(slide, regions, tile_um=tile_um)
    return layout.with_profiles(
        [
            image_profile(photograph(slide, number), image)
            for number, image in zip(layout.image_numbers, layout.images, strict=True)
        ]
    )


def check_fine_enough(slide: Slide) -> None:
    """Raise an error if a slide is too coarse to show a nucleus.

    Raises
    ------
    ScaleError
        If the slide's scale is unknown.
    SlideError
        If it is too coarse.
    """
    scale = slide.known_scale()
    if scale > COARSEST_MICRONS:
        name = slide.path.name or "this image"
        raise SlideError(
            f"{name}: {scale:g} µm per pixel is too coarse to find cells (at most {COARSEST_MICRONS:g}); "
            "take an image at a higher magnification, or correct the scale"
        )
