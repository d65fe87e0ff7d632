"""Training and evaluation of bundles. Everything is resolved on first use: torch takes seconds to load."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
