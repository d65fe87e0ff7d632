"""What reviewed cells teach: learning from them, switching it off, the head of a laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import ModelReference
from napari_bonemarrow.cytology.arrays import row_of
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.learner import LearningMemory
from napari_bonemarrow.learning.records import METHOD, LearningInput, Prequential
from napari_bonemarrow.learning.serving_head import ServingHead
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import pack, unpack
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.field_types import ArrayPayload
from napari_bonemarrow.review.journal.payloads import ChosenHead, LearntPayload
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.learning_state import Lesson, Taught
from napari_bonemarrow.review.state.state import State


class Learning:
    """What reviewed cells teach about the others.

    The bundle's own predictions stay in the case. Learning changes no label, no frame and no sample; it
    only predicts, and only where it has predicted reviewed cells better than the bundle alone.

    Take a `lesson` on the case's thread, learn on any, and `record` the result; or do all three with
    `bring_up_to_date`.

    Attributes
    ----------
    memory : LearningMemory
        Saves time from label to label; used by one learning at a time.
    """

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state
        self.memory = LearningMemory()

    # what predicts --------------------------------------------------------------------------------

    @property
    def on(self) -> bool:
        """Return whether what was taught may predict."""
        return self._state.learning.on

    @property
    def serves(self) -> bool:
        """Return whether what was taught predicts now: it is on and has earned it."""
        return self._state.table.taught is not None and not self._state.blind

    @property
    def predicted_by(self) -> str:
        """Return what predicts now: ``starter``, ``starter+NAME`` with a laboratory head, ``starter+case``.

        Empty before the first prediction, and in a blind reading.
        """
        state = self._state
        if state.model is None or state.blind:
            return ""
        if not self.serves or state.learning.learnt is None:
            return state.model.name
        taught = "case" if len(state.learning.learnt.prequential) else state.learning.laboratory_name
        return f"{state.model.name}+{taught}"

    @property
    def learnt_here(self) -> Mapping[str, int]:
        """Return the classes that only reviewed cells taught, and the number of those cells; empty if off."""
        learnt = self._state.learning.learnt
        return MappingProxyType(dict(learnt.learnt_here) if learnt is not None and self.serves else {})

    @property
    def prequential(self) -> Prequential | None:
        """Return which labels were predicted before they were learnt from; None before the first."""
        learnt = self._state.learning.learnt
        return None if learnt is None or not len(learnt.prequential) else learnt.prequential

    @property
    def prequential_shares(self) -> dict[str, float] | None:
        """Return ``n`` labels predicted before they were learnt from, and the parts of them that were right.

        ``bundle`` is that of the bundle alone, ``head`` that of what predicted then. None before the first.
        """
        told = self.prequential
        if told is None:
            return None
        bundle, head = float(told.bundle.mean()), float(told.head.mean())
        return {"n": len(told), "bundle": round(bundle, 6), "head": round(head, 6)}

    @property
    def taught_weight(self) -> float:
        """Return the weight of what was taught beside the bundle's, 0 to 1; 0 while it does not predict."""
        learnt = self._state.learning.learnt
        return float(learnt.taught_weight) if learnt is not None and self.serves else 0.0

    @property
    def laboratory_name(self) -> str:
        """Return the name of the laboratory head that this case begins with; empty without one."""
        return self._state.learning.laboratory_name

    def bundle_guesses(self) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Return the bundle's own guess of each existing cell, as index of `CODES`, and its confidence."""
        table = self._state.table
        if self._state.blind:
            none = np.zeros(int(table.present.sum()))
            return none.astype(np.int8), none.astype(np.float32)
        return table.bundle.top[table.present], table.bundle.confidence[table.present]

    def predicts(self, cell_id: int) -> bool:
        """Return whether a cell is predicted with what was taught."""
        learnt = self._state.learning.learnt
        return learnt is not None and self.serves and row_of(learnt.cell_id, cell_id) >= 0

    def taught_cells(self) -> NDArray[np.bool_]:
        """Return which existing cells are predicted with what was taught, shape (n,)."""
        state, learnt = self._state, self._state.learning.learnt
        existing = state.table.cell_id[state.table.present]
        if learnt is None or not self.serves:
            return np.zeros(len(existing), bool)
        return np.isin(existing, learnt.cell_id)

    # learning -------------------------------------------------------------------------------------

    def lesson(self) -> Lesson | None:
        """Return what there is to learn now; None if there is nothing new, or nothing may be learnt.

        Nothing is learnt while it is off, in a blind reading, from a signed case, or before the cells have
        features of the bundle that classified them.
        """
        state = self._state
        if not state.learning.on or state.blind or state.signature or self._core.journal.read_only:
            return None
        through = self._core.journal.lines.last.seq
        lesson = state.learning.lesson(state, self._core.cells.cell_id, through)
        return lesson if lesson is not None and self._is_news(lesson) else None

    def given(self) -> LearningInput | None:
        """Return all that the reviewed cells of this case could teach, also of a signed one.

        None without features and predictions of one bundle, and in a blind reading.
        """
        if self._state.blind:
            return None
        lesson = self._state.learning.lesson(self._state, self._core.cells.cell_id, 0)
        return None if lesson is None else lesson.given

    def _is_news(self, lesson: Lesson) -> bool:
        before = self._state.learning.learnt
        if before is None:
            return len(lesson.given.cell_id) > 0 or lesson.given.laboratory is not None
        return (
            lesson.digest != self._state.learning.digest
            or lesson.given.laboratory is not self._state.learning.learnt_with
            or not np.array_equal(before.cell_id, lesson.given.features.cell_id)
        )

    def record(self, lesson: Lesson, taught: Taught) -> Change | None:
        """Record and show the result of a lesson.

        Returns
        -------
        Change or None
            Its cells are those whose first guess changed. None if cells, features, bundle or head have
            changed meanwhile: take another lesson.
        """
        state, learnt = self._state, taught.learnt
        if not state.learning.on or state.blind or state.signature:
            return None
        if not state.learning.is_of(lesson, state, self._core.cells.cell_id):
            return None
        model, told = lesson.given.bundle.model, learnt.prequential
        head = None if lesson.given.laboratory is None else state.learning.laboratory
        new: LearntPayload = {
            "through": lesson.through,
            "labels": len(lesson.given.cell_id),
            "sha256": lesson.digest,
            "model": {"name": model.name, "sha256": model.sha256},
            "laboratory": None if head is None else {"name": head.name, "sha256": head.sha256},
            "method": METHOD,
            "serves": learnt.serves,
            "taught_weight": round(float(learnt.taught_weight), 6),
            "learnt_here": {code: int(count) for code, count in learnt.learnt_here.items()},
            "prequential": {
                "n": len(told),
                "bundle": int(np.count_nonzero(told.bundle)),
                "head": int(np.count_nonzero(told.head)),
            },
            "cross_fitted": taught.cross_fitted is not None,
        }
        state.learning.pending = (lesson, taught)
        try:
            return self._core.act(
                Draft(EventKind.PREDICTIONS_LEARNT, new=new, source="rule"),
                cells=lambda: tuple(state.learning.changed.tolist()),
            )
        finally:
            state.learning.pending = None

    def bring_up_to_date(self) -> Change | None:
        """Learn what there is to learn, here and now; None if that is nothing."""
        lesson = self.lesson()
        return None if lesson is None else self.record(lesson, lesson.learn(self.memory))

    def switch(self, on: bool) -> Change | None:
        """Let what was taught predict, or the bundle alone; None if nothing changes."""
        if on == self._state.learning.on:
            return None
        return self._core.act(
            Draft(EventKind.LEARNING_SWITCHED, old=not on, new=on),
            cells=lambda: tuple(self._state.learning.changed.tolist()),
        )

    def choose_laboratory(self, head: ServingHead | None) -> Change | None:
        """Choose the head of a laboratory that this case begins with, or none; None if nothing changes.

        The case keeps a copy of what the head predicts from, so that the same numbers can be had later.

        Raises
        ------
        CaseError
            If the head belongs to another bundle than the one that classified the cells.
        """
        learning, model = self._state.learning, self._state.model
        if (head and head.sha256) == (learning.laboratory and learning.laboratory.sha256):
            return None
        if head is not None and model is not None and head.model.sha256 != model.sha256:
            raise CaseError(
                f"the head {head.name} was made for {head.model.name}, and {model.name} in another version "
                "classified these cells: choose none, or make the head again from signed cases"
            )
        old = learning.laboratory_name or None
        if head is None:
            return self._core.act(Draft(EventKind.LABORATORY_HEAD_CHOSEN, old=old, new=None), cells=())
        specs, blobs = pack(head.to_arrays())
        new: ChosenHead = {
            "name": head.name,
            "sha256": head.sha256,
            "arrays": specs,
            "codes": list(head.fit.codes),
            "taught": dict(head.taught),
            "width": head.width,
            "model": {"name": head.model.name, "sha256": head.model.sha256},
        }
        return self._core.act(Draft(EventKind.LABORATORY_HEAD_CHOSEN, old=old, new=new), blobs, ())


