"""Differential counts of bone-marrow smears: find, classify, explain, correct, count.

Research use only, not for diagnosis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_bonemarrow.cytology import Differential
    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.slides import detect_cells, open_slide

__version__ = "0.1.0"

# Resolved on first use, so that importing the package loads neither torch nor Qt nor scikit-image.
_LAZY = {
    "open_slide": "napari_bonemarrow.slides",
    "detect_cells": "napari_bonemarrow.slides",
    "Classifier": "napari_bonemarrow.models",
    "Case": "napari_bonemarrow.review",
    "Differential": "napari_bonemarrow.cytology",
}

__all__ = ["Case", "Classifier", "Differential", "__version__", "detect_cells", "open_slide"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
