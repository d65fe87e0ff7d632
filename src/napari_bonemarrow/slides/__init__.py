"""Slides: opening an image, its physical scale, finding cells and cutting crops."""

from napari_bonemarrow.slides.detection.cell_detection import detect_cells
from napari_bonemarrow.slides.formats.fingerprints import fingerprint
from napari_bonemarrow.slides.formats.registry import SUFFIXES
from napari_bonemarrow.slides.library_messages import quieten
from napari_bonemarrow.slides.pixels.crops import cut_crops
from napari_bonemarrow.slides.reader import open_slide
from napari_bonemarrow.slides.scale.scale_estimate import estimate_scale
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
