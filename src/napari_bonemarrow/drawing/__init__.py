"""The drawn smear: marrow with exact ground truth, for the demo and the tests."""

from napari_bonemarrow.drawing.morphology import MORPHOLOGY
from napari_bonemarrow.drawing.placement import DrawingError
from napari_bonemarrow.drawing.sample import SAMPLE_SEED, draw_cell, sample_smear, write_sample
from napari_bonemarrow.drawing.smear import SAMPLE_COUNTS, DrawnSmear, draw_smear
from napari_bonemarrow.drawing.stain import Stain
from napari_bonemarrow.drawing.styles import Morphology

__all__ = [
    "MORPHOLOGY",
    "SAMPLE_COUNTS",
    "SAMPLE_SEED",
    "DrawingError",
    "DrawnSmear",
    "Morphology",
    "Stain",
    "draw_cell",
    "draw_smear",
    "sample_smear",
    "write_sample",
]
