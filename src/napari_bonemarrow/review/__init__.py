"""A case: cells, predictions, the append-only journal, undo and the counting frame."""

from napari_bonemarrow.review.beside import case_path_for
from napari_bonemarrow.review.case import Case
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import IMPORTED, Change, Comment, Event, Kind, Label, Verification
from napari_bonemarrow.review.places import SUFFIX, home, on_network
from napari_bonemarrow.review.records import DetectionProgress, SlideRecord

__all__ = [
    "IMPORTED",
    "SUFFIX",
    "Case",
    "CaseError",
    "Change",
    "Comment",
    "DetectionProgress",
    "Event",
    "Kind",
    "Label",
    "SlideRecord",
    "Verification",
    "case_path_for",
    "home",
    "on_network",
]
