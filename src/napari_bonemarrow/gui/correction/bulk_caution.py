"""A question before one key changes many cells, so that only the intended cells are changed."""

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
"""One key alone never changes more cells than this: more thumbnails cannot be seen at a glance."""


@dataclass(frozen=True, slots=True)
class BulkAct:
    """An act on the selected cells, in words.

    Attributes
    ----------
    cells : tuple of int
    question : str
        The question.
    yes : str
        Text of the button that confirms it.
    done : str
        Message afterwards.
    concerned : tuple of str
        The codes of the classes that it gives or removes; a critical one always needs a question.
    present : str
        The current classes of the cells, for the question.
    """

    cells: tuple[int, ...]
    question: str
    yes: str
    done: str
    concerned: tuple[str, ...] = ()
    present: str = ""

    @property
    def is_asked(self) -> bool:
        """Return whether it needs a question: more than `MANY` cells, or several with a critical class."""
        several = len(self.cells) > 1
        return len(self.cells) > MANY or (several and not NEVER_IN_BULK.isdisjoint(self.concerned))


def giving(case: Case, cells: Sequence[int], code: str) -> BulkAct:
    """Return the act that gives cells a class; ``""`` removes their labels."""
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
    """Return the act that confirms the current classes of cells, grouped by class."""
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
    """Return the act that adds a tag to cells or removes it."""
    n, name = len(cells), TAGS.get(tag, tag)
    verb = "Tag" if on else "Take the tag off"
    return BulkAct(
        tuple(cells),
        f"{verb} {n} cells: {name}?",
        f"{verb} {n} cells",
        f"{n} cells {'+' if on else '−'} {name}",
    )


def flagging(cells: Sequence[int], on: bool) -> BulkAct:
    """Return the act that flags cells or removes the flag."""
    n = len(cells)
    if on:
        return BulkAct(tuple(cells), f"Flag {n} cells?", f"Flag {n} cells", f"{n} cells flagged")
    return BulkAct(
        tuple(cells), f"Take the flag off {n} cells?", f"Take {n} flags off", f"{n} cells no longer flagged"
    )


def joining(case: Case, cells: Sequence[int]) -> BulkAct:
    """Return the act that merges several cells into one."""
    n, codes = len(cells), _codes(case, cells)
    texts = f"Make one cell of {n}?", f"Join {n} cells", f"{n} cells joined"
    return BulkAct(tuple(cells), *texts, codes if n > MANY else (), present=_present(codes))


def removing(case: Case, cells: Sequence[int]) -> BulkAct:
    """Return the act that removes cells together with reviewers' work on them."""
    n, cells = len(cells), tuple(cells)
    codes = _codes(case, cells) if n > 1 else ()
    return BulkAct(
        cells, f"Remove {n} cells?", f"Remove {n} cells", f"{n} cells removed", codes, present=_present(codes)
    )


def _codes(case: Case, cells: Sequence[int]) -> tuple[str, ...]:
    return tuple(case.effective_code(cell) for cell in cells)


def _present(codes: Sequence[str]) -> str:
    """Return the current classes of cells in words, the most common first."""
    counts = Counter(codes).most_common()
    texts = [f"{count} {code or 'without a class'}" for code, count in counts]
    return f"They are now: {', '.join(texts)}." if texts else ""


class BulkCaution(SmearPart):
    """The caution before an act: done at once, or after a question if it concerns many cells.

    Parameters
    ----------
    session : Session
    before : QWidget
        The window behind the question.
    parent : QObject
    """

    def __init__(self, session: Session, before: QWidget, parent: QObject) -> None:
        super().__init__(session, parent)
        self._before = before
        self.dialog: ManyCellsDialog | None = None

    def over(self, many: BulkAct, act: Callable[[], None]) -> None:
        """Do an act, after a question if it needs one; while a question is open nothing else is done."""
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
        """Close the question, whose cells are no longer shown."""
        if self.dialog is not None:
            self.dialog.reject()
        super().close()

    def _on_finished(self, _result: int) -> None:
        self.dialog = None
