"""Changing keys: the rules of the table, the dialog, files of keys, and a window that follows at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.keys import key_files
from napari_bonemarrow.gui.keys.bindings import DEFAULTS, TABLE, KeyTable, key_of
from napari_bonemarrow.gui.keys.help_dialog import HelpDialog
from napari_bonemarrow.gui.keys.key_editor import KeyEditor
from napari_bonemarrow.gui.keys.key_syntax import KeyTableError, canonical
from napari_bonemarrow.system.home import home

FIRST = tuple(binding for binding in DEFAULTS if binding.key)
"""The acts that have a key at first."""


@pytest.fixture(autouse=True)
def _first_keys() -> Iterator[None]:
    TABLE.reset_all()
    yield
    TABLE.reset_all()


@pytest.fixture
def table() -> KeyTable:
    return KeyTable(DEFAULTS)


@pytest.fixture
def editor(qtbot) -> KeyEditor:
    made = KeyEditor(None)
    qtbot.addWidget(made.view)
    made.show()
    return made


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("b", "B"),
        ("shift+ctrl+z", "Ctrl+Shift+Z"),
        ("Return", "Enter"),
        ("Del", "Delete"),
        ("f12", "F12"),
        ("=", "="),
        ("alt+d", "Alt+D"),
    ],
)
def test_a_key_is_written_in_one_way(written: str, key: str):
    assert canonical(written) == key
    assert canonical(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "no key that"),
        ("Banana", "no key that"),
        ("é", "no key that"),
        ("Ctrl+Ctrl+A", "no key that"),
        ("Meta+A", "no key that"),
        ("Tab", "moves between controls"),
        ("Shift+Down", "moves between controls"),
        ("Ctrl+Alt+Q", "AltGr"),
        ("Shift+1", "keyboard to keyboard"),
        ("Ctrl+O", "napari's own"),
        ("Alt+F", "napari's own"),
        ("Ctrl+C", "copies and pastes"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(table: KeyTable, key: str, reason: str):
    before = table.bindings()
    with pytest.raises(KeyTableError, match=reason) as refused:
        table.set_keys("label BLA", [key])
    assert "\n" not in str(refused.value)
    assert table.bindings() == before


def test_every_first_key_may_be_used(table: KeyTable):
    for binding in FIRST:
        assert canonical(binding.key) == binding.key


def test_a_conflict_names_the_act_that_has_the_key(table: KeyTable):
    with pytest.raises(KeyTableError, match="segmented neutrophil"):
        table.set_keys("label BLA", ["S"])
    assert table.key_of("label", "BLA") == "B"
    table.set_keys("label NGS", [])
    table.set_keys("label BLA", ["S"])
    with pytest.raises(KeyTableError, match="“blast”"):
        table.reset("label NGS")
    assert table.key_of("label", "NGS") == ""
    assert table.act_on("S").argument == "BLA"
    assert table.act_on("B") is None
    table.reset_all()
    assert table.bindings() == FIRST


def test_a_file_of_keys_gives_another_workplace_the_same_table(table: KeyTable, tmp_path: Path):
    table.set_keys("label BLA", ["Ctrl+B"])
    table.set_keys("add", ["Insert", "Ctrl+K"])
    table.set_keys("flag", [])
    table.write(tmp_path / "keys.json")
    other = KeyTable(DEFAULTS)
    heard: list[bool] = []
    other.changed.connect(lambda: heard.append(True))
    assert other.read(tmp_path / "keys.json") == ""
    assert other.bindings() == table.bindings()
    assert heard == [True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys.json"]


def _file(**keys: object) -> str:
    document = {"format": "napari-bonemarrow keys", "version": 1, "keys": {"undo": ["Ctrl+Y"]}}
    document["keys"] |= {name.replace("_", " "): row for name, row in keys.items()}
    return json.dumps(document)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no file of keys"),
        ("{", "no file of keys"),
        ("[]", "no file of keys"),
        ('{"format": "something", "version": 1, "keys": {}}', "format"),
        ('{"format": "napari-bonemarrow keys", "version": 2, "keys": {}}', "version"),
        ('{"format": "napari-bonemarrow keys", "version": 1, "keys": {}, "more": 1}', "more"),
        (_file(undo="Ctrl+Y"), "no file of keys"),
        (_file(fly=["A"]), "'fly' is not an act"),
        (_file(redo=["Shift+5"]), "keyboard to keyboard"),
        (_file(redo=["Ctrl+S"]), "napari's own"),
        (_file(redo=["ctrl+y"]), "stands for"),
    ],
)
def test_a_file_of_keys_is_taken_whole_or_not_at_all(table: KeyTable, text: str, reason: str):
    with pytest.raises(KeyTableError, match=reason) as refused:
        table.from_json(text, "lab.json")
    assert str(refused.value).startswith("lab.json: ")
    assert "nothing was changed" in str(refused.value)
    assert table.bindings() == FIRST


def test_an_act_newer_than_the_file_keeps_its_key_unless_the_file_gave_it_away(table: KeyTable):
    told = table.from_json(_file(label_BLA=["Shift+F"]), "lab.json")
    assert table.key_of("undo") == "Ctrl+Y"
    assert table.key_of("redo") == "Ctrl+Shift+Z"
    assert table.key_of("flag") == ""
    assert told.startswith("Without a key now: flag the cell")


def test_an_unreadable_or_unwritable_file_is_said_so(table: KeyTable, tmp_path: Path):
    with pytest.raises(KeyTableError, match="cannot be read"):
        table.read(tmp_path / "none.json")
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyTableError, match="choose another folder"):
        table.write(tmp_path / "file" / "keys.json")


# what is remembered -------------------------------------------------------------------------------


def test_keys_are_there_again_the_next_day():
    TABLE.set_keys("label BLA", ["Ctrl+B"])
    key_files.save_keys()
    TABLE.reset_all()
    assert key_files.load_keys() == ""
    assert key_of("label", "BLA") == "Ctrl+B"
    (home() / "keys.json").unlink()
    assert key_files.load_keys() == ""
    assert key_of("label", "BLA") == "B"


def test_a_spoilt_file_of_keys_gives_a_line_and_the_first_keys():
    home().mkdir(exist_ok=True)
    (home() / "keys.json").write_text('{"keys": {"undo"')
    TABLE.set_keys("undo", ["Ctrl+Y"])
    told = key_files.load_keys()
    assert told.startswith("keys.json: no file of keys")
    assert "\n" not in told
    assert TABLE.bindings() == FIRST
    assert (home() / "keys.json.spoilt").read_text() == '{"keys": {"undo"'  # nothing is thrown away
    assert key_files.load_keys() == ""


def test_spoilt_settings_give_a_line_once():
    settings.set_reviewer("Dr. Sample")
    assert settings.check() == ""
    (home() / "settings.json").write_text('{"reviewer": "Dr. S')
    assert "reviewer's name" in settings.check()
    assert settings.check() == ""
    settings.set_model("mine")
    assert settings.model() == "mine"


# the dialog ---------------------------------------------------------------------------------------


def _keys_column(editor: KeyEditor) -> dict[str, str]:
    table = editor.view.table
    rows = range(table.rowCount())
    return {table.item(row, 0).data(Qt.ItemDataRole.UserRole): table.item(row, 1).text() for row in rows}


def test_a_key_is_changed_by_pressing_it(editor: KeyEditor, qtbot):
    view = editor.view
    assert not view.capture.isEnabled()
    view.search_box.setText("myelocyte")
    assert set(_keys_column(editor)) == {"label PMO", "label MYB", "label MMZ"}
    view.select("label MYB")
    qtbot.keyClick(view.table, Qt.Key.Key_Return)
    qtbot.keyClick(view.capture, Qt.Key.Key_Shift)
    qtbot.keyClick(view.capture, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert key_of("label", "MYB") == "Ctrl+Y"
    assert _keys_column(editor)["label MYB"] == "Ctrl+Y"
    assert view.notice.text() == "myelocyte: Ctrl+Y."
    assert view.selected == "label MYB"
    assert json.loads((home() / "keys.json").read_text())["keys"]["label MYB"] == ["Ctrl+Y"]
    view.reset_button.click()
    assert key_of("label", "MYB") == "Y"


def test_a_conflict_is_refused_in_the_dialog_and_esc_changes_nothing(editor: KeyEditor, qtbot):
    view = editor.view
    view.select("undo")
    view.capture.click()
    qtbot.keyClick(view.capture, Qt.Key.Key_B)
    assert "“blast”" in view.notice.text()
    assert view.notice.property("role") == "warning"
    view.capture.click()
    qtbot.keyClick(view.capture, Qt.Key.Key_Escape)
    assert view.isVisible()
    assert TABLE.bindings() == FIRST
    assert not (home() / "keys.json").exists()


def test_a_sign_made_with_shift_is_the_sign(editor: KeyEditor, qtbot):
    editor.view.select("add")
    editor.take_away("help")
    editor.view.capture.click()
    qtbot.keyClick(editor.view.capture, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    assert TABLE.keys_of("add") == ("?",)
    editor.view.capture.click()
    qtbot.keyClick(editor.view.capture, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert "accept the first guess" in editor.view.notice.text()


def test_the_dialog_takes_and_writes_files(editor: KeyEditor, tmp_path: Path):
    path = tmp_path / "lab.json"
    editor.set_key("label BLA", "Ctrl+B")
    editor.write_file(path)
    assert editor.view.notice.text() == "Written: lab.json."
    editor.view.reset_all_button.click()
    assert key_of("label", "BLA") == "B"
    editor.take_file(path)
    assert key_of("label", "BLA") == "Ctrl+B"
    path.write_text("{}")
    editor.take_file(path)
    assert "nothing was changed" in editor.view.notice.text()
    assert key_of("label", "BLA") == "Ctrl+B"
    editor.take_away("label BLA")
    assert _keys_column(editor)["label BLA"] == "–"


# the printed table --------------------------------------------------------------------------------


def test_the_page_is_searched_follows_the_table_and_is_printed(qtbot, tmp_path: Path):
    page = HelpDialog(None)
    qtbot.addWidget(page)
    page.search_box.setText("BLA")
    assert "blast" in page.page.toPlainText()
    assert "lymphocyte" not in page.page.toPlainText()
    TABLE.set_keys("label BLA", ["Ctrl+B"])
    assert "Ctrl+B" in page.page.toPlainText()
    page.search_box.setText("zebra")
    assert "Nothing here" in page.page.toPlainText()
    page.write(tmp_path / "keys.pdf")
    assert (tmp_path / "keys.pdf").read_bytes().startswith(b"%PDF")
    page.write(tmp_path / "keys.html")
    text = (tmp_path / "keys.html").read_text("utf-8")
    assert all(binding.text in text for binding in TABLE.bindings())
    page.write(tmp_path / "no" / "keys.pdf")
    assert "choose another folder" in page.notice.text()
    with qtbot.waitSignal(page.keys_requested):
        page.keys_button.click()


# the open window ----------------------------------------------------------------------------------


def test_changed_keys_hold_at_once_in_the_open_window(analysed, qtbot):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    review.navigation.set_goes_on(False)
    review.navigation.next()
    cell, grid = review.selection.current, panel.review_tab.grid.buttons["BLA"]
    canvas = panel.window()._qt_viewer.canvas.native
    assert grid.key == "B"
    TABLE.set_keys("label BLA", ["Ctrl+B"])
    assert grid.key == "Ctrl+B"
    assert "Ctrl+B" in grid.toolTip()
    qtbot.keyClick(canvas, Qt.Key.Key_B)
    assert cell not in case.labels
    qtbot.keyClick(canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert case.labels[cell].code == "BLA"
    panel.tabs.setCurrentWidget(panel.count_tab)
    assert panel.controller.smear_viewer.rings.layer.keymap == {}
    TABLE.set_keys("label BLA", ["B"])
    assert panel.controller.smear_viewer.rings.layer.keymap == {}
