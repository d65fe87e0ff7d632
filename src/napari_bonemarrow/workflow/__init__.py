"""The one pipeline that the window and the command line both call."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_bonemarrow.workflow.analysis import (
        CellsClassified,
        CellsFound,
        Doing,
        FeaturesFound,
        Step,
        TilesFound,
        analyse,
        apply_step,
        default_frame,
        was_detected,
    )
    from napari_bonemarrow.workflow.cases import (
        default_reviewer,
        open_or_create_case,
        slide_of_case,
    )
    from napari_bonemarrow.workflow.cell_detection import detect_inputs
    from napari_bonemarrow.workflow.crops import classify_crops
    from napari_bonemarrow.workflow.demo import SampleResult, run_sample, surest_cell, write_sample_slide
    from napari_bonemarrow.workflow.differential_count import CountOptions, count_inputs
    from napari_bonemarrow.workflow.features import embed, unseen
    from napari_bonemarrow.workflow.heatmap_files import Explanation, Question, explain_input
    from napari_bonemarrow.workflow.label_import import Imported, LabelFileError, import_labels
    from napari_bonemarrow.workflow.region_growth import count_slide, frame_of
    from napari_bonemarrow.workflow.scale_rule import settle_scale
    from napari_bonemarrow.workflow.survey import Surveyed

# Resolved on first use: the window needs none of what only the command line does.
_LAZY = {
    "analysis": (
        "CellsClassified",
        "CellsFound",
        "Doing",
        "FeaturesFound",
        "Step",
        "TilesFound",
        "analyse",
        "apply_step",
        "default_frame",
        "was_detected",
    ),
    "cases": ("default_reviewer", "open_or_create_case", "slide_of_case"),
    "region_growth": ("count_slide", "frame_of"),
    "differential_count": ("CountOptions", "count_inputs"),
    "crops": ("classify_crops",),
    "demo": ("SampleResult", "run_sample", "surest_cell", "write_sample_slide"),
    "cell_detection": ("detect_inputs",),
    "heatmap_files": ("Explanation", "Question", "explain_input"),
    "features": ("embed", "unseen"),
    "label_import": ("Imported", "LabelFileError", "import_labels"),
    "scale_rule": ("settle_scale",),
    "survey": ("Surveyed",),
}
_HOME = {name: module for module, names in _LAZY.items() for name in names}

__all__ = [
    "CellsClassified",
    "CellsFound",
    "CountOptions",
    "Doing",
    "Explanation",
    "FeaturesFound",
    "Imported",
    "LabelFileError",
    "Question",
    "SampleResult",
    "Step",
    "Surveyed",
    "TilesFound",
    "analyse",
    "apply_step",
    "classify_crops",
    "count_inputs",
    "count_slide",
    "default_frame",
    "default_reviewer",
    "detect_inputs",
    "embed",
    "explain_input",
    "frame_of",
    "import_labels",
    "open_or_create_case",
    "run_sample",
    "settle_scale",
    "slide_of_case",
    "surest_cell",
    "unseen",
    "was_detected",
    "write_sample_slide",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
