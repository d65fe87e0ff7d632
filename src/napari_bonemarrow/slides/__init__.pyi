"""Slides: opening an image, its physical scale, finding cells and cutting crops."""

from .detection.cell_detection import detect_cells as detect_cells
from .formats.fingerprints import fingerprint as fingerprint
from .formats.registry import SUFFIXES as SUFFIXES
from .pixels.crops import cut_crops as cut_crops
from .reader import open_slide as open_slide
from .scale.scale_estimate import estimate_scale as estimate_scale
from .slide import Level as Level
from .slide import Scale as Scale
from .slide import ScaleSource as ScaleSource
from .slide import Slide as Slide
from .slide import SlideError as SlideError
from .slide import slide_from_array as slide_from_array
