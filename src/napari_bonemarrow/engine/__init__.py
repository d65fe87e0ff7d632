"""The engine: one spawned child process that owns the model, used through futures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
