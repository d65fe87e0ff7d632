"""The engine: one spawned child process that owns the model, used through futures."""

from .engine import CHUNK_SECONDS as CHUNK_SECONDS
from .engine import Engine as Engine
from .features import layout_method as layout_method
from .messages import Embedded as Embedded
from .messages import EngineError as EngineError
from .messages import EngineStatus as EngineStatus
from .messages import SlideSource as SlideSource
