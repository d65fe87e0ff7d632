"""The one table of keys, and the help page printed from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.cytology import BMC21, CLASSES, REVIEWER_ONLY, TAGS
from napari_bonemarrow.gui.keys.bindings import DEFAULTS, TABLE, help_html, help_markdown, key_of
from napari_bonemarrow.gui.keys.help_dialog import HelpDialog
from napari_bonemarrow.gui.keys.key_filter import KeyFilter


def test_no_key_does_two_things():
    keys = [binding.key for binding in DEFAULTS if binding.key]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("code", BMC21)
def test_each_of_the_21_has_one_plain_letter(code):
    assert re.fullmatch("[A-Z]", key_of("label", code))
    assert key_of("label", code) not in {"E", "F", "U", "W", "J"}


@pytest.mark.parametrize("code", REVIEWER_ONLY)
def test_reviewers_own_classes_are_on_shift(code):
    assert re.fullmatch("Shift\\+[A-Z]", key_of("label", code))


def test_every_class_tag_and_rank_has_its_key():
    done = {(binding.act, binding.argument) for binding in DEFAULTS}
    assert {("label", code) for code in CLASSES} <= done
    assert {("tag", tag) for tag in TAGS} <= done
    assert {("guess", str(rank)) for rank in range(1, 6)} <= done


def test_the_help_page_prints_every_key_and_its_text():
    page = help_html()
    for binding in DEFAULTS:
        assert binding.key in page
        assert binding.text in page


def test_qt_understands_every_key():
    keys = [binding.key for binding in DEFAULTS if binding.key]
    read = [QKeySequence(key) for key in keys]
    assert all(sequence.count() == 1 and sequence.toString() for sequence in read)
    assert len({sequence.toString() for sequence in read}) == len(keys)


def test_an_act_without_a_key_is_said_so():
    with pytest.raises(KeyError):
        key_of("label", "XYZ")


def test_the_documentation_prints_every_key_and_its_text():
    text = help_markdown()
    for binding in DEFAULTS:
        keys = f"`{binding.key}`" if binding.key else "no key"
        assert any(keys in line and binding.text in line for line in text.splitlines())


# where the keys work ------------------------------------------------------------------------------

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def _first_keys() -> Iterator[None]:
    TABLE.reset_all()
    yield
    TABLE.reset_all()


def test_napari_s_own_keys_are_shadowed_on_every_layer_and_given_back(analysed, qtbot):
    viewer, panel = analysed
    canvas, keys = panel.window()._qt_viewer.canvas.native, panel.controller.keys
    layers = (viewer.layers["field"], viewer.layers["cells"])
    heard: list[str] = []
    napari_heard: set[str] = set()  # it hears what the canvas leaves over a second time
    keys.pressed.disconnect()
    keys.pressed.connect(lambda binding: heard.append(binding.act))

    def hear(event) -> None:
        if event.key.name not in {"Control", "Shift"}:
            napari_heard.add(event.key.name)

    canvas._vispy_canvas.events.key_press.connect(hear)
    panel.show_review()
    assert keys.on
    for layer in layers:
        viewer.layers.selection.active = layer
        heard.clear()
        for key in (Qt.Key.Key_1, Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            qtbot.keyClick(canvas, key)
        qtbot.keyClick(canvas, Qt.Key.Key_Z, CTRL)
        qtbot.keyClick(canvas, Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier)
        qtbot.keyClick(canvas, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
        qtbot.keyClick(canvas, Qt.Key.Key_Equal, SHIFT)  # a German keyboard has it on Shift+0
        qtbot.keyClick(canvas, Qt.Key.Key_Question, SHIFT)
        acts = ["guess", "next", "remove", "back", "undo", "guess", "accept", "add", "help"]
        assert heard == acts
    assert napari_heard == set()
    qtbot.keyClick(canvas, Qt.Key.Key_Home)
    assert napari_heard == {"Home"}  # what is no key of ours is napari's
    panel.show_count()  # which has keys of its own, and leaves all others to napari
    heard.clear()
    for layer in layers:
        viewer.layers.selection.active = layer
        qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert (heard, napari_heard) == ([], {"Home", "1"})


def test_a_key_held_down_is_one_act(analysed, qtbot):
    _viewer, panel = analysed
    canvas = panel.window()._qt_viewer.canvas.native
    panel.show_review()
    heard: list[str] = []
    panel.controller.keys.pressed.disconnect()
    panel.controller.keys.pressed.connect(lambda binding: heard.append(binding.act))
    for repeats in (False, True, True):
        press = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_B, NONE, "b", repeats)
        QApplication.sendEvent(canvas, press)
    assert heard == ["label"]


def test_the_keys_work_where_nothing_has_the_focus_and_not_in_napari_s_controls(analysed, qtbot):
    viewer, panel = analysed
    window = panel.window()
    panel.show_review()
    heard: list[str] = []
    panel.controller.keys.pressed.disconnect()
    panel.controller.keys.pressed.connect(lambda binding: heard.append(binding.act))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    panel.controller.keys.focus_smear()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    QApplication.focusWidget().clearFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is None)
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert heard == ["label"]
    opacity = _focus(qtbot, window._qt_viewer.controls.widgets[viewer.layers["field"]].findChild(QSlider))
    qtbot.keyClick(opacity, Qt.Key.Key_E)
    assert heard == ["label"]


class Workplace(QWidget):
    """A panel with a control of each kind, another one beside it, and the keys over both."""

    def __init__(self) -> None:
        super().__init__()
        self.panel, self.dock = QWidget(self), QWidget(self)
        layout, inner = QVBoxLayout(self), QVBoxLayout(self.panel)
        self.line, self.text, self.spin, self.combo = QLineEdit(), QPlainTextEdit(), QSpinBox(), QComboBox()
        self.combo.addItems(["all", "blasts"])
        self.button, self.check = QPushButton("Do"), QCheckBox("On")
        for control in (self.line, self.text, self.spin, self.combo, self.button, self.check):
            inner.addWidget(control)
        self.below = QPushButton("Below", self.dock)
        layout.addWidget(self.panel)
        layout.addWidget(self.dock)
        self.keys = KeyFilter(self.panel)
        self.heard: list[str] = []
        self.keys.pressed.connect(lambda binding: self.heard.append(binding.name))


@pytest.fixture
def workplace(qtbot) -> Workplace:
    made = Workplace()
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    made.keys.enter()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def _focus(qtbot, control: QWidget) -> QWidget:
    control.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(control.hasFocus)
    return control


def test_boxes_that_one_writes_in_keep_their_keys(workplace, qtbot):
    line, text, spin = workplace.line, workplace.text, workplace.spin
    qtbot.keyClicks(_focus(qtbot, line), "Auer? 1=")
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.keyClick(line, Qt.Key.Key_Insert)
    qtbot.keyClick(line, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(line, Qt.Key.Key_F1)
    assert line.text() == "Auer? 1"
    qtbot.keyClick(line, Qt.Key.Key_A, CTRL)
    assert line.selectedText() == line.text()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    assert line.text() == ""
    qtbot.keyClick(line, Qt.Key.Key_Z, CTRL)
    assert line.text() == "Auer? 1"
    qtbot.keyClicks(_focus(qtbot, text), "b c")
    qtbot.keyClick(text, Qt.Key.Key_Return)
    assert text.toPlainText() == "b c\n"
    qtbot.keyClick(_focus(qtbot, spin), Qt.Key.Key_A, CTRL)
    qtbot.keyClicks(spin, "4x2")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert spin.value() == 42
    qtbot.keyClick(_focus(qtbot, workplace.combo), Qt.Key.Key_B)
    assert workplace.combo.currentText() == "blasts"
    assert workplace.heard == []


def test_esc_leaves_a_box_for_where_one_was(workplace, qtbot):
    _focus(qtbot, workplace.button)
    _focus(qtbot, workplace.line)
    qtbot.keyClick(workplace.line, Qt.Key.Key_Escape)
    qtbot.waitUntil(workplace.button.hasFocus)
    qtbot.keyClick(workplace.button, Qt.Key.Key_B)
    assert workplace.heard == ["label BLA"]


def test_a_button_that_tab_has_reached_is_pressed_by_space_and_enter(workplace, qtbot):
    pressed: list[bool] = []
    workplace.button.clicked.connect(lambda *on: pressed.append(on))
    _focus(qtbot, workplace.button)
    qtbot.keyClick(workplace.button, Qt.Key.Key_Space)
    qtbot.keyClick(workplace.button, Qt.Key.Key_Return)
    assert len(pressed) == 2
    qtbot.keyClick(_focus(qtbot, workplace.check), Qt.Key.Key_Space)
    assert workplace.check.isChecked()
    assert workplace.heard == []
    qtbot.mouseClick(workplace.check, Qt.MouseButton.LeftButton)
    qtbot.keyClick(workplace.check, Qt.Key.Key_1)
    assert workplace.heard == ["guess 1"]


def test_a_click_leaves_the_focus_to_the_cells(workplace):
    for control in (workplace.button, workplace.check, workplace.combo):
        assert control.focusPolicy() == Qt.FocusPolicy.TabFocus


def test_the_keys_serve_a_second_widget_until_they_are_given_back(workplace, qtbot):
    below = _focus(qtbot, workplace.below)
    qtbot.keyClick(below, Qt.Key.Key_B)
    assert workplace.heard == []
    workplace.keys.serve(workplace.dock)
    for key in (Qt.Key.Key_B, Qt.Key.Key_Question, Qt.Key.Key_F1):
        qtbot.keyClick(below, key)
    qtbot.keyClick(below, Qt.Key.Key_Return, SHIFT)
    qtbot.keyClick(below, Qt.Key.Key_Enter, CTRL)
    assert workplace.heard == ["label BLA", "help", "help", "tally_field", "bulk"]
    workplace.keys.leave()
    qtbot.keyClick(below, Qt.Key.Key_B)
    assert len(workplace.heard) == 5


def test_the_page_of_keys_opens_by_its_sign_over_the_smear(analysed, qtbot):
    _viewer, panel = analysed
    canvas = panel.window()._qt_viewer.canvas.native
    panel.window().activateWindow()
    qtbot.waitUntil(panel.window().isActiveWindow)
    _focus(qtbot, canvas)
    qtbot.keyClick(canvas, Qt.Key.Key_Question, SHIFT)
    qtbot.waitUntil(lambda: panel.findChildren(HelpDialog) != [])
