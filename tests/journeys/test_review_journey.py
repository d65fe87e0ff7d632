"""A review by keys alone: one key a cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology import BMC21, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import open_slide

from .reviewer import LOADING, Reviewer

CELLS = {"BLA": 7, "NGS": 11, "EBO": 8, "LYT": 8, "PMO": 4, "ART": 2}


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn smear with a case beside it, in which a model has found and classed the cells."""
    smear = draw_smear(11, width=1800, height=1300, cells_per_class=CELLS)
    path = Path(write_sample(tmp_path_factory.mktemp("classified") / "smear.png", smear))
    rng = np.random.default_rng(2)
    with Case.create(case_path_for(path), open_slide(path), reviewer="first") as case:
        case.sampling.set_frame(Frame.whole_field(1800, 1300, 0.0), len(smear.cells))
        found = case.detection.record(smear.cells)
        rows = rng.dirichlet(np.full(len(BMC21), 0.1), len(found)).astype(np.float32)
        rows[np.arange(len(found)), [BMC21.index(code) for code in smear.codes]] += 1.5
        rows /= rows.sum(axis=1, keepdims=True)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        case.model.record_predictions(
            Predictions(found.cell_id, rows, BMC21, support, ModelReference("drawn", "0" * 64))
        )
    return path


def _review_all(reviewer: Reviewer) -> int:
    """Give every cell a class; return how many keys that took."""
    case, review = reviewer.case, reviewer.controller.smear.review
    keys = (Qt.Key.Key_1, Qt.Key.Key_Return, Qt.Key.Key_B, Qt.Key.Key_2)
    pressed, waiting = 0, int(case.cells.in_frame.sum())
    for _cell in range(waiting):
        cell, before = review.selection.current, len(case.labels)
        reviewer.press(keys[pressed % len(keys)])
        pressed += 1
        assert cell in case.labels
        assert len(case.labels) == before + 1
    return pressed


def test_one_key_a_cell(come_in: Callable[[], Reviewer], classified: Path):
    reviewer = come_in()
    with reviewer.qtbot.waitSignal(reviewer.controller.model_loaded, timeout=LOADING):
        pass
    with reviewer.qtbot.waitSignal(reviewer.controller.opened, timeout=LOADING):
        reviewer.controller.open_path(classified)
    reviewer.click_button(reviewer.panel.slide_tab.review_button)
    reviewer.wait_for_screen()
    pressed = _review_all(reviewer)
    case = reviewer.case
    assert pressed == int(case.cells.in_frame.sum())
    assert "Every counted cell" in reviewer.panel.review_tab.standing.text()
    reviewer.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    cell = reviewer.controller.smear.review.selection.current
    assert cell not in case.labels  # undo goes where it was made
    reviewer.press(Qt.Key.Key_M)
    assert case.labels[cell].code == "MON"
    reviewer.press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    reviewer.press(Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    assert case.flags == set(reviewer.controller.smear.review.selection.ids)
    _reopened_where_one_stopped(reviewer, come_in, classified)


def _reopened_where_one_stopped(
    reviewer: Reviewer, come_in: Callable[[], Reviewer], classified: Path
) -> None:
    review = reviewer.controller.smear.review
    review.worklist.order = "confidence"
    current, centre = review.selection.current, reviewer.controller.smear_viewer.camera.center
    reviewer.viewer.close()
    again = come_in()
    with again.qtbot.waitSignal(again.controller.opened, timeout=LOADING):
        again.controller.open_path(classified)
    review = again.controller.smear.review
    assert review.selection.ids == (current,)  # of several that were selected, the current one
    assert review.worklist.order == "confidence"
    assert again.panel.tabs.currentWidget() is again.panel.review_tab
    assert again.controller.smear_viewer.camera.center == pytest.approx(centre, abs=1e-3)
    again.viewer.close()
