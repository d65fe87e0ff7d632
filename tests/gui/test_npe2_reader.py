"""What napari gets when it opens a file of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.canvas.smear_layer import METADATA_KEY
from napari_bonemarrow.gui.npe2_reader import get_reader
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import fingerprint, open_slide


def test_a_field_comes_at_its_scale(field: Path, smear):
    [(data, keywords, kind)] = get_reader(str(field))(str(field))
    assert kind == "image"
    np.testing.assert_array_equal(data, smear.image)
    assert keywords["scale"] == pytest.approx((smear.microns_per_pixel,) * 2)
    assert keywords["units"] == ("um", "um")
    assert keywords["rgb"] is True
    assert keywords["metadata"][METADATA_KEY] == {"path": str(field), "fingerprint": fingerprint(field)}


def test_a_field_without_scale_comes_in_pixels(plain_field: Path):
    [(_data, keywords, _kind)] = get_reader(str(plain_field))(str(plain_field))
    assert keywords["scale"] == (1.0, 1.0)
    assert keywords["units"] == ("pixel", "pixel")


def test_several_at_once(field: Path, plain_field: Path):
    assert len(get_reader([str(field), str(plain_field)])([str(field), str(plain_field)])) == 2


def test_another_kind_of_file_is_left_to_others(tmp_path: Path):
    assert get_reader(str(tmp_path / "table.csv")) is None
    assert get_reader([str(tmp_path / "a.png"), str(tmp_path / "b.csv")]) is None


def test_a_case_leads_to_its_smear(field: Path):
    path = case_path_for(field)
    Case.create(path, open_slide(field), reviewer="anna").close()
    [(_data, keywords, _kind)] = get_reader(str(path))(str(path))
    assert keywords["metadata"][METADATA_KEY]["case"] == str(path)
    field.unlink()
    with pytest.raises(BoneMarrowError, match=r"^field\.bmcase: its smear was not found") as caught:
        get_reader(str(path))(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not an image at all", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_spoilt_file_is_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "spoilt.png"
    path.write_bytes(content)
    with pytest.raises(BoneMarrowError, match=r"spoilt\.png") as caught:
        get_reader(str(path))(str(path))
    assert "\n" not in str(caught.value)


def test_the_reader_needs_neither_qt_nor_torch(field: Path):
    code = (
        "import sys; from napari_bonemarrow.gui.npe2_reader import get_reader;"
        f"get_reader({str(field)!r})({str(field)!r});"
        "bad = {'torch', 'qtpy', 'PyQt6', 'napari', 'pandas'} & set(sys.modules);"
        "sys.exit(str(bad or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_napari_opens_it_and_a_bad_file_is_one_notice(make_napari_viewer_proxy, field: Path, tmp_path: Path):
    viewer = make_napari_viewer_proxy()
    [layer] = viewer.open(str(field), plugin="napari-bonemarrow")
    assert layer.metadata[METADATA_KEY]["path"] == str(field)
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    bad = tmp_path / "bad.png"
    shutil.copy(__file__, bad)
    with pytest.raises(BoneMarrowError, match=r"bad\.png"):
        viewer.open(str(bad), plugin="napari-bonemarrow")


def test_the_sample_in_naparis_file_menu_is_the_drawn_smear(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    [layer] = viewer.open_sample("napari-bonemarrow", "drawn_smear")
    assert layer.metadata[METADATA_KEY]["path"].endswith("drawn-smear.png")
    assert 0.01 < layer.scale[0] < 0.2
