"""What napari is told of the plugin, and that the panel costs nothing it should not."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

from npe2 import PluginManifest

import napari_bonemarrow
from napari_bonemarrow.gui.core.settings import Settings
from napari_bonemarrow.gui.keys import command_titles
from napari_bonemarrow.gui.window import command_keys

MANIFEST = Path(napari_bonemarrow.__file__).with_name("napari.yaml")


def test_what_is_made_from_the_code_is_up_to_date():
    made = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "write_copies.py"))
    for path, text in made["copies"]().items():
        assert path.read_text("utf-8") == text, "run `make copies`"


def test_every_command_and_setting_is_there():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    titles = {command.id for command in manifest.contributions.commands}
    assert {f"{command_keys.PREFIX}{name}" for name in command_titles.names()} < titles
    [page] = manifest.contributions.configurations.values()
    assert set(page.properties) == set(Settings.model_fields) - {"model"}


def test_menus_name_commands_that_there_are_where_napari_lets_them_be():
    from napari._app_model.constants._menus import is_menu_contributable

    contributed = PluginManifest.from_file(MANIFEST).contributions
    known = {command.id for command in contributed.commands}
    items = [item.command for items in contributed.menus.values() for item in items]
    assert len(items) > 15
    assert set(items) <= known
    assert all(is_menu_contributable(menu) for menu in contributed.menus)


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
