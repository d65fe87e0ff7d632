"""One key never changes cells that nobody has seen: several are told, dropped in time, and asked about."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology import Frame
from napari_bonemarrow.gui.canvas.napari_compat import text_overlay
from napari_bonemarrow.gui.correction.bulk_caution import MANY, accepting, giving, removing

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(analysed, qtbot):
    """The panel, its review, and a function that presses a key on the smear."""
    _viewer, panel = analysed
    native = panel.window()._qt_viewer.canvas.native

    def press(key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        qtbot.keyClick(native, key, modifier)

    return panel, panel.controller.smear.review, press


def _of_class(review, code: str) -> list[int]:
    case = review.session.case
    ids, codes = case.cells.cell_id.tolist(), case.effective_codes()
    return [cell for cell, each in zip(ids, codes, strict=True) if each == code]


def _select_class(review, press, code: str) -> list[int]:
    cells = _of_class(review, code)
    review.navigation.select(cells[0], go=True)
    press(Qt.Key.Key_A, CTRL)
    assert sorted(review.selection.ids) == cells
    return cells


def test_several_selected_are_told_in_the_heading_and_on_the_canvas(desk):
    panel, review, press = desk
    cells = _select_class(review, press, "NGS")
    assert panel.review_tab.title.text() == f"{len(cells)} selected"
    overlay = text_overlay(review.smear_viewer.viewer)
    assert (overlay.text, overlay.visible) == (f"{len(cells)} selected", True)
    press(Qt.Key.Key_Space)
    assert panel.review_tab.title.text().startswith("Cell ")
    assert not overlay.visible


def test_what_was_done_to_several_is_said_with_the_key_that_takes_it_back(desk):
    panel, review, press = desk
    cells = _select_class(review, press, "NGS")
    press(Qt.Key.Key_D)
    assert all(review.session.case.labels[cell].code == "NGB" for cell in cells)
    assert panel.review_tab.toast.text() == f"{len(cells)} cells → NGB · Ctrl+Z"
    press(Qt.Key.Key_F, SHIFT)
    assert panel.review_tab.toast.text() == f"{len(cells)} cells flagged · Ctrl+Z"
    press(Qt.Key.Key_Z, CTRL)
    assert panel.review_tab.toast.text() == ""
    press(Qt.Key.Key_Z, CTRL)
    assert not review.session.case.labels
    press(Qt.Key.Key_Space)
    press(Qt.Key.Key_K)
    assert panel.review_tab.toast.text() == ""  # one cell is seen: nothing needs to be said


@pytest.mark.parametrize("change", ["class", "order", "state", "grouped"])
def test_a_selection_of_several_is_dropped_when_the_list_is_arranged_otherwise(desk, qtbot, change):
    panel, review, press = desk
    dock = panel.controller.smear.gallery.dock
    press(Qt.Key.Key_F2)
    qtbot.waitUntil(dock.isVisible)
    cells = _select_class(review, press, "NGS")
    current = review.selection.current
    if change == "grouped":
        qtbot.mouseClick(dock.grouped, Qt.MouseButton.LeftButton)
    else:
        box = {"class": dock.code, "order": dock.order, "state": dock.state}[change]
        other = (box.currentIndex() + 1) % box.count()
        box.showPopup()
        place = box.view().visualRect(box.model().index(other, 0)).center()
        qtbot.mouseClick(box.view().viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.waitUntil(lambda: box.currentIndex() == other)
    assert review.selection.ids == (current,)
    review.navigation.set_goes_on(False)
    press(Qt.Key.Key_D)
    assert set(review.session.case.labels) == {current}
    assert len(cells) > 1


def test_a_selection_of_several_is_dropped_by_leaving_the_tab(desk):
    panel, review, press = desk
    _select_class(review, press, "NGS")
    current = review.selection.current
    panel.tabs.setCurrentWidget(panel.count_tab)
    panel.show_review()
    assert review.selection.ids == (current,)
    assert review.selection.current == current


def test_of_several_only_the_current_one_is_selected_when_the_case_is_opened_again(
    desk, field, open_panel, qtbot
):
    panel, review, press = desk
    _select_class(review, press, "NGS")
    current = review.selection.current
    review.smear_viewer.viewer.close()
    _viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    assert panel.controller.smear.review.selection.ids == (current,)


def test_every_cell_of_a_class_is_none_that_the_filter_no_longer_asks_for(desk):
    _panel, review, press = desk
    review.worklist.narrow(state="waiting")
    first, *others = _of_class(review, "NGS")
    review.navigation.set_goes_on(False)
    review.navigation.select(first, go=True)
    press(Qt.Key.Key_S)  # reviewed: it keeps its place in the list, and is none of the waiting any more
    review.navigation.select(others[0], go=True)
    press(Qt.Key.Key_A, CTRL)
    assert sorted(review.selection.ids) == others


def test_a_critical_class_is_asked_about_and_a_held_enter_is_no_answer(desk, qtbot):
    _panel, review, press = desk
    case = review.session.case
    cells = _select_class(review, press, "NGS")
    press(Qt.Key.Key_B)
    dialog = review.caution.dialog
    assert not case.labels
    assert f"Give {len(cells)} cells the class BLA" in dialog.question.text()
    assert f"{len(cells)} NGS" in dialog.present.text()
    assert dialog.focusWidget() is dialog.cancel_button
    press(Qt.Key.Key_D)  # nothing else is done meanwhile
    assert not case.labels
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(dialog, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, none, "\r", True))
    assert review.caution.dialog is dialog
    dialog.activateWindow()
    qtbot.waitUntil(dialog.cancel_button.hasFocus)
    QTest.keyClick(dialog.cancel_button, Qt.Key.Key_Return)  # a fresh one means No, which has the focus
    assert review.caution.dialog is None
    assert not case.labels
    press(Qt.Key.Key_B)
    QTest.keyClick(review.caution.dialog, Qt.Key.Key_Return, CTRL)
    assert all(case.labels[cell].code == "BLA" for cell in cells)
    press(Qt.Key.Key_S)  # and what is critical is not taken away unasked either
    assert review.caution.dialog is not None
    qtbot.mouseClick(review.caution.dialog.accept_button, Qt.MouseButton.LeftButton)
    assert all(case.labels[cell].code == "NGS" for cell in cells)


def test_one_cell_is_never_asked_about(desk):
    _panel, review, press = desk
    review.navigation.next()
    cell = review.selection.current
    press(Qt.Key.Key_B)
    assert review.session.case.labels[cell].code == "BLA"


def test_more_cells_than_are_seen_at_a_glance_are_asked_about_whatever_is_done():
    class Known:
        """Every cell is a segmented neutrophil."""

        def effective_code(self, _cell: int) -> str:
            return "NGS"

    few, many, case = range(MANY), range(MANY + 1), Known()
    assert not giving(case, few, "NGB").is_asked
    assert giving(case, many, "NGB").is_asked
    assert giving(case, range(2), "BLA").is_asked
    assert not giving(case, range(1), "BLA").is_asked
    assert not removing(case, few).is_asked
    assert removing(case, many).is_asked
    assert accepting(case, {"NGS": list(many)}).is_asked
    assert accepting(case, {"NGS": [1], "BLA": [2]}).is_asked


def test_a_flag_on_many_cells_is_asked_about(desk, qtbot):
    _panel, review, press = desk
    case = review.session.case
    scale, cells = review.session.slide.microns_per_pixel, case.cells
    grid = [(x, y) for x in range(60, 860, 80) for y in range(60, 660, 80)]
    free = [each for each in grid if np.hypot(cells.x - each[0], cells.y - each[1]).min() * scale > 6]
    for x, y in free[:MANY]:
        case.cell_edits.add(x, y)
    case.set_label(case.cells.cell_id.tolist(), "NGS")
    review.case_sync.settle()
    assert isinstance(case.frame, Frame)
    review.worklist.narrow(counted=False)
    cells = _select_class(review, press, "NGS")
    assert len(cells) > MANY
    press(Qt.Key.Key_F, SHIFT)
    assert not case.flags
    QTest.keyClick(review.caution.dialog, Qt.Key.Key_Escape)
    assert not case.flags
    press(Qt.Key.Key_Delete)
    QTest.keyClick(review.caution.dialog, Qt.Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: not len(case.cells))
