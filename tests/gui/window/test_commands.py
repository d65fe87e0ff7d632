"""The plugin's acts are napari's commands, with the keys that the user has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qtpy.QtWidgets import QApplication, QDialog

from napari_bonemarrow.gui.canvas.napari_compat import napari_application
from napari_bonemarrow.gui.keys import command_titles
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.window import command_keys, commands
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel


@pytest.fixture(autouse=True)
def _first_keys() -> Iterator[None]:
    TABLE.reset_all()
    yield
    TABLE.reset_all()


def _titles() -> dict[str, str]:
    menus = napari_application().menus
    items = menus.get_menu(menus.COMMAND_PALETTE_ID)
    return {
        item.command.id: item.command.title
        for item in items
        if item.command.id.startswith(command_keys.PREFIX)
    }


def _do(name: str) -> None:
    """Run a command as the palette does."""
    napari_application().commands.execute_command(f"{command_keys.PREFIX}{name}").result()


def test_the_palette_has_every_act_with_its_key_and_follows_the_table(open_panel):
    _viewer, _panel = open_panel()
    titles = _titles()
    assert {f"{command_keys.PREFIX}{name}" for name in command_titles.names()} <= set(titles)
    assert titles[f"{command_keys.PREFIX}undo"].endswith("· Ctrl+Z")
    assert titles[f"{command_keys.PREFIX}help"].endswith("· ? or F1")
    assert "·" not in titles[f"{command_keys.PREFIX}open_smear"]
    TABLE.set_keys("undo", ["F9"])
    TABLE.set_keys("open_smear", ["F12"])
    titles = _titles()
    assert titles[f"{command_keys.PREFIX}undo"].endswith("· F9")
    assert "Ctrl+Z" not in titles[f"{command_keys.PREFIX}undo"]
    assert titles[f"{command_keys.PREFIX}open_smear"].endswith("· F12")
    TABLE.set_keys("open_smear", [])
    assert "·" not in _titles()[f"{command_keys.PREFIX}open_smear"]


def test_keys_in_titles_are_no_second_shortcut(open_panel):
    open_panel()
    bound = napari_application().keybindings
    assert not [
        name for name in command_titles.names() if bound.get_keybinding(f"{command_keys.PREFIX}{name}")
    ]


def test_a_command_without_a_panel_brings_it_and_says_what_is_missing(
    make_napari_viewer_proxy, truth_engine, notices, qtbot
):
    make_napari_viewer_proxy()
    _do("next")
    [panel] = [each for each in QApplication.allWidgets() if isinstance(each, BoneMarrowPanel)]
    assert notices[-1] == "Open a smear first: there is none yet."
    assert panel.controller.notices.open == ()  # nothing failed


def test_what_an_act_needs_is_said_in_one_line(open_panel, field, qtbot, notices):
    _viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    for name in ("next", "undo", "gallery", "sign", "export_csv", "begin_review"):
        _do(name)
        assert notices[-1] == "Find the cells first: the button is in the Slide tab."
    _do("count")
    assert panel.tabs.currentWidget() is panel.count_tab
    with qtbot.waitSignal(panel.controller.smear.setup.analysed, timeout=20_000):
        _do("find_cells")
    panel.controller.smear.review.selection.clear()
    _do("explain")
    assert notices[-1] == "Select a cell first: none is selected."


def test_find_cells_without_a_scale_asks_for_it(open_panel, plain_field, qtbot, notices):
    _viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(plain_field)
    panel.tabs.setCurrentIndex(2)
    _do("find_cells")
    assert notices[-1] == "Confirm the scale first: cells are found by their size."
    assert panel.tabs.currentIndex() == 0


def test_commands_do_what_their_keys_do(analysed, qtbot):
    _viewer, panel = analysed
    review = panel.controller.smear.review
    panel.tabs.setCurrentIndex(0)
    _do("next")
    assert panel.tabs.currentWidget() is panel.review_tab
    first = review.selection.current
    _do("accept")
    case = panel.controller.smear.session.case
    assert first in case.labels
    _do("undo")
    assert first not in case.labels
    _do("redo")
    assert first in case.labels
    _do("map")
    assert panel.controller.smear.similarity.map.isVisible()
    _do("begin_review")
    assert panel.tabs.currentWidget() is panel.review_tab
    for name in ("help", "settings", "edit_keys"):
        before = set(panel.findChildren(QDialog))
        _do(name)
        [dialog] = set(panel.findChildren(QDialog)) - before
        assert dialog.isVisible()
        dialog.close()


def test_a_name_that_is_no_command_is_none():
    with pytest.raises(AttributeError):
        commands.label  # noqa: B018
    assert commands.undo.__doc__ == "Undo"


def test_menus_kept_in_another_way_show_the_titles_of_the_manifest():
    class Registry:
        def __iter__(self):
            return iter([("a menu", ["a list, not a dictionary"])])

    class Other:
        menus = Registry()

    other = Other()
    command_keys.name_keys(other)
    assert list(other.menus) == [("a menu", ["a list, not a dictionary"])]
