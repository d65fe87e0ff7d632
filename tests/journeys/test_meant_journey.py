"""What was labelled is what was meant: a whole sitting of wrong keys at wrong moments, over two smears."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology import BMC21, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import open_slide

from .reviewer import LOADING, Reviewer

CELLS = {"BLA": 4, "NGS": 12, "EBO": 8, "LYT": 6}
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def _classified(path: Path, width: int, height: int) -> Path:
    """Draw a smear with a case beside it, in which a model has classed the cells."""
    smear = draw_smear(23, width=width, height=height, cells_per_class=CELLS)
    path = Path(write_sample(path, smear))
    with Case.create(case_path_for(path), open_slide(path), reviewer="first") as case:
        case.sampling.set_frame(Frame.whole_field(width, height, 0.0), len(smear.cells))
        found = case.detection.record(smear.cells)
        rows = np.full((len(found), len(BMC21)), 0.01, np.float32)
        rows[np.arange(len(found)), [BMC21.index(code) for code in smear.codes]] = 0.8
        rows /= rows.sum(axis=1, keepdims=True)
        model = ModelReference("drawn", "0" * 64)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        case.model.record_predictions(Predictions(found.cell_id, rows, BMC21, support, model))
    return path


@pytest.fixture
def smears(tmp_path: Path) -> tuple[Path, Path]:
    first = _classified(tmp_path / "first.png", 1500, 1100)
    second = tmp_path / "second.png"
    shutil.copy(first, second)
    return first, second


def _open(reviewer: Reviewer, path: Path) -> None:
    with reviewer.qtbot.waitSignal(reviewer.controller.queue.all_opened, timeout=LOADING):
        reviewer.controller.open_path(path)


def _has_keyboard(reviewer: Reviewer, window) -> None:
    window.activateWindow()
    reviewer.qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=LOADING)


def _says_who_reviews(reviewer: Reviewer) -> None:
    """The first class asks for a name, once."""
    review, part = reviewer.controller.smear.review, reviewer.panel.name_part
    cell = review.selection.current
    reviewer.type(Qt.Key.Key_M)
    assert part.edit.hasFocus()
    assert not reviewer.case.labels
    reviewer.qtbot.keyClicks(QApplication.focusWidget(), "Bea")
    reviewer.type(Qt.Key.Key_Return)
    assert (reviewer.case.labels[cell].code, reviewer.case.labels[cell].by) == ("MON", "Bea")


def _selects_and_filters(reviewer: Reviewer) -> None:
    """Ctrl+A, another filter by letters in its list, then a letter: one cell is labelled, that is seen."""
    review, dock, qtbot = (
        reviewer.controller.smear.review,
        reviewer.controller.smear.gallery.dock,
        reviewer.qtbot,
    )
    reviewer.type(Qt.Key.Key_F2)
    qtbot.waitUntil(lambda: dock.isVisible() and dock.view.hasFocus())
    reviewer.type(Qt.Key.Key_End)
    reviewer.type(Qt.Key.Key_A, CTRL)
    selected = len(review.selection)
    assert selected > 1
    assert reviewer.panel.review_tab.title.text() == f"{selected} selected"
    labels = dict(reviewer.case.labels)
    dock.code.showPopup()
    qtbot.waitUntil(dock.code.view().isVisible)
    reviewer.type(Qt.Key.Key_E)
    reviewer.type(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dock.code.currentData() == "EBO")
    assert dict(reviewer.case.labels) == labels
    assert len(review.selection) == 1
    cell = review.selection.current
    reviewer.press(Qt.Key.Key_L)
    assert set(reviewer.case.labels) - set(labels) <= {cell}
    dock.code.setCurrentIndex(0)


def _asks_before_many(reviewer: Reviewer) -> None:
    """Everything selected and a letter: the question stands, and a habitual Enter does nothing."""
    review, dock = reviewer.controller.smear.review, reviewer.controller.smear.gallery.dock
    dock.view.setFocus()
    reviewer.type(Qt.Key.Key_Home)
    reviewer.type(Qt.Key.Key_End, SHIFT)
    count, labels = len(review.selection), dict(reviewer.case.labels)
    assert count > 20
    reviewer.type(Qt.Key.Key_D)
    dialog = review.caution.dialog
    assert f"Give {count} cells the class NGB" in dialog.question.text()
    _has_keyboard(reviewer, dialog)
    reviewer.qtbot.waitUntil(dialog.cancel_button.hasFocus)
    reviewer.type(Qt.Key.Key_Return)
    assert review.caution.dialog is None
    assert dict(reviewer.case.labels) == labels
    _has_keyboard(reviewer, reviewer.panel.window())


def _comments(reviewer: Reviewer) -> None:
    """A comment, Enter, and the next letter is a class again."""
    review = reviewer.controller.smear.review
    reviewer.controller.keys.focus_smear()
    reviewer.type(Qt.Key.Key_Space)
    cell = review.selection.current
    reviewer.type(Qt.Key.Key_W, SHIFT)
    reviewer.qtbot.keyClicks(QApplication.focusWidget(), "Auer rod?")
    reviewer.type(Qt.Key.Key_Return)
    assert reviewer.case.edits.comments[-1].text == "Auer rod?"
    reviewer.type(Qt.Key.Key_B)
    assert reviewer.case.labels[cell].code == "BLA"


def _works_undocked(reviewer: Reviewer) -> None:
    """The panel in a window of its own: keys there and on the smear."""
    review, panel = reviewer.controller.smear.review, reviewer.panel
    main, dock = panel.window(), panel.parentWidget()
    dock.setFloating(True)
    reviewer.qtbot.waitUntil(lambda: panel.window() is dock and dock.isVisible())
    _has_keyboard(reviewer, dock)
    cell = review.selection.current
    reviewer.qtbot.keyClick(QApplication.focusWidget() or dock, Qt.Key.Key_S)
    assert reviewer.case.labels[cell].code == "NGS"
    _has_keyboard(reviewer, main)
    cell = review.selection.current
    reviewer.press(Qt.Key.Key_N)
    assert reviewer.case.labels[cell].code == "EBO"
    dock.setFloating(False)
    reviewer.qtbot.waitUntil(lambda: panel.window() is main)


def _keys_while_the_second_opens(reviewer: Reviewer, second: Path) -> None:
    """Keys that come too early change neither the old case nor the new one."""
    case, panel = reviewer.case, reviewer.panel
    events = len(case.history.events())
    with reviewer.qtbot.waitSignal(reviewer.controller.queue.all_opened, timeout=LOADING):
        reviewer.controller.open_path(second)
        assert panel.busy.isVisible()
        for key in (Qt.Key.Key_M, Qt.Key.Key_Return, Qt.Key.Key_Delete):
            reviewer.press(key)
            reviewer.type(key)
        assert len(case.history.events()) == events
    assert reviewer.controller.smear.session.slide.path == second
    assert [each.kind for each in reviewer.case.history.events()].count("label set") == 0
    seen = reviewer.controller.smear_viewer.view.viewport()
    assert all(side >= whole for side, whole in zip(seen.size, seen.smear, strict=True))  # shown whole
    names = [layer.name for layer in reviewer.viewer.layers if layer.visible]
    assert [name for name in names if name != "counted frame"] == ["second", "cells"]


def test_a_sitting_of_wrong_keys_at_wrong_moments(
    come_in: Callable[..., Reviewer], smears: tuple[Path, Path]
):
    first, second = smears
    reviewer = come_in(reviewer="")
    _open(reviewer, first)
    _has_keyboard(reviewer, reviewer.panel.window())
    reviewer.click_button(reviewer.panel.slide_tab.review_button)
    reviewer.wait_for_screen()
    _says_who_reviews(reviewer)
    _selects_and_filters(reviewer)
    _asks_before_many(reviewer)
    _comments(reviewer)
    _works_undocked(reviewer)
    labels = {cell: label.code for cell, label in reviewer.case.labels.items()}
    _keys_while_the_second_opens(reviewer, second)
    session = reviewer.controller.smear.session
    _open(reviewer, second)  # once more: it comes to the front and locks nobody out
    assert reviewer.controller.smear.session is session
    assert not session.case.read_only
    _open(reviewer, first)
    assert {cell: label.code for cell, label in reviewer.case.labels.items()} == labels
    assert len(reviewer.controller.smear.review.selection) <= 1
