"""What the reviewed cells of a case have taught, as the journal says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES, Features, ModelReference, Predictions, Support
from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.estimation import CrossFitted, SamplePlan
from napari_bonemarrow.learning.cross_fitting import cross_fit
from napari_bonemarrow.learning.learner import LearningMemory, learn
from napari_bonemarrow.learning.records import LearningInput, Learnt, Predictor
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Event, digest_of
from napari_bonemarrow.review.state.guesses import Guesses

if TYPE_CHECKING:
    from napari_bonemarrow.learning.serving_head import ServingHead
    from napari_bonemarrow.review.journal.arrays import Blob
    from napari_bonemarrow.review.journal.payloads import LearntPayload
    from napari_bonemarrow.review.state.cell_table import CellTable
    from napari_bonemarrow.review.state.feature_store import FeatureStore
    from napari_bonemarrow.review.state.sample_state import SampleState


class PredictedCells(Protocol):
    """The part of a `State` that is learnt from."""

    blob: Blob
    table: CellTable
    feature_store: FeatureStore
    model: ModelReference | None
    classes: tuple[str, ...]
    support: Mapping[str, Support]
    sample: SampleState | None

    def catch_up(self) -> None:
        """Update the table with the acts replayed so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """The cells to learn from, in the order in which they got their classes.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (m,)
    number : ndarray of int8, shape (m,)
        Their classes, as indices of `CODES`.
    """

    cell_id: NDArray[np.int64]
    number: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.cell_id)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of numbers and codes."""
        codes = np.array(CODES, "S8")[self.number]
        return digest_of(self.cell_id.astype("<i8").tobytes() + codes.tobytes())

    def select(self, which: NDArray[np.bool_]) -> Labelled:
        """Return some of them."""
        return Labelled(self.cell_id[which], self.number[which])


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Predictions with what was taught, ready to be shown.

    Attributes
    ----------
    learnt : Learnt
    guesses : Guesses or None
        Of every row of the table; None while what was taught does not serve.
    cross_fitted : CrossFitted or None
        Of the cells of a sample under review; None without one, or with few labels.
    """

    learnt: Learnt
    guesses: Guesses | None
    cross_fitted: CrossFitted | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Everything that one learning needs; made on the case's thread, learnt on any.

    Attributes
    ----------
    given : LearningInput
    through : int
        The last line of the journal whose labels it holds.
    digest : str
        SHA-256 of its labels.
    table_ids : ndarray of int64
        The rows of the table.
    bundle : Guesses
        The bundle's predictions of these rows.
    sample : SamplePlan or None
        The sample under review, whose estimate is corrected by what is learnt.
    """

    given: LearningInput
    through: int
    digest: str
    table_ids: NDArray[np.int64]
    bundle: Guesses
    sample: SamplePlan | None = None

    def learn(self, memory: LearningMemory | None = None) -> Taught:
        """Learn; ``memory`` only saves time."""
        memory = LearningMemory() if memory is None else memory
        learnt, cross_fitted = learn(self.given, memory), self._cross_fitted(memory)
        if not learnt.serves:
            return Taught(learnt, None, cross_fitted)
        guesses = self.bundle.widened(learnt.classes)
        guesses.write(rows_of(self.table_ids, learnt.cell_id), learnt.probabilities)
        return Taught(learnt, guesses, cross_fitted)

    def _cross_fitted(self, memory: LearningMemory) -> CrossFitted | None:
        if self.sample is None:
            return None
        found = cross_fit(self.given, self.sample.cell_id, memory)
        if found is None:
            return None
        return CrossFitted.of(self.sample, found.cell_id, found.probabilities, found.classes)


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What stays the same from label to label: features, bundle, diameters of the cells to predict."""

    existing: NDArray[np.int64]
    found: Features
    bundle_rows: Guesses
    version: int
    features: Features
    bundle: Predictions
    diameter_um: NDArray[np.float32]

    def holds(self, existing: NDArray[np.int64], found: Features, rows: Guesses) -> bool:
        """Return whether it is still that of a case."""
        same = self.existing is existing and self.found is found and self.bundle_rows is rows
        return same and self.version == rows.version


