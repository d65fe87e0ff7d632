"""The domain: classes, schemes, tags, counting rules, differential counts and shared containers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
