"""A case: cells, predictions, the append-only journal, undo and the counting frame."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
