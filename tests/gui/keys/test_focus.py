"""Keys are typed where the focus is, wherever Qt has put it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication


def _has_focus(qtbot, panel) -> None:
    window = panel.window()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=20_000)


def _type(qtbot, key: Qt.Key) -> None:
    """Press a key as the keyboard does: at the widget that has the focus."""
    qtbot.keyClick(QApplication.focusWidget(), key)


def _click_tab(qtbot, panel, name: str) -> None:
    bar = panel.tabs.tabBar()
    place = [bar.tabText(at) for at in range(bar.count())].index(name)
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(place).center())
    assert panel.tabs.currentIndex() == place


def test_keys_are_heard_when_the_control_that_had_the_focus_was_hidden(analysed, qtbot):
    _viewer, panel = analysed
    _has_focus(qtbot, panel)
    review = panel.controller.smear.review
    review.navigation.next()
    _click_tab(qtbot, panel, "Slide")
    panel.slide_tab.open_button.setFocus()
    _click_tab(qtbot, panel, "Review")
    assert not panel.slide_tab.isAncestorOf(QApplication.focusWidget())
    cell = review.selection.current
    _type(qtbot, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"


def test_a_case_that_was_closed_in_review_takes_keys_at_once(analysed, open_panel, field, qtbot):
    viewer, panel = analysed
    panel.controller.smear.review.navigation.next()
    viewer.close()
    _viewer, panel = open_panel()
    _has_focus(qtbot, panel)
    panel.welcome.open_button.setFocus()  # what is hidden when the smear is there
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    review = panel.controller.smear.review
    cell = review.selection.current
    assert panel.tabs.currentWidget() is panel.review_tab
    _type(qtbot, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"


def test_a_letter_in_a_list_that_has_dropped_down_looks_for_an_entry(analysed, qtbot):
    _viewer, panel = analysed
    controller = panel.controller
    _has_focus(qtbot, panel)
    controller.smear.review.navigation.next()
    controller.smear.gallery.show()
    dock = controller.smear.gallery.dock
    qtbot.waitUntil(dock.isVisible)
    before = dict(controller.smear.session.case.labels)
    for box in (dock.order, dock.state):
        box.showPopup()
        qtbot.waitUntil(box.view().isVisible)
        for key in (Qt.Key.Key_M, Qt.Key.Key_N, Qt.Key.Key_1):
            _type(qtbot, key)
        _type(qtbot, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda shown=box.view(): not shown.isVisible())
    dock.code.showPopup()
    qtbot.waitUntil(dock.code.view().isVisible)
    _type(qtbot, Qt.Key.Key_L)
    _type(qtbot, Qt.Key.Key_Return)  # chooses what was looked for, and accepts no cell
    qtbot.waitUntil(lambda: dock.code.currentData() == "LYT")
    assert controller.smear.review.worklist.filters.code == "LYT"
    assert dict(controller.smear.session.case.labels) == before
    dock.view.setFocus()
    cell = controller.smear.review.selection.current
    _type(qtbot, Qt.Key.Key_M)  # and in the gallery itself a letter is a class
    assert controller.smear.session.case.labels[cell].code == "MON"


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_the_comment_box_gives_the_keyboard_back(analysed, qtbot, key):
    _viewer, panel = analysed
    review = panel.controller.smear.review
    _has_focus(qtbot, panel)
    review.navigation.next()
    panel.controller.keys.focus_smear()
    cell, box = review.selection.current, panel.review_tab.comment_box
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(QApplication.focusWidget(), "small")
    _type(qtbot, key)
    assert not box.hasFocus()
    _type(qtbot, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"
    assert box.text() in {"", "small"}


def _float(qtbot, widget):
    """Take a dock out of the window, and give its new window the keyboard without any control in it."""
    dock = widget.parentWidget()
    dock.setFloating(True)
    qtbot.waitUntil(lambda: widget.window() is dock and dock.isVisible())
    dock.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dock, timeout=20_000)
    return dock


def test_keys_work_with_the_panel_undocked(analysed, qtbot):
    _viewer, panel = analysed
    review, window = panel.controller.smear.review, panel.window()
    review.navigation.next()
    dock = _float(qtbot, panel)
    cell = review.selection.current
    qtbot.keyClick(QApplication.focusWidget() or dock, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=20_000)
    cell = review.selection.current
    qtbot.keyClick(window._qt_viewer.canvas.native, Qt.Key.Key_L)
    assert review.session.case.labels[cell].code == "LYT"
    assert panel.controller.keys.on
    panel.controller.keys.focus_smear()
    assert window.centralWidget().hasFocus() or window.centralWidget().isAncestorOf(window.focusWidget())


def test_keys_work_with_the_gallery_undocked(analysed, qtbot):
    _viewer, panel = analysed
    controller = panel.controller
    review = controller.smear.review
    review.navigation.next()
    controller.smear.gallery.show()
    dock = _float(qtbot, controller.smear.gallery.dock)
    cell = review.selection.current
    qtbot.mouseClick(dock, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    qtbot.keyClick(QApplication.focusWidget() or dock, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"
    controller.smear.gallery.dock.view.clearFocus()
    cell = review.selection.current
    qtbot.keyClick(dock, Qt.Key.Key_L)
    assert review.session.case.labels[cell].code == "LYT"