class LearningState:
    """What was taught, and whether it is used.

    Attributes
    ----------
    on : bool
        Whether the user lets what was taught predict.
    laboratory : ServingHead or None
        The head that this case begins with.
    laboratory_name : str
        Its name; empty without one.
    learnt : Learnt or None
        The last result.
    through : int
        The line up to which labels were learnt; 0 before the first.
    digest : str
        Of those labels.
    learnt_with : Predictor or None
        The head that the last result began with.
    guesses : Guesses or None
        What the last result predicts; None if it does not serve.
    cross_fitted : CrossFitted or None
        What the last result says of the cells of a sample under review.
    pending : tuple or None
        The lesson and the result that the line being written records.
    changed : ndarray of int64
        The cells whose first guess the last act changed.
    """

    def __init__(self) -> None:
        self.on = True
        self.laboratory: ServingHead | None = None
        self.laboratory_name = ""
        self.learnt: Learnt | None = None
        self.through = 0
        self.digest = ""
        self.learnt_with: Predictor | None = None
        self.guesses: Guesses | None = None
        self.cross_fitted: CrossFitted | None = None
        self.pending: tuple[Lesson, Taught] | None = None
        self.changed: NDArray[np.int64] = np.empty(0, np.int64)
        self._ground: _Ground | None = None
        self._needed: frozenset[int] = frozenset()
        self._wanted: frozenset[int] = frozenset()
        self._noted: dict[int, Labelled] = {}

    def forget(self) -> None:
        """Begin again, with another bundle or other features; the journal keeps what was said before."""
        self.learnt, self.guesses, self.cross_fitted, self._ground = None, None, None, None
        self.through, self.digest = 0, ""

    def take(self, state: PredictedCells, lesson: Lesson, taught: Taught) -> None:
        """Take the result of a lesson, and show it."""
        self.learnt, self.guesses = taught.learnt, taught.guesses
        self.cross_fitted = taught.cross_fitted
        self.through, self.digest = lesson.through, lesson.digest
        self.learnt_with = lesson.given.laboratory
        self.show(state)

    @property
    def correction(self) -> CrossFitted | None:
        """Return what corrects the estimate of a sample, also where the last result does not serve.

        None while learning is off.
        """
        return self.cross_fitted if self.on else None

    def show(self, state: PredictedCells) -> None:
        """Show what predicts now in the table."""
        self.changed = state.table.teach(self.guesses if self.on else None)

    def lesson(self, state: PredictedCells, existing: NDArray[np.int64], through: int) -> Lesson | None:
        """Return what there is to learn now; None without features and predictions of one bundle."""
        sampled = state.sample is not None and not state.sample.widened
        return self._lesson(state, existing, through, labelled_in(state), sampled)

    def _lesson(
        self,
        state: PredictedCells,
        existing: NDArray[np.int64],
        through: int,
        labelled: Labelled,
        sampled: bool,
    ) -> Lesson | None:
        ground = self._ground_of(state, existing)
        if ground is None:
            return None
        known = labelled.select(np.isin(labelled.cell_id, ground.features.cell_id))
        codes = tuple(CODES[number] for number in known.number.tolist())
        given = LearningInput(
            ground.features, ground.bundle, ground.diameter_um, known.cell_id, codes, self._head_for(state)
        )
        plan = state.sample.plan if sampled and state.sample is not None else None
        return Lesson(given, through, known.digest, state.table.cell_id.copy(), ground.bundle_rows, plan)

    def is_of(self, lesson: Lesson, state: PredictedCells, existing: NDArray[np.int64]) -> bool:
        """Return whether cells, features, bundle and head are still those of a lesson."""
        ground = self._ground_of(state, existing)
        return (
            ground is not None
            and lesson.given.features is ground.features
            and lesson.given.laboratory is self._head_for(state)
        )

    def _head_for(self, state: PredictedCells) -> ServingHead | None:
        """Return the laboratory head if it was made for the bundle that classified the cells."""
        head = self.laboratory
        return head if head is not None and state.model is not None and head.model == state.model else None

    def _ground_of(self, state: PredictedCells, existing: NDArray[np.int64]) -> _Ground | None:
        found = state.feature_store.features(state.blob, existing)
        table = state.table
        if found is None or found.model != state.model or state.model is None:
            return None
        if self._ground is None or not self._ground.holds(existing, found, table.bundle):
            rows = table.rows(found.cell_id)
            usable = table.bundle.predicted[rows]
            features = found if usable.all() else found.select(usable)
            rows = rows[usable]
            self._ground = _Ground(
                existing,
                found,
                table.bundle,
                table.bundle.version,
                features,
                _predictions(state, state.model, rows),
                table.columns["diameter_um"][rows],
            )
        return self._ground

    # replaying a journal --------------------------------------------------------------------------

    def expect(self, events: Sequence[Event]) -> None:
        """Read before a replay which results later lines need: those before a signature, and the last."""
        needed, last, through = set(), 0, {}
        for event in events:
            if event.kind == EventKind.PREDICTIONS_LEARNT:
                last, through[event.seq] = event.seq, int(event.new["through"])
            elif event.kind == EventKind.SIGNED:
                needed.add(last)
        self._needed = frozenset({*needed, last} - {0})
        self._wanted = frozenset(through[seq] for seq in self._needed)

    def note(self, state: PredictedCells, seq: int) -> None:
        """Note the labels after a line of a replay, if they are needed later."""
        if seq in self._wanted:
            state.catch_up()
            self._noted[seq] = labelled_in(state)

    def needs(self, event: Event) -> bool:
        """Return whether the result of a line of a replay is needed."""
        return event.seq in self._needed

    def relearn(self, state: PredictedCells, event: Event) -> tuple[Lesson, Taught]:
        """Learn again what a line of a replay says was learnt.

        Raises
        ------
        ValueError
            If the labels are not those of the line.
        """
        new: LearntPayload = event.new
        labelled, sampled = self._noted.pop(new["through"], None), new.get("cross_fitted", False)
        existing = state.table.cell_id[state.table.present]
        lesson = (
            None if labelled is None else self._lesson(state, existing, new["through"], labelled, sampled)
        )
        if lesson is None or lesson.digest != new["sha256"]:
            raise ValueError(f"line {event.seq} learnt from other labels than there were")
        return lesson, lesson.learn()


def labelled_in(state: PredictedCells) -> Labelled:
    """Return the cells that a reader of the active reading has classified, in the order of their times.

    Imported labels are left out until a reader vouches for them. Labels of one moment are in the order
    of cell numbers, so that the same labels always give the same order.
    """
    table = state.table
    rows = np.flatnonzero(table.present & table.reviewed)
    order = np.lexsort((table.cell_id[rows], table.reviewed_at[rows]))
    return Labelled(table.cell_id[rows][order], table.given[rows][order])


def _predictions(state: PredictedCells, model: ModelReference, rows: NDArray[np.intp]) -> Predictions:
    return Predictions(
        state.table.cell_id[rows],
        state.table.bundle.probabilities[rows],
        state.classes,
        dict(state.support),
        model,
    )
