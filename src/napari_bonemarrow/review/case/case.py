"""A case: one file that holds a slide's cells, predictions and every act of its reviewers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalInstance

from napari_bonemarrow.cytology import (
    CODES,
    Cells,
    CountingRules,
    Differential,
    Frame,
    Predictions,
)
from napari_bonemarrow.review.acts.bulk import BulkAcceptance
from napari_bonemarrow.review.acts.cell_edits import CellEdits
from napari_bonemarrow.review.acts.core import CaseCore, CellIds
from napari_bonemarrow.review.acts.detection import Detection
from napari_bonemarrow.review.acts.fold import apply, open_journal
from napari_bonemarrow.review.acts.label_edits import LabelEdits
from napari_bonemarrow.review.acts.model_output import ModelOutput
from napari_bonemarrow.review.acts.readings import Readings
from napari_bonemarrow.review.acts.sampling import Sampling
from napari_bonemarrow.review.acts.sign_off import SignOff, Stamp
from napari_bonemarrow.review.acts.slide_file import SlideFile, first_line
from napari_bonemarrow.review.acts.tally import Tally
from napari_bonemarrow.review.acts.undo_stack import UndoStack
from napari_bonemarrow.review.case.case_path import set_aside
from napari_bonemarrow.review.case.history import History
from napari_bonemarrow.review.case.view_memory import ViewMemory
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.signing_key import SigningKey
from napari_bonemarrow.review.journal.event_specs import FirstLine, Predecessor
from napari_bonemarrow.review.journal.events import Change, Label, Verification
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.journal_json import SlideRecord, scale_from_json
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.journal.write_lock import user_name
from napari_bonemarrow.review.state.cell_columns import CaseColumns
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import Statistics

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale, Slide


class Case:
    """A case, open for review or for reading.

    Make one with `Case.create` or `Case.open` and close it, or use it in a ``with`` block. What is read
    everywhere (``cells``, ``predictions``, ``labels``, ``tags``, …) is a fold of the journal; each act is on
    the disk before ``changed`` is emitted. A case belongs to the thread that opened it.

    Attributes
    ----------
    slide_file : SlideFile
        Where the slide lies.
    sampling : Sampling
        Scale, ranked regions and frame.
    detection : Detection
        The search for cells.
    model : ModelOutput
        Predictions, features and map.
    edits : LabelEdits
        Classes, tags, flags and comments.
    bulk : BulkAcceptance
        Accepting the model's word by a rule.
    cell_edits : CellEdits
        Cells added, removed, split or merged.
    tally : Tally
        Counting by eye.
    readings : Readings
        Two readers, and the settling of where they differ.
    statistics : Statistics
        What the cells add up to.
    sign_off : SignOff
        Signatures and amendments.
    history : History
        The lines of the journal.
    view_memory : ViewMemory
        What the window showed last.
    """

    def __init__(
        self, journal: Journal, state: State, reviewer: str, trouble: Verification | None = None
    ) -> None:
        core = CaseCore(journal, state, reviewer, apply)
        self._core, self._state, self._trouble = core, state, trouble
        self._stack = UndoStack(core)
        self.slide_file = SlideFile(core)
        self.sampling = Sampling(core)
        self.detection = Detection(core)
        self.model = ModelOutput(core)
        self.edits = LabelEdits(core)
        self.bulk = BulkAcceptance(core)
        self.cell_edits = CellEdits(core)
        self.tally = Tally(core, self._stack)
        self.readings = Readings(core)
        self.statistics = Statistics(state)
        self.sign_off = SignOff(core, self.statistics, self.readings)
        self.history = History(core)
        self.view_memory = ViewMemory(core)

    @classmethod
    def create(
        cls,
        path: Path | str,
        slide: Slide,
        *,
        reviewer: str,
        before: Predecessor | None = None,
        anonymous: bool = False,
    ) -> Self:
        """Start a case.

        Parameters
        ----------
        path : Path or str
            Where; see `case_path_for`. Its folder is made if it is missing.
        slide : Slide
            Its scale is taken over where it has one.
        reviewer : str
            Who reviews; the operating system's user where it is empty.
        before : Predecessor, optional
            The case of this slide that was started over: ``case``, ``file`` and ``head``, its last hash.
        anonymous : bool
            Keep no name of a file or folder: the slide is called by its fingerprint, its fields by their
            numbers. It is then found only beside the case, or where somebody says it is.

        Raises
        ------
        CaseError
            Where the file exists or cannot be written.
        """
        path = Path(path).absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CaseError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        reviewer = reviewer.strip() or user_name()
        Journal.create(path, first_line(slide, path, before, anonymous=anonymous), reviewer)
        return cls.open(path, reviewer=reviewer)

    @classmethod
    def open(
        cls, path: Path | str, *, reviewer: str = "", read_only: bool = False, take_over: bool = False
    ) -> Self:
        """Open a case and check it against its chain of hashes.

        Parameters
        ----------
        path : Path or str
        reviewer : str
            Under whose name acts are written; the operating system's user where it is empty.
        read_only : bool
            Read what is there now, also while somebody else reviews the case, its chain is broken, or it
            holds a line that was not allowed: then what stood before that line is shown, and `distrust` says
            why.
        take_over : bool
            Write even though a process on another computer holds the case. Only when that is known to be
            gone: of another computer nobody can tell.

        Raises
        ------
        CaseError
            Where it is not a case, was written by a newer version, is held by somebody else, cannot be
            written, was changed by hand, or holds a line that this program would not have written; unless it
            is only read, also where an earlier version laid the photographs of its folder out otherwise.
        """
        journal, state, trouble = open_journal(Path(path).absolute(), read_only, take_over)
        case = cls(journal, state, reviewer.strip() or user_name(), trouble)
        try:
            if not read_only:
                case.slide_file.check_layout()
        except CaseError:
            case.close()
            raise
        return case

    def start_over(self, slide: Slide) -> tuple[Self, Path]:
        """Close this case, keep its file under another name, and begin a new case in its place.

        Parameters
        ----------
        slide : Slide
            The slide of this case. A scale that its file stated when the case was begun is taken over; one
            that somebody gave, or an estimate, is not.

        Returns
        -------
        Case, Path
            The new case, whose first line names this one, and where this one lies now.

        Raises
        ------
        CaseError
            Where this case is read-only or cannot be renamed. It is closed all the same, and as it was.
        """
        if self.read_only:
            raise CaseError(f"{self.path.name} is open to look at only, so it cannot be started over")
        first: FirstLine = self.history.events()[0].new
        stated = None if first["scale"] is None else scale_from_json(first["scale"])
        if stated is not None and stated.source != "file":
            stated = None
        head = self.history.last.hash
        self.close()
        kept = set_aside(self.path)
        before: Predecessor = {"case": first["case"], "file": kept.name, "head": head}
        try:
            new = type(self).create(
                self.path, slide.with_scale(stated), reviewer=self.reviewer, before=before
            )
        except CaseError:
            kept.rename(self.path)
            raise
        return new, kept

    def close(self) -> None:
        """Let go of the file; it is one file then, without a log beside it."""
        self._core.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # the file -------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The case file."""
        return self._core.path

    @property
    def read_only(self) -> bool:
        """Whether acts are refused."""
        return self._core.journal.read_only

    @property
    def reviewer(self) -> str:
        """Under whose name acts are written."""
        return self._core.reviewer

    @reviewer.setter
    def reviewer(self, name: str) -> None:
        self._core.reviewer = name

    @property
    def changed(self) -> SignalInstance:
        """Emitted after an act is on the disk, with a `Change`."""
        return self._core.changed

    @property
    def verification(self) -> Verification:
        """Whether the journal is as it was written, and all of it allowed, as found on opening the case."""
        return self._trouble or self._core.journal.verification

    @property
    def distrust(self) -> str:
        """Why this case is to be looked at only, in one line for every page of it; empty where all is well.

        What the case shows is then not what was signed, or not what this program wrote.
        """
        found = self.verification
        return "" if found.ok else f"Do not rely on this case: {found.text}."

    def verify(self) -> Verification:
        """Check the file against its chain of hashes, as it stands on the disk now.

        The chain makes a change evident, and a line that this program would not have written, such as one
        after a signature. Who wrote a line it does not tell.
        """
        found = self._core.journal.verify()
        return self._trouble or found if found.ok else found

    # what is counted ------------------------------------------------------------------------------

    @property
    def slide_record(self) -> SlideRecord:
        """The slide that the case is about."""
        return self._core.slide_record

    @property
    def scale(self) -> Scale | None:
        """The physical scale and who said it, None until it is confirmed."""
        return self._state.scale

    @property
    def microns_per_pixel(self) -> float | None:
        """µm per level-0 pixel, or None."""
        return None if self._state.scale is None else self._state.scale.microns_per_pixel

    @property
    def frame(self) -> Frame | None:
        """What is counted, None until it is set."""
        return self._state.frame

    @property
    def target(self) -> int:
        """How many cells are to be counted."""
        return self._state.target

    # the cells ------------------------------------------------------------------------------------

    @property
    def cells(self) -> Cells:
        """The cells that exist, added ones among them, by ascending number."""
        return self._core.cells

    @property
    def predictions(self) -> Predictions | None:
        """What the last model said of the cells that exist, by ascending cell number.

        None before any, and in a blind reading.
        """
        return self._core.predictions

    @property
    def labels(self) -> Mapping[int, Label]:
        """The labels of cells that exist, by cell number; it follows the case.

        They are those of the active reading. While two readings are settled, and after, they are what was
        settled, on top of what the two readers say.
        """
        return MappingProxyType(self._state.read.shown)

    @property
    def tags(self) -> Mapping[int, frozenset[str]]:
        """The tags of cells that exist and carry any, by cell number; it follows the case."""
        return MappingProxyType(self._state.read.tags)

    @property
    def flags(self) -> frozenset[int]:
        """The cells that exist and are flagged to be looked at again."""
        return frozenset(self._state.read.flags)

    def has_cell(self, cell_id: int) -> bool:
        """Tell whether a cell exists."""
        row = self._state.table.row(cell_id)
        return row >= 0 and bool(self._state.table.present[row])

    def effective_code(self, cell_id: int) -> str:
        """Return a cell's class: its label, else what the model puts first, else ``""``.

        Raises
        ------
        CaseError
            Where there is no such cell.
        """
        if not self.has_cell(cell_id):
            raise CaseError(f"{self.path.name} has no cell {cell_id}")
        table = self._state.table
        return CODES[int(table.code[table.row(cell_id)])]

    def effective_codes(self) -> list[str]:
        """Return the class of each cell in `cells`, in their order."""
        table = self._state.table
        return [CODES[number] for number in table.code[table.present].tolist()]

    def reviewed(self) -> NDArray[np.bool_]:
        """Tell which of `cells` a reviewer has given a class, shape (n,); one that came with data is none."""
        return self._state.table.reviewed[self._state.table.present]

    def table_view(self) -> CaseColumns:
        """Return every cell's columns as they are now, in the order of `cells`."""
        return self._core.columns()

    # readings and signatures ----------------------------------------------------------------------

    @property
    def reading(self) -> int:
        """Number of the active reading: 1 the first, 2 the second, 3 the settling one."""
        return self._state.reading

    @property
    def is_blind(self) -> bool:
        """Whether the active reading is the second, which sees no guesses and nothing of the first."""
        return self._state.blind

    @property
    def signature(self) -> Signature | None:
        """The signature in force, None where there is none."""
        return self._state.signature

    @property
    def is_signed(self) -> bool:
        """Whether the case is frozen by a signature."""
        return self._state.signature is not None

    # the acts and counts that scripts use most; the others are called through their part ------------

    def set_label(self, cell_ids: CellIds, code: str | None, *, source: str = "reviewer") -> Change | None:
        """Give cells a class, or take a label back with None; see `LabelEdits.set_label`."""
        return self.edits.set_label(cell_ids, code, source=source)

    def set_tag(self, cell_ids: CellIds, tag: str, on: bool) -> Change | None:
        """Give cells a tag or take it; see `LabelEdits.set_tag`."""
        return self.edits.set_tag(cell_ids, tag, on)

    @property
    def can_undo(self) -> bool:
        """Whether there is an act to take back."""
        return self._stack.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is an act to repeat."""
        return self._stack.can_redo

    def undo(self) -> Change | None:
        """Take back the last act that a reviewer did; None where there is none."""
        return self._stack.undo()

    def redo(self) -> Change | None:
        """Repeat the act last taken back, under the name and time it had; None where there is none."""
        return self._stack.redo()

    def differential(self, rules: CountingRules | None = None) -> Differential:
        """Count the cells in the frame by their effective class; see `Statistics.differential`."""
        return self.statistics.differential(rules)

    def sign(
        self, name: str, reason: str = "", key: SigningKey | None = None, timestamp: Stamp | None = None
    ) -> Change:
        """Sign the count; the case takes no other act until an amendment. See `SignOff.sign`."""
        return self.sign_off.sign(name, reason, key, timestamp)
