"""While a smear opens nothing is done to the one before it; one that is open already comes to the front."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.gui.setup import smear_opener
from napari_bonemarrow.review import case_path_for


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch):
    """Hold every opening of a slide until the gate is opened."""
    gate, open_slide = Event(), smear_opener.open_slide

    def wait(path: Path):
        assert gate.wait(30)
        return open_slide(path)

    def close() -> Event:
        monkeypatch.setattr(smear_opener, "open_slide", wait)
        return gate

    yield close
    gate.set()


@pytest.fixture
def other(field: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(field, tmp_path / "other.png"))


def _press_all_over(qtbot, panel) -> None:
    """Press keys wherever they could be heard, and click where a class could be given."""
    native = panel.window()._qt_viewer.canvas.native
    for target in (native, panel, QApplication.focusWidget() or panel.window()):
        for key in (Qt.Key.Key_M, Qt.Key.Key_Return, Qt.Key.Key_1, Qt.Key.Key_Delete):
            qtbot.keyClick(target, key)
    qtbot.mouseClick(panel.review_tab.grid.buttons["MON"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.review_tab.accept_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=native.rect().center())


def test_while_a_smear_opens_the_old_cases_controls_are_dead_and_a_sign_stands(analysed, qtbot, gate, other):
    _viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    case, selected = controller.smear.session.case, controller.smear.review.selection.ids
    opened, events = gate(), len(case.history.events())
    controller.open_path(other)
    assert "Opening other.png" in panel.busy.text.text()
    assert panel.busy.isVisible()
    _press_all_over(qtbot, panel)
    assert len(case.history.events()) == events
    assert controller.smear.review.selection.ids == selected
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        opened.set()
    assert controller.smear.session.slide.path == other
    assert not panel.busy.isVisible()
    assert panel.tabs.isEnabled()


def test_an_opening_that_is_stopped_leaves_the_case_as_it_was(analysed, qtbot, gate, other):
    _viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    session = controller.smear.session
    opened = gate()
    controller.open_path(other)
    qtbot.mouseClick(panel.busy.stop_button, Qt.MouseButton.LeftButton)
    assert not panel.busy.isVisible()
    opened.set()
    cell = controller.smear.review.selection.current
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_M)
    assert session.case.labels[cell].code == "MON"
    assert controller.smear.session is session
    assert not case_path_for(other).exists()


def test_a_smear_that_cannot_be_opened_gives_the_keys_back(analysed, qtbot, tmp_path):
    _viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_path(tmp_path / "missing.png")
    cell = controller.smear.review.selection.current
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_M)
    assert controller.smear.session.case.labels[cell].code == "MON"


@pytest.mark.parametrize("way", ["smear", "case", "napari"])
def test_the_same_case_opened_again_comes_to_the_front(analysed, qtbot, field, notices, way):
    viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    session, cell = controller.smear.session, controller.smear.review.selection.current
    controller.smear_viewer.smear.visible = False
    if way == "napari":
        viewer.open(str(field), plugin="napari-bonemarrow")
        qtbot.waitUntil(lambda: len(controller.smear_viewer.smears()) == 1)
    else:
        with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
            controller.open_path(field if way == "smear" else case_path_for(field))
    assert controller.smear.session is session
    assert not session.case.read_only
    assert [layer.name for layer in viewer.layers] == ["field", "counted frame", "cells"]
    assert controller.smear_viewer.smear.visible
    assert "field.png is open already." in notices
    assert not [text for text in notices if "being reviewed by" in text]
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_M)
    assert session.case.labels[cell].code == "MON"
