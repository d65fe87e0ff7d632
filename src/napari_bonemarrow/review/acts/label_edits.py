"""Labels of cells by a reviewer: classes, tags, flags and comments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.acts.core import CaseCore, CellIds
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Comment, Draft, Event, Label
from napari_bonemarrow.review.journal.payloads import ImportedLabels, LabelRows
from napari_bonemarrow.review.journal.sources import IMPORTED
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State


class LabelEdits:
    """The classes, tags, flags and comments that a reviewer gives cells."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    def set_label(self, cell_ids: CellIds, code: str | None, *, source: str = "reviewer") -> Change | None:
        """Give cells a class, or remove their labels with None: one event for all cells.

        Returns
        -------
        Change or None
            None if nothing changes: the same reviewer gave all of them that class before.

        Raises
        ------
        CaseError
            If a cell does not exist or the code is not a class.
        """
        cells = self._core.existing_ids(cell_ids)
        if code is not None and code not in CLASSES:
            raise CaseError(f"{code!r} is not a class: choose one of {', '.join(CLASSES)}")
        given = self._state.read.labels
        before = [given.get(cell) for cell in cells]
        wanted = (None, None, None) if code is None else (code, self._core.reviewer, source)
        if all((old and (old.code, old.by, old.source)) == wanted if old else code is None for old in before):
            return None
        kind = EventKind.LABEL_CLEARED if code is None else EventKind.LABEL_SET
        old = [_row(label) for label in before]
        return self._core.act(Draft(kind, cells, old, code, source))

    def import_labels(self, labels: Mapping[int, str], sha256: str, *, vouch: bool = False) -> Change | None:
        """Import the classes in a file: one event and one undo for all cells.

        Parameters
        ----------
        labels : mapping of int to str
            Code by cell number.
        sha256 : str
            Hash of the file, hexadecimal.
        vouch : bool
            Whether the reviewer of this case vouches for them, so that they count as reviewed. If not, they
            are shown as imported and lift no warning until a reviewer confirms them; a cell to which a
            reviewer has given a class keeps it.

        Returns
        -------
        Change or None
            None where nothing changes.

        Raises
        ------
        CaseError
            If a cell does not exist or a code is not a class.
        """
        given, source = self._state.labels, "reviewer" if vouch else f"{IMPORTED}:{sha256}"
        new = {}
        for cell, code in labels.items():
            before = given.get(cell)
            same = before is not None and (before.code, before.by, before.source) == (
                code,
                self._core.reviewer,
                source,
            )
            if not same and (vouch or before is None or before.imported):
                new[cell] = code
        if not new:
            return None
        unknown = sorted(set(new.values()) - set(CLASSES))
        if unknown:
            raise CaseError(f"{unknown[0]!r} is not a class: choose one of {', '.join(CLASSES)}")
        cells = self._core.existing_ids(new)
        own = self._state.read.labels
        old = [_row(own.get(cell)) for cell in cells]
        said: ImportedLabels = {"codes": [new[cell] for cell in cells], "sha256": sha256}
        return self._core.act(Draft(EventKind.LABELS_IMPORTED, cells, old, said, source))

    def set_tag(self, cell_ids: CellIds, tag: str, on: bool) -> Change | None:
        """Add a tag to cells or remove it; None if nothing changes.

        Raises
        ------
        CaseError
            If a cell does not exist or there is no such tag.
        """
        if tag not in TAGS:
            raise CaseError(f"{tag!r} is not a tag: choose one of {', '.join(TAGS)}")
        tagged = self._state.read.tags
        cells = tuple(
            cell for cell in self._core.existing_ids(cell_ids) if (tag in tagged.get(cell, frozenset())) != on
        )
        if not cells:
            return None
        if on:
            return self._core.act(Draft(EventKind.TAG_SET, cells, old=None, new=tag))
        return self._core.act(Draft(EventKind.TAG_CLEARED, cells, old=tag, new=None))

    def set_flag(self, cell_ids: CellIds, on: bool) -> Change | None:
        """Flag cells to be looked at again, or remove the flag; None if nothing changes.

        Raises
        ------
        CaseError
            If a cell does not exist.
        """
        flagged = self._state.read.flags
        cells = tuple(cell for cell in self._core.existing_ids(cell_ids) if (cell in flagged) != on)
        if not cells:
            return None
        return self._core.act(Draft(EventKind.FLAG_SET if on else EventKind.FLAG_CLEARED, cells, new=on))

    @property
    def comments(self) -> tuple[Comment, ...]:
        """Return every comment, oldest first; in a blind reading only its own."""
        reads = (self._state.read,) if self._state.blind else self._state.visible_reads()
        said = [comment for read in reads for comment in read.comments]
        return tuple(said if len(reads) == 1 else sorted(said, key=lambda comment: comment.at))

    def comment(self, cell_id: int | None, text: str) -> Change:
        """Write a comment on a cell, or on the slide with None.

        Raises
        ------
        CaseError
            If the cell does not exist or the text is empty.
        """
        if not text.strip():
            raise CaseError("an empty comment says nothing: write something")
        cells = () if cell_id is None else self._core.existing_ids(cell_id)
        return self._core.act(Draft(EventKind.COMMENT, cells, new=text))


def _row(label: Label | None) -> list[str] | None:
    """Return a label as the journal keeps it."""
    return None if label is None else [label.code, label.by, label.at, label.source]


def _apply_label(state: State, event: Event) -> None:
    old: LabelRows = event.old
    if len(old) != len(event.cells):
        raise ValueError(f"line {event.seq} does not say what each cell was before")
    if event.new is None:
        state.label(event.cells, [None] * len(event.cells))
    else:
        state.label_all(event.cells, Label(event.new, event.reviewer, event.at, event.source))


def _apply_import(state: State, event: Event) -> None:
    new: ImportedLabels = event.new
    if not len(event.cells) == len(event.old) == len(new["codes"]):
        raise ValueError(f"line {event.seq} does not say of each cell what it is and was")
    by, at, source = event.reviewer, event.at, event.source
    state.label(event.cells, [Label(code, by, at, source) for code in new["codes"]])


def _revert_label(state: State, event: Event) -> None:
    old: LabelRows = event.old
    state.label(event.cells, [None if row is None else Label(*row) for row in old])


def _set_tag(on: bool, state: State, event: Event) -> None:
    state.tag(event.cells, event.old or event.new, on)


def _set_flag(on: bool, state: State, event: Event) -> None:
    state.flag(event.cells, on)


def _add_comment(state: State, event: Event) -> None:
    cell = event.cells[0] if event.cells else None
    state.read.comments.append(Comment(cell, event.new, event.reviewer, event.at))


EFFECTS: Effects = {
    EventKind.LABEL_SET: Effect(_apply_label, _revert_label),
    EventKind.LABEL_CLEARED: Effect(_apply_label, _revert_label),
    EventKind.LABELS_IMPORTED: Effect(_apply_import, _revert_label),
    EventKind.TAG_SET: Effect(partial(_set_tag, True), partial(_set_tag, False)),
    EventKind.TAG_CLEARED: Effect(partial(_set_tag, False), partial(_set_tag, True)),
    EventKind.FLAG_SET: Effect(partial(_set_flag, True), partial(_set_flag, False)),
    EventKind.FLAG_CLEARED: Effect(partial(_set_flag, False), partial(_set_flag, True)),
    EventKind.COMMENT: Effect(_add_comment),
}
