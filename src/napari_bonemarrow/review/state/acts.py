"""What each of a reviewer's acts does to the state, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.review.journal.events import Comment, Event, Kind, Label
from napari_bonemarrow.review.state import standing
from napari_bonemarrow.review.state.runs import RUNS
from napari_bonemarrow.review.state.state import State

_RULE = "rule"


def _comment(state: State, event: Event) -> None:
    cell = event.cells[0] if event.cells else None
    state.read.comments.append(Comment(cell, event.new, event.reviewer, event.at))


def _label(state: State, event: Event) -> None:
    if len(event.old) != len(event.cells):
        raise ValueError(f"line {event.seq} does not say what each cell was before")
    if event.new is None:
        _write(state, event.cells, [None] * len(event.cells))
    else:
        _write_all(state, event.cells, Label(event.new, event.reviewer, event.at, event.source))


def _import(state: State, event: Event) -> None:
    if not len(event.cells) == len(event.old) == len(event.new["codes"]):
        raise ValueError(f"line {event.seq} does not say of each cell what it is and was")
    by, at, source = event.reviewer, event.at, event.source
    _write(state, event.cells, [Label(code, by, at, source) for code in event.new["codes"]])


def _unlabel(state: State, event: Event) -> None:
    _write(state, event.cells, [None if old is None else Label(*old) for old in event.old])


def _accept(state: State, event: Event) -> None:
    _write_all(state, event.cells, Label(event.new["code"], event.reviewer, event.at, _RULE))


def _unaccept(state: State, event: Event) -> None:
    """Take back a bulk rule, which touched only cells without a label."""
    _write(state, event.cells, [None] * len(event.cells))


def _write(state: State, cells: Sequence[int], labels: Sequence[Label | None]) -> None:
    shown = state.read.label(cells, labels)
    if not state.replaying:
        state.table.label(cells, shown)


def _write_all(state: State, cells: Sequence[int], label: Label) -> None:
    state.read.label_all(cells, label)
    if state.replaying:
        return
    if len(cells) == 1:
        state.table.label(cells, (label,))
    else:
        state.table.label_all(cells, label)


def _tag(state: State, event: Event) -> None:
    _set_tag(state, event, event.kind == Kind.TAG_SET)


def _untag(state: State, event: Event) -> None:
    _set_tag(state, event, event.kind == Kind.TAG_CLEARED)


def _set_tag(state: State, event: Event, on: bool) -> None:
    tag = event.old or event.new
    state.read.tag(event.cells, tag, on)
    if not state.replaying:
        state.table.tag(event.cells, tag, on)


def _flag(state: State, event: Event) -> None:
    _set_flag(state, event, event.kind == Kind.FLAG_SET)


def _unflag(state: State, event: Event) -> None:
    _set_flag(state, event, event.kind == Kind.FLAG_CLEARED)


def _set_flag(state: State, event: Event, on: bool) -> None:
    state.read.flag(event.cells, on)
    if not state.replaying:
        state.table.flag(event.cells, on)


def _tally(state: State, event: Event) -> None:
    field, code = event.new["field"], event.new["code"]
    if field != len(state.read.tallies) - 1:
        raise ValueError(f"line {event.seq} counts in another field than the last")
    state.read.tallies[field][code] += 1


def _untally(state: State, event: Event) -> None:
    counts, code = state.read.tallies[event.new["field"]], event.new["code"]
    counts[code] -= 1
    if not counts[code]:
        del counts[code]


def _begin_field(state: State, event: Event) -> None:
    if event.new["field"] != len(state.read.tallies):
        raise ValueError(f"line {event.seq} begins a field out of turn")
    state.read.tallies.append(type(state.read.tallies[0])())


def _end_field(state: State, event: Event) -> None:
    state.read.tallies.pop()


def _add(state: State, event: Event) -> None:
    _add_cells(state, event.cells, [event.new])


def _unadd(state: State, event: Event) -> None:
    state.table.set_present(event.cells, False)
    state.added.difference_update(event.cells)


def _remove(state: State, event: Event) -> None:
    _take_out(state, event.cells)


def _unremove(state: State, event: Event) -> None:
    _put_back(state, event.cells)


def _reshape(state: State, event: Event) -> None:
    before, after = before_and_after(event)
    if not state.table.existing.issuperset(before):
        raise ValueError(f"line {event.seq} is about a cell that is not there")
    _take_out(state, before)
    _add_cells(state, after, event.new)


def _unreshape(state: State, event: Event) -> None:
    before, after = before_and_after(event)
    state.table.set_present(after, False)
    state.added.difference_update(after)
    _put_back(state, before)


def _take_out(state: State, cells: Sequence[int]) -> None:
    state.table.set_present(cells, False)
    state.removed.update(cells)
    state.read.hide(cells)


def _put_back(state: State, cells: Sequence[int]) -> None:
    state.table.set_present(cells, True)
    state.removed.difference_update(cells)
    state.read.unhide(cells)


def _add_cells(state: State, cells: Sequence[int], places: Sequence[Mapping[str, float]]) -> None:
    _check_new(state, cells, places)
    state.added.update(cells)
    if cells[0] < state.next_cell_id:  # a redo: the rows are there
        state.table.set_present(cells, True)
        return
    state.next_cell_id = cells[-1] + 1
    for cell, place in zip(cells, places, strict=True):
        state.table.append(one_cell(cell, **place))
    state.place()


def _check_new(state: State, cells: Sequence[int], places: Sequence[Mapping[str, float]]) -> None:
    """See that cells are numbered on from the last, or come back, and lie in the image."""
    again, on = cells[0] < state.next_cell_id, range(state.next_cell_id, state.next_cell_id + len(cells))
    if again and ((state.table.rows(cells) < 0).any() or not state.table.existing.isdisjoint(cells)):
        raise ValueError("a cell comes back that was never there, or is there")
    if len(cells) != len(places) or (not again and tuple(cells) != tuple(on)):
        raise ValueError("added cells are not numbered in their order")
    slide = state.slide
    for place in places:
        if slide is None or not (
            -0.5 <= place["x"] <= slide.width - 0.5 and -0.5 <= place["y"] <= slide.height - 0.5
        ):
            raise ValueError("an added cell lies outside the image")


def before_and_after(event: Event) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the cells that a split or merge takes away, and those that it puts in their place."""
    if event.kind == Kind.CELL_SPLIT:
        return event.cells[:1], event.cells[1:]
    return event.cells[:-1], event.cells[-1:]


