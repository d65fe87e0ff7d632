"""What napari is told of the plugin, and that the panel costs nothing it should not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from npe2 import PluginManifest

import napari_bonemarrow

MANIFEST = Path(napari_bonemarrow.__file__).with_name("napari.yaml")


def test_every_command_is_there():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    names = {command.id for command in manifest.contributions.commands}
    assert names == {f"napari-bonemarrow.{name}" for name in ("read", "drawn_smear", "panel")}


def test_the_file_types_are_those_the_slides_can_read():
    from napari_bonemarrow.slides import SUFFIXES

    [reader] = PluginManifest.from_file(MANIFEST).contributions.readers
    assert {pattern.removeprefix("*") for pattern in reader.filename_patterns} == {*SUFFIXES, ".bmcase"}


def test_the_panel_loads_no_torch_and_its_package_no_qt():
    code = (
        "import sys; import napari_bonemarrow.gui;"
        "assert not {'qtpy', 'napari'} & set(sys.modules);"
        "import napari_bonemarrow.gui.panel, napari_bonemarrow.gui.app;"
        "bad = {'torch', 'torchvision', 'captum', 'scipy.stats'} & set(sys.modules);"
        "sys.exit(str(bad or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
