"""Whatever a reviewer does in whatever order, replaying the journal gives the same state."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from napari_bonemarrow.cytology import (
    BMC21,
    CLASSES,
    TAGS,
    Cells,
    Frame,
    ModelReference,
    Predictions,
    Support,
)
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import slide_from_array

SIDE = 400
SLIDE = slide_from_array(np.zeros((SIDE, SIDE, 3), np.uint8), 0.2)
coordinate = st.floats(0, SIDE - 1, allow_nan=False)
picks = st.lists(st.integers(0, 10_000), min_size=1, max_size=6)


def state_of(case: Case) -> dict[str, object]:
    """Everything that the screen or a report could show of a case."""
    cells, predictions = case.cells, case.predictions
    return {
        "cells": [getattr(cells, name).tolist() for name in Cells.__slots__],
        "predictions": None
        if predictions is None
        else (predictions.model, predictions.cell_id.tolist(), predictions.probabilities.tolist()),
        "labels": dict(case.labels),
        "tags": dict(case.tags),
        "comments": case.edits.comments,
        "codes": case.effective_codes(),
        "reviewed": case.reviewed().tolist(),
        "added": case.cell_edits.added,
        "differential": case.differential(),
        "stacks": (case._state.undoable, case._state.redoable),
        "next": case.cell_edits.next_id,
    }


class Review(RuleBasedStateMachine):
    """A reviewer without a plan; after each act the file is read anew."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # each act waits for the disk; here that tests nothing
        self.folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.case = Case.create(self.folder / "walk.bmcase", SLIDE, reviewer="Ada")
        self.case.sampling.set_frame(Frame.whole_field(SIDE, SIDE))

    def teardown(self) -> None:
        assert self.case.verify().ok
        self.case.close()
        shutil.rmtree(self.folder)

    def pick(self, picked: list[int]) -> list[int]:
        ids = self.case.cells.cell_id
        return [int(ids[number % len(ids)]) for number in picked]

    def has_cells(self) -> bool:
        return len(self.case.cells) > 0

    @rule(seed=st.integers(0, 99), n=st.integers(0, 12))
    def detect(self, seed: int, n: int) -> None:
        random = np.random.default_rng(seed)
        found = Cells(
            np.arange(1, n + 1),
            random.uniform(0, SIDE - 1, n),
            random.uniform(0, SIDE - 1, n),
            np.full(n, 9, np.float32),
            np.ones(n, np.float32),
            np.zeros(n, bool),
        )
        self.case.detection.record(self.case.detection.fresh(found), carry_over=True)

    @precondition(has_cells)
    @rule(picked=picks, code=st.sampled_from(BMC21), sha=st.sampled_from("ab"))
    def classify(self, picked: list[int], code: str, sha: str) -> None:
        ids = np.unique(self.pick(picked))
        probabilities = np.full((len(ids), 21), 0.01, np.float32)
        probabilities[:, BMC21.index(code)] = 0.8
        support = dict.fromkeys(BMC21, Support.TRAINED)
        self.case.model.record_predictions(
            Predictions(ids, probabilities, BMC21, support, ModelReference("m", sha * 64))
        )

    @precondition(has_cells)
    @rule(picked=picks, code=st.sampled_from([*CLASSES, None]))
    def label(self, picked: list[int], code: str | None) -> None:
        self.case.set_label(self.pick(picked), code)

    @precondition(has_cells)
    @rule(picked=picks, tag=st.sampled_from(list(TAGS)), on=st.booleans())
    def tag(self, picked: list[int], tag: str, on: bool) -> None:
        self.case.set_tag(self.pick(picked), tag, on)

    @precondition(has_cells)
    @rule(picked=picks)
    def remark(self, picked: list[int]) -> None:
        self.case.edits.comment(self.pick(picked)[0], "see again")

    @precondition(has_cells)
    @rule(picked=picks)
    def remove(self, picked: list[int]) -> None:
        self.case.cell_edits.remove(self.pick(picked))

    @rule(x=coordinate, y=coordinate)
    def add(self, x: float, y: float) -> None:
        before = self.case.cell_edits.next_id
        with suppress(CaseError):  # on top of another cell
            assert self.case.cell_edits.add(x, y) == before

    @rule(reviewer=st.sampled_from(["Ada", "Ben"]))
    def somebody_else(self, reviewer: str) -> None:
        self.case.reviewer = reviewer

    @rule()
    def undo_and_redo(self) -> None:
        before = state_of(self.case)
        if self.case.undo() is not None:
            self.case.redo()
        assert state_of(self.case) == before

    @rule()
    def undo(self) -> None:
        self.case.undo()

    @rule()
    def redo(self) -> None:
        self.case.redo()

    @rule()
    def close_and_open(self) -> None:
        path = self.case.path
        self.case.close()
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        self.case = Case.open(path, reviewer="Ada")

    @invariant()
    def replay_gives_the_same(self) -> None:
        with Case.open(self.case.path, read_only=True) as other:
            assert other.verification.ok
            assert state_of(other) == state_of(self.case)

    @invariant()
    def a_label_is_the_effective_class(self) -> None:
        for cell, label in self.case.labels.items():
            assert self.case.effective_code(cell) == label.code


Review.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestReview = Review.TestCase
