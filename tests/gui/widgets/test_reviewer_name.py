"""Who reviews is asked for once, in the panel, and is never the login in silence."""

from __future__ import annotations

import getpass

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.widgets.reviewer_name import UNNAMED
from napari_bonemarrow.review import EventKind


@pytest.fixture
def nameless(open_panel, field, qtbot):
    """A panel with a found and classified smear, before which somebody sits who has not said their name."""
    viewer, panel = open_panel(reviewer="")
    controller = panel.controller
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_path(field)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    panel.show_review()
    _bring_to_front(panel, qtbot)
    return viewer, panel


def _bring_to_front(panel, qtbot) -> None:
    window = panel.window()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=20_000)


def _smear(panel):
    return panel.window()._qt_viewer.canvas.native


def test_the_first_class_waits_for_the_name_and_is_given_then(nameless, qtbot):
    _viewer, panel = nameless
    review, part = panel.controller.smear.review, panel.name_part
    case = review.session.case
    assert part.isVisible()  # asked from the start, without taking the keyboard
    review.navigation.next()
    cell = review.selection.current
    qtbot.keyClick(_smear(panel), Qt.Key.Key_M)
    assert not case.labels
    assert part.edit.hasFocus()
    assert part.edit.text() == ""
    qtbot.keyClick(part.edit, Qt.Key.Key_Return)  # an Enter too many names nobody
    assert part.isVisible()
    qtbot.keyClicks(QApplication.focusWidget(), "Dr M")
    assert not case.labels  # letters are a name here
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert case.labels[cell].code == "MON"
    assert case.labels[cell].by == "Dr M"
    assert settings.reviewer() == "Dr M"
    assert not part.isVisible()
    assert panel.header.reviewer_button.text() == "Dr M"
    cell = review.selection.current
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_L)  # the keyboard is the review's again
    assert case.labels[cell].by == "Dr M"


def test_what_the_case_is_told_before_the_review_stands_under_a_name_too(open_panel, plain_field, qtbot):
    _viewer, panel = open_panel(reviewer="")
    controller, tab = panel.controller, panel.slide_tab
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_path(plain_field)
    case = controller.smear.session.case
    _bring_to_front(panel, qtbot)
    qtbot.waitUntil(lambda: not controller.smear.session.estimating, timeout=20_000)
    qtbot.keyClicks(tab.scale_box, "0.08")
    qtbot.mouseClick(tab.confirm_button, Qt.MouseButton.LeftButton)
    assert case.microns_per_pixel is None
    assert panel.name_part.edit.hasFocus()
    qtbot.keyClicks(panel.name_part.edit, "Dr M")
    qtbot.keyClick(panel.name_part.edit, Qt.Key.Key_Return)
    assert case.microns_per_pixel == pytest.approx(0.08)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        qtbot.mouseClick(tab.find_button, Qt.MouseButton.LeftButton)
    named = {event.kind: event.reviewer for event in case.history.events()}
    assert named.pop(EventKind.SLIDE_OPENED) == UNNAMED  # opened by nobody in particular
    assert set(named.values()) == {"Dr M"}


def test_nothing_in_the_case_bears_the_name_of_whoever_is_logged_in(nameless, qtbot):
    _viewer, panel = nameless
    review = panel.controller.smear.review
    review.navigation.next()
    panel.name_part.edit.setText("Dr M")
    qtbot.mouseClick(panel.name_part.ok_button, Qt.MouseButton.LeftButton)
    review.corrections.label("BLA")
    case = review.session.case
    assert {event.reviewer for event in case.history.events()} == {UNNAMED, "Dr M"}
    assert getpass.getuser() not in {event.reviewer for event in case.history.events()}
    assert case.readings.all[0].reviewer == "Dr M"


def test_the_question_may_be_left_and_comes_again_with_the_next_class(nameless, qtbot):
    _viewer, panel = nameless
    review = panel.controller.smear.review
    review.navigation.next()
    qtbot.keyClick(_smear(panel), Qt.Key.Key_M)
    qtbot.keyClick(panel.name_part.edit, Qt.Key.Key_Escape)
    assert not review.session.case.labels
    panel.name_part.named.emit("Dr M")
    assert not review.session.case.labels  # what was left is not done later
    qtbot.keyClick(_smear(panel), Qt.Key.Key_M)
    assert len(review.session.case.labels) == 1


def test_it_is_not_asked_again_the_next_day(nameless, open_panel, field, qtbot):
    viewer, panel = nameless
    panel.name_part.edit.setText("Dr M")
    panel.name_part.ok_button.click()
    viewer.close()
    _viewer, again = open_panel(reviewer="")
    with qtbot.waitSignal(again.controller.queue.all_opened, timeout=20_000):
        again.controller.open_path(field)
    assert not again.name_part.isVisible()
    assert again.header.reviewer_button.text() == "Dr M"
