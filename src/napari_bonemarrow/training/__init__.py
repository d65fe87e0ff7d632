"""Training and evaluation of bundles. Everything is resolved on first use: torch takes seconds to load."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.training.config import TrainConfig, TrainingError, load_preset

if TYPE_CHECKING:
    from napari_bonemarrow.training.evaluation.evaluate import evaluate
    from napari_bonemarrow.training.finetune.finetune import fine_tune
    from napari_bonemarrow.training.fitting.folds import train_folds
    from napari_bonemarrow.training.fitting.run import train

_LAZY = {
    "train": "napari_bonemarrow.training.fitting.run",
    "train_folds": "napari_bonemarrow.training.fitting.folds",
    "evaluate": "napari_bonemarrow.training.evaluation.evaluate",
    "fine_tune": "napari_bonemarrow.training.finetune.finetune",
}

__all__ = ["TrainConfig", "TrainingError", "evaluate", "fine_tune", "load_preset", "train", "train_folds"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        # Set, so that the function is found before the module of the same name.
        globals()[name] = getattr(import_module(_LAZY[name]), name)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
