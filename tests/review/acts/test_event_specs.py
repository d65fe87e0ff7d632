"""Every kind of event is defined once and whole."""

from __future__ import annotations

from napari_bonemarrow.review.acts.fold import EFFECTS
from napari_bonemarrow.review.journal.event_specs import EVENT_SPECS, EventKind, Shown

TURNS = {EventKind.UNDO, EventKind.REDO}


def test_every_kind_has_a_spec_and_an_effect() -> None:
    assert set(EVENT_SPECS) == set(EventKind)
    assert set(EFFECTS) == set(EventKind) - TURNS


def test_what_undo_takes_back_can_be_reverted_and_nothing_else() -> None:
    assert {kind for kind, effect in EFFECTS.items() if effect.revert} == {
        kind for kind, spec in EVENT_SPECS.items() if spec.undoable
    }


def test_an_undoable_act_belongs_to_a_reading_or_is_refused_once_there_are_two() -> None:
    others = {kind for kind, spec in EVENT_SPECS.items() if spec.undoable and not spec.in_reading}
    assert others == {EventKind.COUNTING_RULES_SET}  # see test_counting.py


def test_what_adds_or_removes_cells_changes_every_view_of_them() -> None:
    for kind, spec in EVENT_SPECS.items():
        if spec.reshapes:
            assert spec.changes_cells, kind
            assert spec.changes_predictions, kind
            assert spec.changes_sample, kind
            assert spec.shown is Shown.ANY, kind
