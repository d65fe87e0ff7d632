"""A case: cells, predictions, the append-only journal, undo and the counting frame."""

from napari_bonemarrow.review.case.case import Case
from napari_bonemarrow.review.case.case_path import case_path_for, was_set_aside
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.reviewers import (
    Authentication,
    Reviewer,
    add_reviewer,
    authentication,
    known_reviewers,
    read_reviewers,
    remove_reviewer,
    reviewers_text,
)
from napari_bonemarrow.review.identity.signing_key import (
    WHERE,
    Keeping,
    KeyRecord,
    SigningKey,
    fingerprint_of,
    key_record,
    make_key,
    open_key,
    planned_keeping,
)
from napari_bonemarrow.review.identity.timestamp import (
    Timestamp,
    TimestampTrust,
    ask_timestamp,
    set_timestamp_server,
    timestamp_of,
    timestamp_server,
)
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind, Shown, Topic
from napari_bonemarrow.review.journal.events import Change, Comment, Event, Label, Verification, text_of
from napari_bonemarrow.review.journal.journal_json import SlideRecord
from napari_bonemarrow.review.journal.reading import FIRST, SECOND, SETTLING, Reading
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.journal.sources import IMPORTED, is_imported
from napari_bonemarrow.review.journal.storage import SUFFIX, on_network
from napari_bonemarrow.review.state.cell_columns import CaseColumns
from napari_bonemarrow.review.state.detection_progress import DetectionProgress

__all__ = [
    "EVENT_SPECS",
    "FIRST",
    "IMPORTED",
    "SECOND",
    "SETTLING",
    "SUFFIX",
    "WHERE",
    "Authentication",
    "Case",
    "CaseColumns",
    "CaseError",
    "Change",
    "Comment",
    "DetectionProgress",
    "Event",
    "EventKind",
    "Keeping",
    "KeyRecord",
    "Label",
    "Reading",
    "Reviewer",
    "Shown",
    "Signature",
    "SigningKey",
    "SlideRecord",
    "Timestamp",
    "TimestampTrust",
    "Topic",
    "Verification",
    "add_reviewer",
    "ask_timestamp",
    "authentication",
    "case_path_for",
    "fingerprint_of",
    "is_imported",
    "key_record",
    "known_reviewers",
    "make_key",
    "on_network",
    "open_key",
    "planned_keeping",
    "read_reviewers",
    "remove_reviewer",
    "reviewers_text",
    "set_timestamp_server",
    "text_of",
    "timestamp_of",
    "timestamp_server",
    "was_set_aside",
]
