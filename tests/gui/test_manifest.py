"""What napari is told of the plugin, and that the panel costs nothing it should not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from npe2 import PluginManifest

import napari_bonemarrow
from napari_bonemarrow.gui.core.settings import Settings
from napari_bonemarrow.gui.keys import command_titles
from napari_bonemarrow.gui.window import command_keys

MANIFEST = Path(napari_bonemarrow.__file__).with_name("napari.yaml")


def test_every_command_is_there():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    titles = {command.id: command.title for command in manifest.contributions.commands}
    own = {f"{command_keys.PREFIX}{name}" for name in ("read", "drawn_smear", "panel")}
    acts = {
        f"{command_keys.PREFIX}{name}": command_titles.title(act)
        for name, act in command_titles.names().items()
    }
    assert {name: title for name, title in titles.items() if name not in own} == acts
    assert own <= set(titles)


def test_the_page_of_settings_is_made_as_the_settings_are():
    [(name, page)] = PluginManifest.from_file(MANIFEST).contributions.configurations.items()
    assert name == "window"
    fields = {name: info for name, info in Settings.model_fields.items() if name != "model"}
    assert set(page.properties) == set(fields)
    for name, info in fields.items():
        shown = page.properties[name]
        assert (shown.title, shown.default, shown.description) == (info.title, info.default, info.description)
        assert shown.python_type is info.annotation
        bounds = {"ge": shown.minimum, "le": shown.maximum, "max_length": shown.max_length}
        for rule in info.metadata:
            for bound, value in bounds.items():
                assert getattr(rule, bound, value) == value


def test_menus_name_commands_that_there_are_where_napari_lets_them_be():
    from napari._app_model.constants._menus import is_menu_contributable

    contributed = PluginManifest.from_file(MANIFEST).contributions
    known = {command.id for command in contributed.commands}
    items = [item.command for items in contributed.menus.values() for item in items]
    assert len(items) > 15
    assert set(items) <= known
    assert all(is_menu_contributable(menu) for menu in contributed.menus)


def test_the_file_types_are_those_the_slides_can_read():
    from napari_bonemarrow.slides import SUFFIXES

    [reader] = PluginManifest.from_file(MANIFEST).contributions.readers
    assert {pattern.removeprefix("*") for pattern in reader.filename_patterns} == {*SUFFIXES, ".bmcase"}


def test_the_panel_loads_no_torch_and_its_package_no_qt():
    code = (
        "import sys; import napari_bonemarrow.gui;"
        "assert not {'qtpy', 'napari'} & set(sys.modules);"
        "import napari_bonemarrow.gui.window.panel, napari_bonemarrow.gui.launch;"
        "bad = {'torch', 'torchvision', 'captum', 'scipy.stats', 'scipy.ndimage', 'scipy.sparse'};"
        "bad &= set(sys.modules);"
        "sys.exit(str(bad or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
