"""Keys are typed where the focus is, wherever Qt has put it."""

from __future__ import annotations

from qtpy.QtCore import Qt
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
    review = panel.coordinator.review
    review.next()
    _click_tab(qtbot, panel, "Slide")
    panel.slide_tab.open_button.setFocus()
    _click_tab(qtbot, panel, "Review")
    assert not panel.slide_tab.isAncestorOf(QApplication.focusWidget())
    cell = review.selected
    _type(qtbot, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"


def test_a_case_that_was_closed_in_review_takes_keys_at_once(analysed, open_panel, field, qtbot):
    viewer, panel = analysed
    panel.coordinator.review.next()
    viewer.close()
    _viewer, panel = open_panel()
    _has_focus(qtbot, panel)
    panel.empty.open_button.setFocus()  # what is hidden when the smear is there
    with qtbot.waitSignal(panel.coordinator.opened, timeout=20_000):
        panel.coordinator.open_path(field)
    review = panel.coordinator.review
    cell = review.selected
    assert panel.tabs.currentWidget() is panel.review_tab
    _type(qtbot, Qt.Key.Key_M)
    assert review.session.case.labels[cell].code == "MON"
