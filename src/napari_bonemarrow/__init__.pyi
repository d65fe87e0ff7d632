"""Differential counts of bone-marrow smears: find, classify, explain, correct, count.

Research use only, not for diagnosis.
"""

from .cytology import Differential as Differential
from .models import Classifier as Classifier
from .review import Case as Case
from .slides import detect_cells as detect_cells
from .slides import open_slide as open_slide

__version__: str
