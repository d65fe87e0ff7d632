"""The engine: one spawned child process that owns the model, used through futures."""

from napari_bonemarrow.engine.engine import CHUNK_SECONDS, Engine
from napari_bonemarrow.engine.features import layout_method
from napari_bonemarrow.engine.messages import Embedded, EngineError, EngineStatus, SlideSource

__all__ = [
    "CHUNK_SECONDS",
    "Embedded",
    "Engine",
    "EngineError",
    "EngineStatus",
    "SlideSource",
    "layout_method",
]
