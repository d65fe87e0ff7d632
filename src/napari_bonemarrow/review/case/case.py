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
    CountingProfile,
    CountingRules,
    Differential,
    Frame,
    Predictions,
)
from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.review.acts.bulk import BulkAcceptance
from napari_bonemarrow.review.acts.cell_edits import CellEdits
from napari_bonemarrow.review.acts.core import CaseCore, CellIds
from napari_bonemarrow.review.acts.counting import Counting
from napari_bonemarrow.review.acts.detection import Detection
from napari_bonemarrow.review.acts.findings import Findings
from napari_bonemarrow.review.acts.fold import apply, open_journal
from napari_bonemarrow.review.acts.label_edits import LabelEdits
from napari_bonemarrow.review.acts.learning import Learning
from napari_bonemarrow.review.acts.model_output import ModelOutput
from napari_bonemarrow.review.acts.readings import Readings
from napari_bonemarrow.review.acts.sample_review import SampleReview
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
from napari_bonemarrow.review.journal.events import Change, Label, Verification
from napari_bonemarrow.review.journal.journal import Journal
from napari_bonemarrow.review.journal.journal_json import SlideRecord, scale_from_json
from napari_bonemarrow.review.journal.payloads import FirstLine, Predecessor
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.review.journal.write_lock import user_name
from napari_bonemarrow.review.state.cell_columns import CaseColumns
from napari_bonemarrow.review.state.state import State
from napari_bonemarrow.review.state.statistics import Statistics

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Scale, Slide


