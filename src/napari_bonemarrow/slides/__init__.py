"""Slides: opening an image, its physical scale, finding cells and cutting crops."""

import lazy_loader

from napari_bonemarrow.slides.library_messages import quieten

quieten()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
