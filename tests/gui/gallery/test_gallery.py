"""The gallery: one view of the work list, on the one selection, kept equal to the case."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, QRect, Qt
from qtpy.QtGui import QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QSlider

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.gui.gallery.grid_layout import GAP, GridLayout
from napari_bonemarrow.gui.widgets.cell_drag import cells_as_mime, cells_of
from napari_bonemarrow.review.worklist.filters import Group

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def _grid(**asked) -> GridLayout:
    groups = (Group("BLA", 0, 2), Group("NGS", 2, 9), Group("LYT", 9, 10))
    return GridLayout(groups, GAP + 3 * 104, (100, 117), 22, **asked)


def test_every_place_is_found_where_it_lies() -> None:
    grid = _grid()
    assert grid.columns == 3
    for place in range(10):
        x, y = grid.corner(place)
        assert grid.place_at(x, y) == grid.place_at(x + 99, y + 116) == place
        assert grid.place_at(x - 1, y) == -1
    seen = [place for _section, places in grid.between(0, grid.height) for place in places]
    assert seen == list(range(10))


@pytest.mark.parametrize("box", [(0, 0, 400, 900), (110, 30, 215, 160), (2, 300, 2, 300), (0, 140, 90, 400)])
def test_a_band_selects_what_it_touches(box: tuple[int, int, int, int]) -> None:
    grid = _grid()
    band = QRect(QPoint(*box[:2]), QPoint(*box[2:]))
    touched = [place for place in range(10) if band.intersects(QRect(*grid.corner(place), 100, 117))]
    assert grid.inside(*box).tolist() == touched


def test_arrows_pass_over_what_is_folded() -> None:
    grid = _grid(folded={"NGS"})
    assert grid.step(1, 1, 0) == 9
    assert grid.step(9, 0, -1) == 0
    assert grid.step(0, 0, 1) == 9
    assert (grid.first(1), grid.first(-1)) == (0, 9)
    assert _grid().step(5, 0, 1) == 8
    assert _grid(folded={"BLA", "NGS", "LYT"}).first(1) == -1


def test_what_is_dragged_is_read_again_and_nothing_else() -> None:
    data = cells_as_mime(np.array([3, 7]))
    assert cells_of(data) == (3, 7)
    data.setData(data.formats()[0], b'{"cells": 1}')
    assert cells_of(data) == ()


@pytest.fixture
def shown(analysed, qtbot):
    """A controller whose gallery is seen."""
    _viewer, panel = analysed
    gallery = panel.controller.smear.gallery
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: gallery.dock.isVisible() and gallery.dock.view.painted is not None)
    return panel.controller


def _middle(view, place: int) -> QPoint:
    return view.visualRect(view.model().index(place)).center()


def test_it_is_reviewed_by_keys_alone(shown, qtbot) -> None:
    view, review, case = shown.smear.gallery.dock.view, shown.smear.review, shown.smear.session.case
    ids = shown.smear.gallery.dock.model.ids.tolist()
    assert ids == review.worklist.ids.tolist()
    view.window().activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert review.selection.ids == (ids[0],)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    qtbot.keyClick(view, Qt.Key.Key_Right, SHIFT)
    assert review.selection.ids == (ids[1], ids[2])
    assert review.selection.current == ids[2]
    qtbot.keyClick(view, Qt.Key.Key_B)
    qtbot.mouseClick(review.caution.dialog.accept_button, LEFT)  # two blasts at once are asked about
    assert {case.labels[cell].code for cell in ids[1:3]} == {"BLA"}
    view.window().activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    qtbot.keyClick(view, Qt.Key.Key_Z, CTRL)
    assert not case.labels
    qtbot.keyClick(view, Qt.Key.Key_Home)
    qtbot.keyClick(view, Qt.Key.Key_C)
    assert case.labels[ids[0]].code == "PLM"
    assert review.selection.current == ids[1]  # it goes on in the order of the gallery
    assert shown.smear.gallery.dock.progress.text() == f"1 of {len(ids)} reviewed"
    look = view.cells.look(0)
    assert (CODES[look.code], look.reviewed, look.percent) == ("PLM", True, -1)


def test_the_selection_is_the_same_both_ways(shown, qtbot) -> None:
    view, selection = shown.smear.gallery.dock.view, shown.smear.review.selection
    ids = shown.smear.gallery.dock.model.ids.tolist()
    port = view.viewport()
    qtbot.mouseClick(port, LEFT, pos=_middle(view, 0))
    qtbot.mouseClick(port, LEFT, CTRL, _middle(view, 2))
    assert selection.ids == (ids[0], ids[2])
    qtbot.mouseClick(port, LEFT, SHIFT, _middle(view, 3))
    assert set(selection.ids) == {ids[2], ids[3]}
    selection.set((ids[-1], ids[1]), ids[-1])
    assert np.flatnonzero(view._selected).tolist() == [1, len(ids) - 1]
    assert view.currentIndex().row() == len(ids) - 1
    assert port.rect().intersects(view.visualRect(view.currentIndex()))


def test_a_rubber_band_selects(shown, qtbot) -> None:
    view, selection = shown.smear.gallery.dock.view, shown.smear.review.selection
    ids, port = shown.smear.gallery.dock.model.ids.tolist(), view.viewport()
    view.verticalScrollBar().setValue(0)
    qtbot.mousePress(port, LEFT, pos=QPoint(1, 1))
    for at in (QPoint(30, 30), _middle(view, 1)):
        qtbot.mouseMove(port, at)
        view.mouseMoveEvent(_move(port, at))
    qtbot.mouseRelease(port, LEFT, pos=_middle(view, 1))
    assert selection.ids == (ids[0], ids[1])
    assert view.gestures.band is None


def _move(port, at: QPoint):
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QMouseEvent

    place = QPointF(at)
    return QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        QPointF(port.mapToGlobal(at)),
        Qt.MouseButton.NoButton,
        LEFT,
        Qt.KeyboardModifier.NoModifier,
    )


class _Dropped(QDropEvent):
    """A drop that says where it comes from, as one by mouse does."""

    origin = None

    def source(self):
        return self.origin


def test_cells_dropped_on_a_class_are_given_it_by_one_act(shown) -> None:
    view, case = shown.smear.gallery.dock.view, shown.smear.session.case
    ids = tuple(shown.smear.gallery.dock.model.ids[:3].tolist())
    shown.smear.review.selection.set(ids)
    onto, data = shown.panel.review_tab.grid.buttons["PLM"], cells_as_mime(ids)
    drop = _Dropped(QPointF(4, 4), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    onto.dropEvent(drop)
    assert not case.labels  # of another program
    drop.origin = view
    onto.dropEvent(drop)
    shown.smear.review.caution.dialog.accept()
    assert {cell: label.code for cell, label in case.labels.items()} == dict.fromkeys(ids, "PLM")
    case.undo()
    assert not case.labels


def test_thumbnails_dropped_into_another_group_are_given_its_class(shown, qtbot) -> None:
    dock, case = shown.smear.gallery.dock, shown.smear.session.case
    view = dock.view
    dock.order.setCurrentIndex(dock.order.findData("class"))
    first, other = view.grid.sections[0], view.grid.sections[1]
    ids = tuple(dock.model.ids[first.group.start : first.group.start + 2].tolist())
    shown.smear.review.selection.set(ids)
    at = QPointF(30, other.top - view.verticalOffset() + other.height // 2)
    data = cells_as_mime(ids)  # Qt does not keep it
    drop = _Dropped(at, Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    view.dropEvent(drop)
    assert not drop.isAccepted()  # of another program
    drop.origin = view
    view.dropEvent(drop)
    qtbot.waitUntil(lambda: shown.smear.review.caution.dialog is not None)  # blasts are asked about
    assert not case.labels
    shown.smear.review.caution.dialog.accept()
    assert {cell: label.code for cell, label in case.labels.items()} == dict.fromkeys(ids, other.group.code)
    case.undo()
    assert not case.labels


def test_a_group_says_while_dragging_that_it_takes_what_falls(shown) -> None:
    dock = shown.smear.gallery.dock
    view = dock.view
    dock.order.setCurrentIndex(dock.order.findData("class"))
    other = view.grid.sections[1]
    assert _moved_over(view, other.top + 5, tuple(dock.model.ids[:1].tolist())).isAccepted()
    assert view.drop.onto == other
    dock.order.setCurrentIndex(dock.order.findData("position"))
    dock.grouped.setChecked(False)  # one list: no group to fall into
    assert not _moved_over(view, 30, tuple(dock.model.ids[:1].tolist())).isAccepted()


class _Moved(QDragMoveEvent):
    origin = None

    def source(self):
        return self.origin


def _moved_over(view, y: int, ids: tuple[int, ...]) -> _Moved:
    data = cells_as_mime(ids)
    event = _Moved(QPoint(30, y), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    event.origin, event.data = view, data
    view.dragMoveEvent(event)
    return event


def test_the_header_says_what_the_list_holds(shown, qtbot) -> None:
    dock, work = shown.smear.gallery.dock, shown.smear.review.worklist
    dock.order.setCurrentIndex(dock.order.findData("class"))
    assert (work.order, work.grouped) == ("class", True)
    assert [each.group.code for each in dock.view.grid.sections] == [each.code for each in work.groups]
    cell = int(work.ids[0])
    shown.smear.review.navigation.select(cell, go=False)
    shown.smear.review.corrections.label("PLM", go_on=False)
    assert work.place_of(cell) == 0  # it stays where the reviewer left it
    assert dock.anew.isVisible()
    assert "1 moved" in dock.anew.text()
    dock.anew.click()
    assert not dock.anew.isVisible()
    dock.state.setCurrentIndex(dock.state.findData("reviewed"))
    assert dock.model.ids.tolist() == [cell]
    dock.flagged.setChecked(True)
    assert not dock.model.rowCount()
    assert dock.view.empty_text == "No cell is flagged among those asked for."


def test_it_shows_what_was_restored_and_narrowed_elsewhere(shown) -> None:
    dock, work = shown.smear.gallery.dock, shown.smear.review.worklist
    work.restore({"order": "position", "grouped": True, "filters": {"state": "waiting"}})
    shown.smear.gallery.refresh()
    assert (dock.order.currentData(), dock.state.currentData()) == ("position", "waiting")
    assert dock.grouped.isChecked()
    work.narrow(disagreement=True)
    shown.smear.review.selection.set(())
    shown.smear.review.navigation.next()
    shown.smear.gallery._on_selection()
    assert dock.disputed.isChecked()
    assert dock.view.empty_text == "No disagreement among the cells asked for."


def test_crops_come_for_what_is_seen_and_a_hatch_where_there_is_none(shown, qtbot) -> None:
    dock = shown.smear.gallery.dock
    view, store, cell = dock.view, dock.store, int(dock.model.ids[0])
    qtbot.waitUntil(lambda: store.get(cell) is not None, timeout=10_000)
    before = view.viewport().grab().toImage()
    store.forget()
    store._unreadable.add(cell)
    view.viewport().update()
    after = view.viewport().grab().toImage()
    at = _middle(view, 0)
    box = QRect(at - QPoint(40, 45), at + QPoint(40, -20))
    assert before.copy(box) != after.copy(box)
    colours = {
        after.pixel(x, y) for x in range(box.left(), box.right()) for y in range(box.top(), box.bottom())
    }
    assert 2 <= len(colours) <= 40  # lines on one ground, and no photograph


def test_every_control_has_a_name(shown) -> None:
    dock = shown.smear.gallery.dock
    for control in dock.findChildren(QComboBox) + dock.findChildren(QSlider) + dock.findChildren(QCheckBox):
        if control.parent() is not None and control.isVisible():
            assert control.accessibleName() or control.text()
    assert dock.view.accessibleName() == "Cells"
    index = dock.model.index(0)
    assert "not reviewed" in dock.model.data(index, Qt.ItemDataRole.AccessibleTextRole)
