"""What a reviewer sees on the smear, from a whole field down to one cell, by keys and mouse in the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology import BMC21, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import open_slide

from .reviewer import LOADING, Reviewer

Begin = Callable[[], Reviewer]
CELLS = {"BLA": 4, "NGS": 6, "EBO": 5, "LYT": 5}


@pytest.fixture
def classified(tmp_path: Path) -> Path:
    """A drawn smear with a case beside it, in which a model has found and classed the cells."""
    smear = draw_smear(7, width=1400, height=1000, cells_per_class=CELLS)
    path = Path(write_sample(tmp_path / "smear.png", smear))
    with Case.create(case_path_for(path), open_slide(path), reviewer="first") as case:
        case.sampling.set_frame(Frame.whole_field(1400, 1000, 5.0), len(smear.cells))
        found = case.detection.record(smear.cells)
        rows = np.full((len(found), len(BMC21)), 0.01, np.float32)
        rows[np.arange(len(found)), [BMC21.index(code) for code in smear.codes]] = 1
        rows /= rows.sum(axis=1, keepdims=True)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        case.model.record_predictions(
            Predictions(found.cell_id, rows, BMC21, support, ModelReference("drawn", "0" * 64))
        )
    return path


@pytest.fixture
def begin(come_in: Callable[[], Reviewer], classified: Path, qtbot) -> Begin:
    """Begin the review. Called in the test: a fixture that held the window would outlive it."""

    def make() -> Reviewer:
        return _begin(come_in(), classified, qtbot)

    return make


def _begin(made: Reviewer, classified: Path, qtbot) -> Reviewer:
    with qtbot.waitSignal(made.controller.opened, timeout=LOADING):
        made.controller.open_path(classified)
    made.panel.show_review()
    made.controller.keys.focus_smear()
    made.press(Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(made.controller.smear_viewer.rings.texts) > 0)
    return made


def _shot(reviewer: Reviewer) -> np.ndarray:
    return np.asarray(reviewer.viewer.screenshot(canvas_only=True, flash=False))[..., :3].astype(float)


def _settle(qtbot, smear_viewer) -> None:
    """Wait until rings and codes were fitted to the view."""
    qtbot.waitUntil(lambda: not smear_viewer._view_timer.isActive())
    QApplication.processEvents()


def _around(shot: np.ndarray, place: QPoint, reach: int) -> np.ndarray:
    return shot[
        max(place.y() - reach, 0) : place.y() + reach + 1, max(place.x() - reach, 0) : place.x() + reach + 1
    ]


def test_the_cell_that_is_meant_is_marked_at_every_zoom_and_after_a_resize(
    begin: Callable[[], Reviewer], qtbot
) -> None:
    reviewer = begin()
    smear_viewer, review = reviewer.controller.smear_viewer, reviewer.controller.smear.review
    x, y = review.shown_cell.place(review.selection.current)
    for size, zoom in (((1100, 700), 12.0), ((1000, 620), 3.0), ((1280, 760), 0.4)):
        reviewer.viewer.window.resize(*size)
        smear_viewer.camera.zoom = zoom
        smear_viewer.camera.center = (
            y * reviewer.case.microns_per_pixel,
            x * reviewer.case.microns_per_pixel,
        )
        _settle(qtbot, smear_viewer)
        shot = _shot(reviewer)
        middle = QPoint(shot.shape[1] // 2, shot.shape[0] // 2)
        ring_px = (
            smear_viewer.rings._ring_um[smear_viewer.rings.index_of(review.selection.current)] / 2 * zoom
        )
        reach = round(max(ring_px + 4, 13) + 15)
        seen = _around(shot, middle, reach)
        assert (seen.min(axis=-1) > 245).sum() > 60, zoom  # its white line
        assert (seen.max(axis=-1) < 25).sum() > 60, zoom  # between two black ones


def test_a_larger_window_has_codes_on_all_that_it_shows(begin: Begin, qtbot) -> None:
    reviewer = begin()
    smear_viewer, rings = reviewer.controller.smear_viewer, reviewer.controller.smear_viewer.rings
    reviewer.viewer.window.resize(900, 560)
    smear_viewer.camera.zoom = 6.0
    _settle(qtbot, smear_viewer)
    before = len(rings.texts)
    reviewer.viewer.window.resize(1500, 950)
    qtbot.waitUntil(lambda: len(rings.texts) > before)


def test_reviewed_and_flagged_cells_look_different_from_what_is_left(
    begin: Callable[[], Reviewer], qtbot
) -> None:
    reviewer = begin()
    review, rings = reviewer.controller.smear.review, reviewer.controller.smear_viewer.rings
    flagged = review.selection.current
    reviewer.press(Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    reviewer.press(Qt.Key.Key_Space)
    done = review.selection.current
    reviewer.press(Qt.Key.Key_B)
    left = review.selection.current
    qtbot.waitUntil(lambda: done in reviewer.case.labels)
    width = {cell: rings.layer.border_width[rings.index_of(cell)] for cell in (flagged, done, left)}
    assert flagged in reviewer.case.flags
    assert width[done] < width[flagged]
    assert rings.layer.border_color[rings.index_of(done), 3] < 1


def test_the_smear_is_bare_while_the_key_is_held_wherever_the_focus_goes(begin: Begin, qtbot) -> None:
    reviewer = begin()
    layers, native = reviewer.viewer.layers, reviewer._qt.canvas.native
    shown = [layer.name for layer in layers if layer.visible]
    for let_go in (native, reviewer.panel.review_tab.next_button):
        QTest.keyPress(native, Qt.Key.Key_Period)
        assert [layer.name for layer in layers if layer.visible] == [layers[0].name]
        QTest.keyRelease(let_go, Qt.Key.Key_Period)
        qtbot.waitUntil(lambda: [layer.name for layer in layers if layer.visible] == shown)
