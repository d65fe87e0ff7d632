"""Pixels in: open a field, know its physical scale, find its cells, cut them out."""

from napari_bonemarrow.slides.crops import cut_crops
from napari_bonemarrow.slides.detection import detect_cells
from napari_bonemarrow.slides.fingerprints import fingerprint
from napari_bonemarrow.slides.libraries import quieten
from napari_bonemarrow.slides.reading import SUFFIXES, open_slide
from napari_bonemarrow.slides.scale_estimate import estimate_scale
from napari_bonemarrow.slides.slide import (
    Level,
    Scale,
    ScaleSource,
    Slide,
    SlideError,
    slide_from_array,
)

quieten()

__all__ = [
    "SUFFIXES",
    "Level",
    "Scale",
    "ScaleSource",
    "Slide",
    "SlideError",
    "cut_crops",
    "detect_cells",
    "estimate_scale",
    "fingerprint",
    "open_slide",
    "slide_from_array",
]
