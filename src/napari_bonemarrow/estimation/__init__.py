"""A valid count from a partial review: a stratified random sample of the counted cells and its estimate."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
