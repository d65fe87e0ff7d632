"""What a reviewer does to a case. Each act is in the journal on disk before anybody is told of it."""

from __future__ import annotations

from collections.abc import Mapping

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.review.case.cell_edits import CaseReshaping, CellIds
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.events import IMPORTED, Change, Draft, Event, Kind


class CaseActs(CaseReshaping):
    """The reviewer's acts on a case. Use it as `Case`."""

    def set_label(self, cell_ids: CellIds, code: str | None, *, source: str = "reviewer") -> Change | None:
        """Give cells a class, or take a label back with None: one event, however many cells.

        Returns
        -------
        Change or None
            None where nothing changes: the same reviewer gave all of them that class before.

        Raises
        ------
        CaseError
            Where a cell does not exist or the code is no class.
        """
        cells = self._existing_ids(cell_ids)
        if code is not None and code not in CLASSES:
            raise CaseError(f"{code!r} is no class: choose one of {', '.join(CLASSES)}")
        given = self._state.read.labels
        before = [given.get(cell) for cell in cells]
        wanted = (None, None, None) if code is None else (code, self.reviewer, source)
        if all((old and (old.code, old.by, old.source)) == wanted if old else code is None for old in before):
            return None
        kind = Kind.LABEL_CLEARED if code is None else Kind.LABEL_SET
        old = [label and [label.code, label.by, label.at, label.source] for label in before]
        return self._act(Draft(kind, cells, old, code, source))

    def import_labels(self, labels: Mapping[int, str], sha256: str, *, vouch: bool = False) -> Change | None:
        """Take in classes that a file gives: one event and one undo, however many cells.

        Parameters
        ----------
        labels : mapping of int to str
            Code by cell number.
        sha256 : str
            Hash of the file that they are from, hexadecimal.
        vouch : bool
            Whether the reviewer of this case vouches for them, so that they count as reviewed. If not, they
            are shown as imported and lift no warning until a reviewer takes them over; a cell to which a
            reviewer has given a class keeps it.

        Returns
        -------
        Change or None
            None where nothing changes.

        Raises
        ------
        CaseError
            Where a cell does not exist or a code is no class.
        """
        given, source = self._state.labels, "reviewer" if vouch else f"{IMPORTED}:{sha256}"
        new = {}
        for cell, code in labels.items():
            before = given.get(cell)
            same = before is not None and (before.code, before.by, before.source) == (
                code,
                self.reviewer,
                source,
            )
            if not same and (vouch or before is None or before.imported):
                new[cell] = code
        if not new:
            return None
        unknown = sorted(set(new.values()) - set(CLASSES))
        if unknown:
            raise CaseError(f"{unknown[0]!r} is no class: choose one of {', '.join(CLASSES)}")
        cells = self._existing_ids(new)
        own = self._state.read.labels
        old = [(was := own.get(cell)) and [was.code, was.by, was.at, was.source] for cell in cells]
        said = {"codes": [new[cell] for cell in cells], "sha256": sha256}
        return self._act(Draft(Kind.LABELS_IMPORTED, cells, old, said, source))

    def set_tag(self, cell_ids: CellIds, tag: str, on: bool) -> Change | None:
        """Give cells a tag or take it; None where nothing changes.

        Raises
        ------
        CaseError
            Where a cell does not exist or there is no such tag.
        """
        if tag not in TAGS:
            raise CaseError(f"{tag!r} is no tag: choose one of {', '.join(TAGS)}")
        tagged = self._state.read.tags
        cells = tuple(
            cell for cell in self._existing_ids(cell_ids) if (tag in tagged.get(cell, frozenset())) != on
        )
        if not cells:
            return None
        if on:
            return self._act(Draft(Kind.TAG_SET, cells, old=None, new=tag))
        return self._act(Draft(Kind.TAG_CLEARED, cells, old=tag, new=None))

    def set_flag(self, cell_ids: CellIds, on: bool) -> Change | None:
        """Flag cells to be looked at again, or take the flag; None where nothing changes.

        Raises
        ------
        CaseError
            Where a cell does not exist.
        """
        flagged = self._state.read.flags
        cells = tuple(cell for cell in self._existing_ids(cell_ids) if (cell in flagged) != on)
        if not cells:
            return None
        return self._act(Draft(Kind.FLAG_SET if on else Kind.FLAG_CLEARED, cells, new=on))

    def comment(self, cell_id: int | None, text: str) -> Change:
        """Write a remark on a cell, or on the slide with None.

        Raises
        ------
        CaseError
            Where the cell does not exist or the text is empty.
        """
        if not text.strip():
            raise CaseError("an empty comment says nothing: write something")
        cells = () if cell_id is None else self._existing_ids(cell_id)
        return self._act(Draft(Kind.COMMENT, cells, new=text))

    def undo(self) -> Change | None:
        """Take back the last act that a reviewer did; None where there is none.

        The journal keeps the act and adds a line that takes it back, so it works after reopening too.
        """
        return self._turn(Kind.UNDO, self._state.undoable)

    def redo(self) -> Change | None:
        """Repeat the act last taken back, under the name and time it had; None where there is none."""
        return self._turn(Kind.REDO, self._state.redoable)

    def _turn(self, kind: Kind, stack: list[Event]) -> Change | None:
        if not stack:
            return None
        act = stack[-1]
        old, new = (act.new, act.old) if kind is Kind.UNDO else (act.old, act.new)
        return self._act(Draft(kind, act.cells, old, new, refers=act.seq), of=act.kind)
