"""Text of files, cases and people never reaches Qt as HTML."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QTextDocument
from qtpy.QtWidgets import QLabel, QWidget

import napari_bonemarrow.gui
from napari_bonemarrow.gui.core.notice_text import toast
from napari_bonemarrow.gui.widgets.plain_text import plain_label, set_tip, tip

HOSTILE = "<b>signed by Dr Ada</b><img src='file:///etc/passwd'>"
GUI = Path(napari_bonemarrow.gui.__file__).parent
OWN = {"widgets/plain_text.py", "splash.py"}
"""The helper, and what shows constant texts in a process of its own, without this package."""
HTML_OF_OURS = {"keys/help_dialog.py"}
"""It shows the table of keys, which `keys` escapes."""


def _shown(text: str) -> str:
    """What a reader sees of a text that Qt takes for HTML."""
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


@pytest.mark.parametrize("text", [HOSTILE, "a\n<br>b", "<table>", "5 < 6 & 7"])
def test_a_tooltip_reads_as_it_was_written(qtbot, text: str) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    set_tip(widget, text)
    shown = widget.toolTip()
    assert (_shown(shown) if Qt.mightBeRichText(shown) else shown) == text


@pytest.mark.parametrize("text", ["Size of the thumbnails", "a & b", "Cell 14\nnot reviewed"])
def test_an_ordinary_tooltip_stays_as_it_is(text: str) -> None:
    assert tip(text) == text


def test_a_label_shows_tags_as_text(qtbot) -> None:
    label, bold = plain_label(HOSTILE), QLabel(HOSTILE)
    for each in (label, bold):
        qtbot.addWidget(each)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.sizeHint().width() > bold.sizeHint().width()


def test_a_notification_has_no_tag_left() -> None:
    assert not Qt.mightBeRichText(toast(f"a.png: {HOSTILE}"))
    assert toast("a.png: damaged") == "a.png: damaged"


def test_names_in_the_window_are_plain_text(
    open_panel: Callable, field: Path, tmp_path: Path, notices: list[str], qtbot
) -> None:
    viewer, panel = open_panel()
    path = tmp_path / f"{HOSTILE.replace('/', '')}.png"
    shutil.copy(field, path)
    controller = panel.controller
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(path)
    path.with_name("<img src=x>.png").write_bytes(b"no image")
    controller.open_path(path.with_name("<img src=x>.png"))
    qtbot.waitUntil(lambda: any("not an image" in text for text in notices), timeout=20_000)
    labels = panel.findChildren(QLabel)
    assert any("img src" in each.text() for each in labels)
    for each in labels:
        ours = each.parent() and each.text() in CONSTANT
        assert each.textFormat() == Qt.TextFormat.PlainText or ours, each.text()
    for each in panel.findChildren(QWidget):
        assert "<img" not in each.toolTip() or not Qt.mightBeRichText(each.toolTip())
    assert not any(Qt.mightBeRichText(text) for text in notices)
    viewer.close()


CONSTANT = {
    argument.value
    for file in GUI.rglob("*.py")
    for node in ast.walk(ast.parse(file.read_text("utf-8")))
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "addRow"
    for argument in node.args[:1]
    if isinstance(argument, ast.Constant)
}
"""What forms call their rows: Qt makes these labels itself, of texts that stand in the source."""

BANNED = {
    "QLabel": "plain_label",
    "QMessageBox": "a dialog of Confirm's kind",
    "QErrorMessage": "a notice",
    "QProgressDialog": "ProgressPart",
    "setToolTip": "set_tip",
    "setWhatsThis": "set_tip",
    "setHtml": "plain text",
    "setTextFormat": "plain_label",
    "showText": "show_tip",
}


def test_no_other_module_makes_labels_or_tooltips_by_itself() -> None:
    wrong = []
    for file in sorted(GUI.rglob("*.py")):
        where = file.relative_to(GUI).as_posix()
        if where in OWN:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                plain = name == "setTextFormat" and ast.unparse(node).endswith("PlainText)")
                if name in BANNED and not plain and not (name == "setHtml" and where in HTML_OF_OURS):
                    wrong.append(f"gui/{where}:{node.lineno}: {name}, take {BANNED[name]}")
                if name in ("show_info", "show_warning", "show_error") and isinstance(function, ast.Name):
                    [first, *_] = node.args
                    by_toast = isinstance(first, ast.Call) and getattr(first.func, "id", "") == "toast"
                    if not by_toast and not isinstance(first, ast.Constant):
                        wrong.append(f"gui/{where}:{node.lineno}: {name} without toast")
            elif isinstance(node, ast.FunctionDef):
                text = ast.unparse(node)
                if "ToolTipRole" in text and "tip(" not in text:
                    wrong.append(f"gui/{where}:{node.lineno}: {node.name} returns a tooltip without tip")
    assert not wrong, "\n".join(wrong)
