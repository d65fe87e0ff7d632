"""What slide, scale, frame, detector and model do to the state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from napari_bonemarrow.cytology import Cells, ModelReference, Predictions, Support
from napari_bonemarrow.review.journal.arrays import unpack
from napari_bonemarrow.review.journal.events import Event, Kind
from napari_bonemarrow.review.journal.journal_json import (
    SlideRecord,
    frame_from_json,
    ranking_from_json,
    scale_from_json,
)
from napari_bonemarrow.review.journal.reading import FIRST, Reading
from napari_bonemarrow.review.state.detection_progress import Search
from napari_bonemarrow.review.state.permission import NotAllowedError
from napari_bonemarrow.review.state.state import State


def _open_slide(state: State, event: Event) -> None:
    new = event.new
    state.case_id = new["case"]
    state.slide = SlideRecord.from_json(new["slide"])
    state.scale = scale_from_json(new["scale"])
    state.reads[FIRST].reading = Reading(FIRST, event.reviewer, "first", event.at, None)


def _move_slide(state: State, event: Event) -> None:
    """Keep where the slide lies now; it is the same image."""
    before, slide = state.slide, SlideRecord.from_json(event.new["slide"])
    if before is None or before != replace(
        slide, name=before.name, path=before.path, relative=before.relative
    ):
        raise NotAllowedError("it names another image than the one that this case is about")
    state.slide = slide


def _set_scale(state: State, event: Event) -> None:
    """Take a scale; cells that a reviewer keeps stay where they are, as many pixels wide as they were."""
    before, scale = state.scale, scale_from_json(event.new)
    state.scale = scale
    if len(state.table) and before is not None and scale is not None:
        state.table.columns["diameter_um"] = state.table.columns["diameter_um"] * np.float32(
            scale.microns_per_pixel / before.microns_per_pixel
        )
        state.place()


def _set_frame(state: State, event: Event) -> None:
    slide, (frame, target) = state.slide, frame_from_json(event.new)
    if slide is None or (frame.width, frame.height) != (slide.width, slide.height):
        raise ValueError("the frame is of another image")
    state.frame, state.target = frame, target
    state.place()


def _rank_regions(state: State, event: Event) -> None:
    state.ranking = ranking_from_json(event.new)
    state.quality = event.new.get("arrays")  # journals of older versions hold none


def _add_tiles(state: State, event: Event) -> None:
    new = event.new
    if state.search is None or state.search.plan != new["plan"]:
        state.search = Search(new["plan"])
    failed = {int(tile): text for tile, text in new["failed"].items()}
    state.search.add(new["tiles"], failed, Cells(**unpack(new["arrays"], state.blob)))


def _take_detection(state: State, event: Event) -> None:
    new = event.new
    cells = Cells(**unpack(new["arrays"], state.blob))
    extends = new.get("extends", False)
    _check_found(state, cells, new["kept"], extends)
    state.search, state.detected = None, True
    unread = tuple(new["parameters"].get("failed_tiles", ()))
    state.unread = state.unread + unread if extends else unread
    if not extends:
        state.table.keep(state.table.rows(new["kept"]))
    state.table.append(cells, ~np.isin(cells.cell_id, new["dropped"]))
    if len(cells):
        state.next_cell_id = max(state.next_cell_id, int(cells.cell_id[-1]) + 1)
    state.place()
    if not extends:  # what was done before concerns cells that may be gone
        state.forget_acts()


def _discard_search(state: State, event: Event) -> None:
    kept = event.new["kept"]
    _check_kept(state, kept)
    state.search, state.detected, state.unread = None, False, ()
    state.table.keep(state.table.rows(kept))
    state.forget_acts()


def _check_found(state: State, cells: Cells, kept: Sequence[int], extends: bool) -> None:
    """See that found cells are numbered as the program does, and that nothing reviewed is lost."""
    ids = cells.cell_id
    if len(ids) and (ids[0] < state.next_cell_id or (np.diff(ids) <= 0).any()):
        raise ValueError("found cells are not numbered in their order")
    if not (np.isfinite(cells.x).all() and np.isfinite(cells.y).all()):
        raise ValueError("a found cell has no position")
    if not extends:
        _check_kept(state, kept)


def _check_kept(state: State, kept: Sequence[int]) -> None:
    """See that the cells that stay are the case's, and that all which were reviewed are among them."""
    if not state.corrections() <= set(kept) or (state.table.rows(kept) < 0).any():
        raise ValueError("what was reviewed is lost, or a cell is kept that was never there")


def _take_predictions(state: State, event: Event) -> None:
    new = event.new
    model = ModelReference(**new["model"])
    classes = tuple(new["classes"])
    support = {code: Support(word) for code, word in new["support"].items()}
    arrays = unpack(new["arrays"], state.blob)
    if len(set(classes)) != len(classes) or not np.isfinite(arrays["probabilities"]).all():
        raise ValueError("a model says what is no prediction")
    if (model, classes) != (state.model, state.classes):
        state.table.forget_predictions(len(classes))
    state.model, state.classes, state.support = model, classes, support
    state.abstain_below = new.get("abstain_below")  # journals of older versions hold none
    state.table.predict(
        Predictions(
            arrays["cell_id"],
            arrays["probabilities"],
            classes,
            support,
            model,
            strangeness=arrays.get("strangeness"),  # of a bundle that has statistics for it
        )
    )


def _add_features(state: State, event: Event) -> None:
    state.measures.add_features(event.new)


def _set_map(state: State, event: Event) -> None:
    state.measures.set_map(event.new)


RUNS: Mapping[str, Callable[[State, Event], None]] = {
    Kind.SLIDE_OPENED: _open_slide,
    Kind.SLIDE_MOVED: _move_slide,
    Kind.SCALE_CONFIRMED: _set_scale,
    Kind.FRAME_SET: _set_frame,
    Kind.REGIONS_RANKED: _rank_regions,
    Kind.TILES_SEARCHED: _add_tiles,
    Kind.DETECTOR_RUN: _take_detection,
    Kind.SEARCH_DISCARDED: _discard_search,
    Kind.MODEL_RUN: _take_predictions,
    Kind.FEATURES_RECORDED: _add_features,
    Kind.MAP_RECORDED: _set_map,
}
"""What each of these lines does, by its kind."""
