"""The map of the source shows the imports as they are."""

from __future__ import annotations

import runpy
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]


def test_the_picture_shows_the_imports_as_they_are() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_map.py"))
    assert made["drawn_map"]() == made["read_map"](), "run `make copies`"


def test_the_picture_is_what_the_script_draws() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_map.py"))
    drawn = made["PICTURE"].read_text("utf-8")
    assert drawn == made["draw"](made["drawn_map"]())
    named = {text.text for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")}
    assert {"cli/", "gui/", "cytology/", "Qt napari pandas"} <= named
