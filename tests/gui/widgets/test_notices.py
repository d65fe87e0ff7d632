"""Errors stand in the panel, whole, until they are dealt with."""

from __future__ import annotations

import pytest
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.widgets.notice_strip import Notice, NoticeStrip
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors
from napari_bonemarrow.gui.window.panel import WIDTH

LONG = "field.png: the file ends in the midst of its pixels: copy it again from the microscope. " * 3


@pytest.fixture
def strip(qtbot):
    made = NoticeStrip()
    qtbot.addWidget(made)
    made.setStyleSheet(stylesheet(theme_colors("dark")))
    made.resize(WIDTH, 200)
    return made


def _open(panel, qtbot, path) -> None:
    with qtbot.waitSignal(panel.controller.queue.all_opened, timeout=20_000):
        panel.controller.open_path(path)


def _texts(panel) -> list[str]:
    return [each.text for each in panel.controller.notices.open]


def test_nothing_is_shown_where_there_is_nothing_to_know(strip):
    strip.show_notices([])
    assert strip.isHidden()


def test_a_text_is_shown_whole_and_as_it_is(strip, qtbot):
    strip.show_notices([Notice(f"<b>{LONG}</b>")])
    strip.show()
    assert strip.text.text() == f"⚠ <b>{LONG}</b>"
    assert strip.text.textFormat() == Qt.TextFormat.PlainText
    assert strip.text.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    qtbot.waitUntil(lambda: strip.area.height() >= strip.text.heightForWidth(strip.area.viewport().width()))
    strip.show_notices([Notice(LONG * 20)])
    assert strip.area.height() < 200 < strip.text.heightForWidth(strip.area.viewport().width())
    assert strip.area.verticalScrollBar().maximum() > 0


def test_several_are_counted_and_gone_through_the_newest_first(strip):
    notices = [Notice("first"), Notice("second", problem=False), Notice("third")]
    strip.show_notices(notices)
    assert (strip.shown.text, strip.count_text.text()) == ("third", "3 of 3")
    strip.earlier_button.click()
    assert (strip.text.text(), strip.count_text.text()) == ("second", "2 of 3")
    strip.show_notices(notices[:2])
    assert strip.shown.text == "second"  # what is read does not slip away
    strip.show_notices([*notices[:2], Notice("new")])
    assert strip.shown.text == "new"
    gone = []
    strip.dismissed.connect(gone.append)
    strip.dismiss_button.click()
    assert gone == [Notice("new")]


def test_all_are_copied_as_text(strip):
    strip.show_notices([Notice("first"), Notice("second", times=2)])
    strip.copy_button.click()
    assert QGuiApplication.clipboard().text() == "first\nsecond (2 times)"


def test_a_file_that_cannot_be_opened_is_told_until_one_can(open_panel, field, tmp_path, qtbot, notices):
    _viewer, panel = open_panel()
    bad = tmp_path / "text.png"
    bad.write_text("no image")
    _open(panel, qtbot, bad)
    assert panel.notices.isVisible()
    [text] = _texts(panel)
    assert "text.png" in text
    assert text in panel.notices.text.text()
    assert text in notices  # the toast besides
    _open(panel, qtbot, bad)
    assert panel.controller.notices.open[0].times == 2
    _open(panel, qtbot, field)
    assert _texts(panel) == []
    assert panel.notices.isHidden()


def test_a_notice_is_put_away_by_hand(open_panel, qtbot):
    _viewer, panel = open_panel()
    panel.controller.notices.warn("first")
    panel.controller.notices.fail(BoneMarrowError("second:\nwhat to do"))
    assert _texts(panel) == ["first", "second: what to do"]
    panel.notices.dismiss_button.click()
    assert _texts(panel) == ["first"]
    assert panel.notices.text.text() == "first"
    panel.notices.dismiss_button.click()
    assert panel.notices.isHidden()


def test_what_is_about_a_smear_goes_with_it_and_the_rest_stays(analysed, qtbot):
    viewer, panel = analysed
    told = panel.controller.notices
    told.failing("review")(BoneMarrowError("the disk is full"))
    told.fail(BoneMarrowError("no such folder"), "export")
    told.fail(BoneMarrowError("a model that is spoilt"), "model")
    panel.controller.smear.review.navigation.next()
    panel.controller.smear.review.corrections.label("BLA")
    assert _texts(panel) == ["no such folder", "a model that is spoilt"]  # a label was written again
    with qtbot.waitSignal(panel.controller.smear_viewer.smear_removed):
        viewer.layers.remove(panel.controller.smear_viewer.smear)
    assert _texts(panel) == ["a model that is spoilt"]


def test_an_export_that_goes_well_settles_the_one_that_did_not(analysed, tmp_path):
    from napari_bonemarrow.gui.shell.export_dialog import first_options, write_export

    _viewer, panel = analysed
    session, told = panel.controller.smear.session, panel.controller.notices
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    assert not write_export(session, first_options(), blocked / "cells.csv", told)
    assert len(_texts(panel)) == 1
    assert write_export(session, first_options(), tmp_path / "cells.csv", told)
    assert _texts(panel) == []


def test_what_naparis_own_menu_could_not_open_stands_there_too(open_panel, tmp_path, qtbot):
    from napari.utils.notifications import notification_manager

    from napari_bonemarrow.gui import npe2_reader

    _viewer, panel = open_panel()
    bad = tmp_path / "text.png"
    bad.write_text("no image")
    try:
        npe2_reader.read(str(bad))
    except BoneMarrowError as error:
        notification_manager.receive_error(type(error), error, error.__traceback__)
    qtbot.waitUntil(lambda: bool(_texts(panel)))
    assert "text.png" in _texts(panel)[0]
    show_error("another plugin's")
    with pytest.raises(ZeroDivisionError):
        1 / 0  # noqa: B018
    assert len(_texts(panel)) == 1


def test_a_closed_panel_hears_no_more(open_panel, qtbot):
    from napari.utils.notifications import notification_manager

    def listening() -> list[object]:
        return [
            each for each in notification_manager.notification_ready.callbacks if "_on_napari" in str(each)
        ]

    viewer, panel = open_panel()
    assert len(listening()) == 1
    with qtbot.waitSignal(panel.destroyed):
        viewer.window.remove_dock_widget(panel)
    assert listening() == []
