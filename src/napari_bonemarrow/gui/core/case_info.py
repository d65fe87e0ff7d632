"""The window's texts about a case as a whole (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide
from napari_bonemarrow.workflow import was_detected
from napari_bonemarrow.workflow.analysis import searched_regions


@dataclass(frozen=True, slots=True)
class HeaderInfo:
    """The line above the tabs."""

    case: str
    reviewer: str
    saved: str
    read_only: bool = False


def header_info(session: Session | None) -> HeaderInfo:
    """Return the line above the tabs."""
    if session is None:
        return HeaderInfo("", "", "")
    case = session.case
    saved = "signed ✓" if case.is_signed else "saved ✓"
    saved = "read only" if case.read_only else saved
    return HeaderInfo(case.path.name, case.reviewer, saved, case.read_only)


def is_analysed(case: Case) -> bool:
    """Return whether every cell has been found and classified."""
    if not was_searched(case):
        return False
    predictions, cells = case.predictions, case.cells
    if predictions is None:
        return not len(cells) or case.is_blind
    return bool(np.isin(cells.cell_id, predictions.cell_id).all())


def was_searched(case: Case) -> bool:
    """Return whether the detector has searched all of the frame, which may have been extended."""
    if not was_detected(case) or case.frame is None:
        return False
    searched = searched_regions(case)
    return searched is None or all(
        any(region.within(box) == region for box in searched) for region in case.frame.regions
    )


def unlike_texts(case: Case) -> tuple[str, str]:
    """Return the warnings of an unfamiliar smear, short and with figures; empty if none is needed.

    A sample review needs none: its intervals hold whatever the model says.
    """
    if case.sample.in_progress:
        return "", ""
    check = case.statistics.domain_check()
    if check is None or not check.unlike or not case.statistics.waits_for_review:
        return "", ""
    return check.short_text, check.text


def locked_text(case: Case) -> str:
    """Return why the case cannot be changed, empty if it can."""
    if case.distrust:
        return f"{case.distrust} It is open to look at only."
    signature = case.signature
    if signature is not None:
        at = datetime.fromisoformat(signature.at).astimezone()
        return f"Signed by {signature.name} on {at:%d %b %Y %H:%M}: an amendment (Count tab) opens it again."
    return "Open to look at only: nothing can be changed." if case.read_only else ""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One photograph of a folder and the progress of its review; ``cells`` are the counted ones."""

    name: str
    region: Region
    cells: int
    reviewed: int

    @property
    def text(self) -> str:
        """Return name and progress."""
        return f"{self.name} · {self.reviewed} of {self.cells} reviewed" if self.cells else self.name


def field_infos(slide: Slide, case: Case) -> tuple[FieldInfo, ...]:
    """Return for each photograph of a folder its numbers of counted and of reviewed cells."""
    cells, reviewed = case.cells, case.reviewed()
    counts = cells.in_frame
    infos = []
    for field in slide.fields:
        inside = field.region.contains(cells.x, cells.y) & counts
        infos.append(
            FieldInfo(field.name, field.region, int(np.count_nonzero(inside)), int((inside & reviewed).sum()))
        )
    return tuple(infos)
