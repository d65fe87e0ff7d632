"""Differential counts of bone-marrow smears: find, classify, explain, correct, count.

Research use only, not for diagnosis.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