def one_cell(cell_id: int, x: float, y: float, diameter_um: float) -> Cells:
    """Return a cell that a reviewer added: detection score 1, out of the frame until that is set."""
    return Cells(
        np.array([cell_id], np.int64),
        np.array([x], np.float64),
        np.array([y], np.float64),
        np.array([diameter_um], np.float32),
        np.array([1.0], np.float32),
        np.array([False]),
    )


_Act = Callable[[State, Event], None]
_ACTS: Mapping[str, tuple[_Act, _Act]] = {
    Kind.LABEL_SET: (_label, _unlabel),
    Kind.LABEL_CLEARED: (_label, _unlabel),
    Kind.LABELS_IMPORTED: (_import, _unlabel),
    Kind.BULK_RULE: (_accept, _unaccept),
    Kind.TAG_SET: (_tag, _untag),
    Kind.TAG_CLEARED: (_tag, _untag),
    Kind.FLAG_SET: (_flag, _unflag),
    Kind.FLAG_CLEARED: (_flag, _unflag),
    Kind.TALLIED: (_tally, _untally),
    Kind.TALLY_FIELD_BEGUN: (_begin_field, _end_field),
    Kind.CELL_ADDED: (_add, _unadd),
    Kind.CELL_REMOVED: (_remove, _unremove),
    Kind.CELL_SPLIT: (_reshape, _unreshape),
    Kind.CELLS_MERGED: (_reshape, _unreshape),
}

DO: Mapping[str, _Act] = {
    **RUNS,
    **{kind: do for kind, (do, _) in _ACTS.items()},
    Kind.COMMENT: _comment,
    Kind.READING_BEGUN: standing.begin,
    Kind.READING_ENDED: standing.end,
    Kind.READING_TAKEN_UP: standing.take_up,
    Kind.SIGNED: standing.sign,
    Kind.AMENDED: standing.amend,
}
"""What an act does, by its kind."""

TAKE_BACK: Mapping[str, _Act] = {kind: undo for kind, (_, undo) in _ACTS.items()}
"""How an act is taken back, by its kind; the keys are `UNDOABLE`."""
