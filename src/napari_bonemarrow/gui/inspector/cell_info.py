"""Texts of the Review tab on a cell and on the progress of the review (no Qt)."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from napari_bonemarrow.cytology import (
    CLASSES,
    Support,
    images_at,
)
from napari_bonemarrow.cytology.arrays import row_of
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.inspector.cell_models import CellInfo, Guess, ProgressInfo, ReadersClass
from napari_bonemarrow.review import FIRST, SECOND, SETTLING, Case, Event, text_of
from napari_bonemarrow.slides import Slide


def cell_info(session: Session, cell_id: int) -> CellInfo | None:
    """Return a cell's info for the Review tab, without its crop; None if it is gone."""
    case = session.case
    if not case.has_cell(cell_id):
        return None
    at = row_of(case.cells.cell_id, cell_id)
    code, label = case.effective_code(cell_id), case.labels.get(cell_id)
    readers = readers_classes(case, cell_id)
    name = CLASSES[code].name if code in CLASSES else "no class yet"
    if readers and cell_id not in case.readings.labels_of(SETTLING):
        code, name, standing = "", "not settled yet", "the readers differ"
    elif label is not None and label.imported:
        standing = "labelled so in the data, not reviewed yet"
    elif label is not None:
        standing = f"reviewed by {label.by}" + (", by a rule" if label.source == "rule" else "")
    else:
        standing = _seen_by(case, cell_id) if code else "not classified yet"
    return CellInfo(
        cell_id=cell_id,
        code=code,
        name=name,
        standing=standing,
        counted_text=_where_text(session.slide, case, at),
        guesses=guesses(case, cell_id),
        tags=frozenset(case.tags.get(cell_id, frozenset())),
        history=tuple(_told(event, cell_id) for event in case.history.of_cell(cell_id)),
        crop_microns_per_pixel=CROP_MICRONS_PER_PIXEL,
        read_only=case.read_only or case.is_signed,
        readers=readers,
    )


def _seen_by(case: Case, cell_id: int) -> str:
    """Return in words what gave an unreviewed cell its class."""
    learning = case.learning
    if not learning.predicts(cell_id):
        return "as the model sees it"
    taught_here = learning.prequential is not None
    return "as taught here" if taught_here else f"as {learning.laboratory_name} was taught"


def readers_classes(case: Case, cell_id: int) -> tuple[ReadersClass, ...]:
    """Return two readers' classes of a cell while their differences are settled, else nothing."""
    if case.reading != SETTLING:
        return ()
    found = [case.readings.labels_of(number).get(cell_id) for number in (FIRST, SECOND)]
    given = [label for label in found if label is not None and not label.imported]
    if len(given) < len(found) or given[0].code == given[1].code:
        return ()
    return tuple(ReadersClass(label.code, label.by) for label in given)


def heading(info: CellInfo, place: int, total: int, selected: int) -> tuple[str, str]:
    """Return the heading, title and second line, on the effect of a key.

    Parameters
    ----------
    info : CellInfo
        The current cell.
    place : int
        Its place in the work list, from 0; negative if it is not in it.
    total : int
        Cells in the list.
    selected : int
        Cells that are selected.
    """
    if selected > 1:
        return f"{selected} selected", f"A key is for all {selected}. Click a cell, or Space, for one alone."
    where = f"Cell {place + 1} of {total}" if place >= 0 else f"Cell {info.cell_id}, not in the list"
    return f"{where} · {info.name}", info.standing_text


def progress(case: Case, reviewed: int, counted: int) -> ProgressInfo:
    """Return the progress of a review, or of settling two readings."""
    if not counted:
        return ProgressInfo()
    if case.reading == SETTLING:
        left, all_of_them = len(case.readings.disagreements()), len(case.readings.disagreements(settled=True))
        text = f"{left} left to settle" if left else f"all {all_of_them} settled · done: count and sign"
        return ProgressInfo(text, all_of_them - left, all_of_them, not left)
    ended = reviewed >= counted
    if not ended:
        return ProgressInfo(f"{reviewed} of {counted} reviewed", reviewed, counted)
    if case.is_signed:
        return ProgressInfo(f"{reviewed} of {counted} · signed", reviewed, counted)
    last = "done: end the second reading" if case.is_blind else "done: count and sign"
    return ProgressInfo(f"{reviewed} of {counted} · {last}", reviewed, counted, True)


def _where_text(slide: Slide, case: Case, at: int) -> str:
    """Return a cell's field and whether it counts; empty for a counted cell of a single image."""
    texts = []
    if slide.fields:
        [field] = images_at(slide.images, case.cells.x[at], case.cells.y[at])
        texts = [slide.fields[field].name] if field >= 0 else ["outside the photographs"]
    if not case.cells.in_frame[at]:
        texts.append("outside the counted frame")
    return " · ".join(texts)


def guesses(case: Case, cell_id: int) -> tuple[Guess, ...]:
    """Return the classes of a cell ranked by probability; empty without predictions."""
    predictions = case.predictions
    at = -1 if predictions is None else row_of(predictions.cell_id, cell_id)
    if predictions is None or at < 0:
        return ()
    row = predictions.probabilities[at]
    ranked = np.argsort(-row, kind="stable")
    codes = [predictions.classes[rank] for rank in ranked]
    support, here = predictions.support, case.learning.learnt_here
    return tuple(
        Guess(code, CLASSES[code].name, float(row[rank]), support.get(code, Support.NONE), here.get(code, 0))
        for code, rank in zip(codes, ranked, strict=True)
    )


def _told(event: Event, cell_id: int) -> str:
    """Return one line of the journal in words: when, who, what."""
    at = datetime.fromisoformat(event.at).astimezone()  # the journal has UTC, people use local time
    return f"{at:%d %b %H:%M} {event.reviewer}: {text_of(event, cell_id)}"
