"""Training and evaluation of model bundles. Names load on first use: torch takes seconds to import."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
