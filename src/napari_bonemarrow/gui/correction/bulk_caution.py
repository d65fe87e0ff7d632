"""Asking before one key changes many cells: what is labelled is what was meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.cytology.classes import NEVER_IN_BULK
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.many_cells_dialog import ManyCellsDialog
from napari_bonemarrow.review import Case

MANY = 20
"""More cells than these are never changed by one key alone: no more thumbnails are taken in at a glance."""


@dataclass(frozen=True, slots=True)
class BulkAct:
    """An act on the selected cells, in words.

    Attributes
    ----------
    cells : tuple of int
    question : str
        What is asked.
    yes : str
        What the button says that does it.
    done : str
        What is said afterwards.
    concerned : tuple of str
        The classes that it gives or takes, by code; a critical one is always asked about.
    present : str
        What the cells are now, for the question.
    """

    cells: tuple[int, ...]
    question: str
    yes: str
    done: str
    concerned: tuple[str, ...] = ()
    present: str = ""

    @property
    def is_asked(self) -> bool:
        """Whether it is asked about first: more than `MANY` cells, or several with a critical class."""
        several = len(self.cells) > 1
        return len(self.cells) > MANY or (several and not NEVER_IN_BULK.isdisjoint(self.concerned))


def giving(case: Case, cells: Sequence[int], code: str) -> BulkAct:
    """Describe giving cells a class; ``""`` takes their labels off."""
    n, cells = len(cells), tuple(cells)
    before = _codes(case, cells) if n > 1 else ()
    if code:
        name = CLASSES[code].name
        texts = (
            f"Give {n} cells the class {code}, {name}?",
            f"Give {code} to {n} cells",
            f"{n} cells → {code}",
        )
    else:
        texts = f"Take the labels off {n} cells?", f"Take {n} labels off", f"labels of {n} cells taken off"
    return BulkAct(cells, *texts, concerned=(code, *before), present=_present(before))


def accepting(case: Case, groups: dict[str, list[int]]) -> BulkAct:
    """Describe confirming the classes that cells have, given by class."""
    cells = tuple(cell for group in groups.values() for cell in group)
    n = len(cells)
    classes = f" in {len(groups)} classes" if len(groups) > 1 else f" as {next(iter(groups), '')}"
    return BulkAct(
        cells,
        f"Accept the classes that {n} cells have?",
        f"Accept {n} cells",
        f"{n} cells accepted{classes}",
        concerned=tuple(groups),
        present=_present(_codes(case, cells)) if n > 1 else "",
    )


def tagging(cells: Sequence[int], tag: str, on: bool) -> BulkAct:
    """Describe putting a tag on cells, or taking it off."""
    n, name = len(cells), TAGS.get(tag, tag)
    verb = "Tag" if on else "Take the tag off"
    return BulkAct(
        tuple(cells),
        f"{verb} {n} cells: {name}?",
        f"{verb} {n} cells",
        f"{n} cells {'+' if on else '−'} {name}",
    )


def flagging(cells: Sequence[int], on: bool) -> BulkAct:
    """Describe flagging cells, or taking the flag off."""
    n = len(cells)
    if on:
        return BulkAct(tuple(cells), f"Flag {n} cells?", f"Flag {n} cells", f"{n} cells flagged")
    return BulkAct(
        tuple(cells), f"Take the flag off {n} cells?", f"Take {n} flags off", f"{n} cells no longer flagged"
    )


def joining(case: Case, cells: Sequence[int]) -> BulkAct:
    """Describe making one cell of several."""
    n, codes = len(cells), _codes(case, cells)
    texts = f"Make one cell of {n}?", f"Join {n} cells", f"{n} cells joined"
    return BulkAct(tuple(cells), *texts, codes if n > MANY else (), present=_present(codes))


def removing(case: Case, cells: Sequence[int]) -> BulkAct:
    """Describe removing cells; what reviewers did to them goes with them."""
    n, cells = len(cells), tuple(cells)
    codes = _codes(case, cells) if n > 1 else ()
    return BulkAct(
        cells, f"Remove {n} cells?", f"Remove {n} cells", f"{n} cells removed", codes, present=_present(codes)
    )


def _codes(case: Case, cells: Sequence[int]) -> tuple[str, ...]:
    return tuple(case.effective_code(cell) for cell in cells)


def _present(codes: Sequence[str]) -> str:
    """Say which classes cells have now, the commonest first."""
    counts = Counter(codes).most_common()
    texts = [f"{count} {code or 'without a class'}" for code, count in counts]
    return f"They are now: {', '.join(texts)}." if texts else ""


class BulkCaution(SmearPart):
    """Does an act at once, or after a question where it concerns many cells.

    Parameters
    ----------
    session : Session
    before : QWidget
        Before which the question stands.
    parent : QObject
    """

    def __init__(self, session: Session, before: QWidget, parent: QObject) -> None:
        super().__init__(session, parent)
        self._before = before
        self.dialog: ManyCellsDialog | None = None

    def over(self, many: BulkAct, act: Callable[[], None]) -> None:
        """Do an act, asking first where that is due; while a question stands nothing else is done."""
        if self.dialog is not None:
            return
        if not many.is_asked:
            act()
            return
        dialog = ManyCellsDialog(self._before, many.question, many.present, many.yes)
        dialog.finished.connect(self._on_finished)
        dialog.accepted.connect(act)
        self.dialog = dialog
        dialog.open()

    def close(self) -> None:
        """Take the question away: what it was about is no longer shown."""
        if self.dialog is not None:
            self.dialog.reject()
        super().close()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None
