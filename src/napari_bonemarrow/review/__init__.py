"""A case: cells, predictions, the append-only journal, undo and the counting frame."""

from napari_bonemarrow.review.beside import case_path_for, was_set_aside
from napari_bonemarrow.review.bulk import NEVER_IN_BULK
from napari_bonemarrow.review.case import Case
from napari_bonemarrow.review.columns import CaseColumns
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.events import (
    IMPORTED,
    RESHAPING,
    Change,
    Comment,
    Event,
    Kind,
    Label,
    Verification,
)
from napari_bonemarrow.review.places import SUFFIX, home, on_network
from napari_bonemarrow.review.reads import Reading
from napari_bonemarrow.review.records import DetectionProgress, SlideRecord
from napari_bonemarrow.review.signature import Signature

__all__ = [
    "IMPORTED",
    "NEVER_IN_BULK",
    "RESHAPING",
    "SUFFIX",
    "Case",
    "CaseColumns",
    "CaseError",
    "Change",
    "Comment",
    "DetectionProgress",
    "Event",
    "Kind",
    "Label",
    "Reading",
    "Signature",
    "SlideRecord",
    "Verification",
    "case_path_for",
    "home",
    "on_network",
    "was_set_aside",
]