class Case:
    """A case, open for review or for reading.

    Make one with `Case.create` or `Case.open` and close it, or use it in a ``with`` block. Its shared
    properties (``cells``, ``predictions``, ``labels``, ``tags``, …) are a fold of the journal; each act is on
    the disk before ``changed`` is emitted. A case belongs to the thread that opened it.

    Attributes
    ----------
    slide_file : SlideFile
        The file of the slide.
    sampling : Sampling
        Scale, ranked regions and frame.
    counting : Counting
        The counting profile.
    detection : Detection
        The search for cells.
    model : ModelOutput
        Predictions, features and map.
    learning : Learning
        What reviewed cells teach about the others.
    sample : SampleReview
        The review of a random sample.
    edits : LabelEdits
        Classes, tags, flags and comments.
    bulk : BulkAcceptance
        Acceptance of the model's guesses by a rule.
    cell_edits : CellEdits
        Cells added, removed, split or merged.
    tally : Tally
        Counting by eye.
    findings : Findings
        Findings in words.
    readings : Readings
        Two readings, and the settling of their disagreements.
    statistics : Statistics
        Counts of the cells.
    sign_off : SignOff
        Signatures and amendments.
    history : History
        The lines of the journal.
    view_memory : ViewMemory
        The last view of the window.
    """

    def __init__(
        self, journal: Journal, state: State, reviewer: str, trouble: Verification | None = None
    ) -> None:
        core = CaseCore(journal, state, reviewer, apply)
        self._core, self._state, self._trouble = core, state, trouble
        self._stack = UndoStack(core)
        self.slide_file = SlideFile(core)
        self.sampling = Sampling(core)
        self.counting = Counting(core)
        self.detection = Detection(core)
        self.model = ModelOutput(core)
        self.learning = Learning(core)
        self.sample = SampleReview(core)
        self.edits = LabelEdits(core)
        self.bulk = BulkAcceptance(core)
        self.cell_edits = CellEdits(core)
        self.tally = Tally(core, self._stack)
        self.findings = Findings(core)
        self.readings = Readings(core)
        self.statistics = Statistics(state)
        self.sign_off = SignOff(core, self.statistics, self.readings, self.sample)
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
            Path of the case; see `case_path_for`. A missing folder is created.
        slide : Slide
            Its scale is used if it has one.
        reviewer : str
            Name of the reviewer; the operating system's user if empty.
        before : Predecessor, optional
            The case of this slide that was started over: ``case``, ``file`` and ``head``, its last hash.
        anonymous : bool
            Record no name of a file or folder: the slide is named by its fingerprint, its fields by their
            numbers. It is then found only next to the case, or by a path that the user gives.

        Raises
        ------
        CaseError
            If the file exists or cannot be written, or the name of the slide is no text.
        """
        path = Path(path).absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CaseError(f"cannot make the folder {path.parent}: {error.strerror}") from error
        reviewer = reviewer.strip() or user_name()
        try:
            Journal.create(path, first_line(slide, path, before, anonymous=anonymous), reviewer)
        except UnicodeEncodeError as error:
            raise CaseError(f"{path}: its slide's name or folder is no UTF-8: rename it") from error
        return cls.open(path, reviewer=reviewer)

    @classmethod
    def open(
        cls, path: Path | str, *, reviewer: str = "", read_only: bool = False, take_over: bool = False
    ) -> Self:
        """Open a case and verify its chain of hashes.

        Parameters
        ----------
        path : Path or str
        reviewer : str
            Name under which acts are written; the operating system's user if empty.
        read_only : bool
            Read the current content, even while another person reviews the case, its chain is broken, or it
            holds a line that was not allowed: then the state before that line is shown, and `distrust` gives
            the reason.
        take_over : bool
            Write even though a process on another computer holds the case. Use it only if that process is
            known to have ended, since this cannot be checked on another computer.

        Raises
        ------
        CaseError
            If it is not a case, was written by a newer version, is held by another process, cannot be
            written, was changed by hand, or holds a line that this program would not have written; unless it
            is read-only, also if an earlier version laid out the photographs of its folder differently.
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
        """Close this case, rename its file, and begin a new case in its place.

        Parameters
        ----------
        slide : Slide
            The slide of this case. A scale that its file stated when the case was begun is kept; one
            that a user gave, or an estimate, is not.

        Returns
        -------
        Case, Path
            The new case, whose first line names this one, and the new path of this one.

        Raises
        ------
        CaseError
            If this case is read-only or cannot be renamed. It is then closed and unchanged.
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
        """Close the file, leaving one file without a log next to it."""
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
        """Return the path of the case file."""
        return self._core.path

    @property
    def case_id(self) -> str:
        """Return the unique identifier of the case, from its first line."""
        return self._state.case_id

    @property
    def read_only(self) -> bool:
        """Return whether acts are refused."""
        return self._core.journal.read_only

    @property
    def reviewer(self) -> str:
        """Return the name under which acts are written."""
        return self._core.reviewer

    @reviewer.setter
    def reviewer(self, name: str) -> None:
        self._core.reviewer = name

    @property
    def changed(self) -> SignalInstance:
        """Return the signal emitted with a `Change` after an act is on the disk."""
        return self._core.changed

    @property
    def verification(self) -> Verification:
        """Return whether the journal was intact and all its lines allowed when the case was opened."""
        return self._trouble or self._core.journal.verification

    @property
    def distrust(self) -> str:
        """Return in one line, for every page, why this case must not be relied on; empty if it may be.

        The case then shows something other than was signed, or than this program wrote.
        """
        found = self.verification
        return "" if found.ok else message("Do not rely on this case: {why}.", why=found.text)

    def verify(self) -> Verification:
        """Verify the current file on the disk against its chain of hashes.

        This detects a change, and a line that this program would not have written, such as one
        after a signature, but not who wrote a line.
        """
        found = self._core.journal.verify()
        return self._trouble or found if found.ok else found

    # the sample ------------------------------------------------------------------------------

    @property
    def slide_record(self) -> SlideRecord:
        """Return the record of the case's slide."""
        return self._core.slide_record

    @property
    def scale(self) -> Scale | None:
        """Return the physical scale and its source, None until it is confirmed."""
        return self._state.scale

    @property
    def microns_per_pixel(self) -> float | None:
        """Return the µm per level-0 pixel, or None."""
        return None if self._state.scale is None else self._state.scale.microns_per_pixel

    @property
    def frame(self) -> Frame | None:
        """Return the counting frame, None until it is set."""
        return self._state.frame

    @property
    def target(self) -> int:
        """Return the number of cells to be counted."""
        return self._state.target

    # the cells ------------------------------------------------------------------------------------

    @property
    def cells(self) -> Cells:
        """Return the existing cells, including added ones, by ascending number."""
        return self._core.cells

    @property
    def predictions(self) -> Predictions | None:
        """Return what predicts now for the existing cells, by ascending cell number.

        It is the last model's output, or that with what reviewed cells taught; see `Learning`.

        None before the first prediction, and in a blind reading.
        """
        return self._core.predictions

    @property
    def labels(self) -> Mapping[int, Label]:
        """Return the labels of existing cells, by cell number; the mapping follows the case.

        They are those of the active reading. While two readings are settled, and after, they are the
        settled labels, over those of the two readers.
        """
        return MappingProxyType(self._state.read.shown)

    @property
    def tags(self) -> Mapping[int, frozenset[str]]:
        """Return the tags of existing cells that carry any, by cell number; the mapping follows the case."""
        return MappingProxyType(self._state.read.tags)

    @property
    def flags(self) -> frozenset[int]:
        """Return the existing cells that are flagged to be looked at again."""
        return frozenset(self._state.read.flags)

    def has_cell(self, cell_id: int) -> bool:
        """Return whether a cell exists."""
        row = self._state.table.row(cell_id)
        return row >= 0 and bool(self._state.table.present[row])

    def effective_code(self, cell_id: int) -> str:
        """Return a cell's class: its label, else the model's first guess, else ``""``.

        Raises
        ------
        CaseError
            If the cell does not exist.
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
        """Return which of `cells` have a reviewer's class, shape (n,); imported classes do not count."""
        return self._state.table.reviewed[self._state.table.present]

    def table_view(self) -> CaseColumns:
        """Return every cell's current columns, in the order of `cells`."""
        return self._core.columns()

    # readings and signatures ----------------------------------------------------------------------

    @property
    def reading(self) -> int:
        """Return the number of the active reading: 1 the first, 2 the second, 3 the settling one."""
        return self._state.reading

    @property
    def is_blind(self) -> bool:
        """Return whether the active reading is the second, without guesses and the first reader's work."""
        return self._state.blind

    @property
    def signature(self) -> Signature | None:
        """Return the signature in force, or None."""
        return self._state.signature

    @property
    def is_signed(self) -> bool:
        """Return whether the case is frozen by a signature."""
        return self._state.signature is not None

    # the acts and counts that scripts use most; the others belong to their part ------------

    def set_label(self, cell_ids: CellIds, code: str | None, *, source: str = "reviewer") -> Change | None:
        """Give cells a class, or remove their labels with None; see `LabelEdits.set_label`."""
        return self.edits.set_label(cell_ids, code, source=source)

    def set_tag(self, cell_ids: CellIds, tag: str, on: bool) -> Change | None:
        """Add a tag to cells or remove it; see `LabelEdits.set_tag`."""
        return self.edits.set_tag(cell_ids, tag, on)

    @property
    def can_undo(self) -> bool:
        """Return whether there is an act to take back."""
        return self._stack.can_undo

    @property
    def can_redo(self) -> bool:
        """Return whether there is an act to repeat."""
        return self._stack.can_redo

    def undo(self) -> Change | None:
        """Take back a reviewer's last act; None if there is none."""
        return self._stack.undo()

    def redo(self) -> Change | None:
        """Repeat the act last taken back, with its name and time; None if there is none."""
        return self._stack.redo()

    def differential(self, rules: CountingRules | CountingProfile | None = None) -> Differential:
        """Count the cells in the frame by their effective class; see `Statistics.differential`."""
        return self.statistics.differential(rules)

    def sign(
        self, name: str, reason: str = "", key: SigningKey | None = None, timestamp: Stamp | None = None
    ) -> Change:
        """Sign the count; the case refuses every other act until an amendment. See `SignOff.sign`."""
        return self.sign_off.sign(name, reason, key, timestamp)
