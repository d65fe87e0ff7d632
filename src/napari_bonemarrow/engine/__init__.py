"""The engine: one spawned child process that owns the model; spoken to by futures."""

from napari_bonemarrow.engine.engine import CHUNK_SECONDS, Engine
from napari_bonemarrow.engine.messages import EngineError, EngineStatus, SlideSource

__all__ = ["CHUNK_SECONDS", "Engine", "EngineError", "EngineStatus", "SlideSource"]
