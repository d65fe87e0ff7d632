"""Images of one camera share a key from which nothing can be read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.slides.scale.cameras import camera_of


def _write(path: Path, make: str = "", model: str = "", size: tuple[int, int] = (64, 48)) -> Path:
    picture = Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8))
    exif = Image.Exif()
    if make:
        exif[271], exif[272] = make, model
    path.parent.mkdir(exist_ok=True)
    picture.save(path, exif=exif)
    return path


def _key(path: Path) -> str:
    return camera_of(open_slide(path))


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_a_camera_is_known_again_by_make_model_and_size(tmp_path: Path, suffix: str) -> None:
    first = _key(_write(tmp_path / f"a{suffix}", "Leica", "DFC7000"))
    assert re.fullmatch("[0-9a-f]{24}", first)
    assert _key(_write(tmp_path / f"b{suffix}", "Leica", "DFC7000")) == first
    others = {
        _key(_write(tmp_path / f"c{suffix}", "Leica", "DFC450")),
        _key(_write(tmp_path / f"d{suffix}", "Leica", "DFC7000", (48, 64))),
        _key(_write(tmp_path / f"e{suffix}")),
    }
    assert len(others | {first}) == 4


def test_images_that_name_no_camera_go_by_their_size(tmp_path: Path) -> None:
    assert _key(_write(tmp_path / "a.png")) == _key(_write(tmp_path / "b.jpg"))


def test_a_folder_goes_by_its_first_field(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        _write(tmp_path / "fields" / name, "Leica", "DFC7000")
    assert _key(tmp_path / "fields") == _key(_write(tmp_path / "alone.jpg", "Leica", "DFC7000"))