def _take_learnt(state: State, event: Event) -> None:
    new: LearntPayload = event.new
    learning = state.learning
    if not new["through"] < event.seq:
        raise ValueError("it learnt from lines that came later")
    if new["method"] > METHOD:
        raise CaseError("it was learnt by a later version: update the program")
    if state.replaying and not learning.needs(event):
        return
    lesson, taught = learning.pending or learning.relearn(state, event)
    learning.take(state, lesson, taught)


def _switch(state: State, event: Event) -> None:
    state.learning.on = event.new
    state.learning.show(state)


def _choose_head(state: State, event: Event) -> None:
    new: ChosenHead | None = event.new
    if new is None:
        state.learning.laboratory, state.learning.laboratory_name = None, ""
        return
    arrays = unpack(cast(Mapping[str, ArrayPayload], new["arrays"]), state.blob)
    model, codes = ModelReference(**new["model"]), tuple(new["codes"])
    try:
        head = ServingHead.from_arrays(new["name"], model, codes, new["taught"], new["width"], arrays)
    except LearningError as error:
        raise CaseError(str(error)) from error
    if head.sha256 != new["sha256"]:
        raise ValueError("its head is another than it says")
    state.learning.laboratory, state.learning.laboratory_name = head, new["name"]


EFFECTS: Effects = {
    EventKind.PREDICTIONS_LEARNT: Effect(_take_learnt),
    EventKind.LEARNING_SWITCHED: Effect(_switch),
    EventKind.LABORATORY_HEAD_CHOSEN: Effect(_choose_head),
}
