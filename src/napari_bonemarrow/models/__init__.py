"""Networks: bundles, classification and explanation. Names that need torch are resolved on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.models.bundles.bundle import STARTER, Bundle, BundleError, list_bundles
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.explanation.heatmap import Heatmap

if TYPE_CHECKING:
    from napari_bonemarrow.models.bundles.checkpoint_import import import_checkpoint
    from napari_bonemarrow.models.classifier import Classifier

_LAZY = {
    "Classifier": "napari_bonemarrow.models.classifier",
    "import_checkpoint": "napari_bonemarrow.models.bundles.checkpoint_import",
}

__all__ = [
    "STARTER",
    "Bundle",
    "BundleError",
    "Card",
    "Classifier",
    "Heatmap",
    "import_checkpoint",
    "list_bundles",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
