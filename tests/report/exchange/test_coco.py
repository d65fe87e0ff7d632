"""Cells as COCO, read by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from napari_bonemarrow.cytology import CLASSES, Cells, Field, Frame, Region
from napari_bonemarrow.report import export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array


def read(case: Case, path: Path, anonymous: bool = False) -> COCO:
    export(case, "coco", path, anonymous=anonymous)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_each_cell_is_a_box_of_its_diameter(case: Case, tmp_path: Path) -> None:
    coco = read(case, tmp_path / "coco.json")
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["file_name"], image["width"], image["height"]) == ("Müller <4711>.png", 1200, 900)
    found = coco.loadAnns(coco.getAnnIds())
    assert [each["id"] for each in found] == case.cells.cell_id.tolist()
    side = 8.25 / 0.1
    assert found[0]["bbox"] == pytest.approx([100.5 - side / 2, 100.5 - side / 2, side, side], abs=0.01)
    assert found[0]["area"] == pytest.approx(np.pi / 4 * side**2, abs=0.01)
    names = {each["id"]: each for each in coco.loadCats(coco.getCatIds())}
    assert [names[each["category_id"]]["name"] for each in found] == case.effective_codes()
    assert {each["name"]: each["supercategory"] for each in names.values()} == {
        code: str(cell.lineage) for code, cell in CLASSES.items()
    }
    assert found[0]["attributes"] == {
        "in_frame": True,
        "reviewed": True,
        "predicted": "LYT",
        "confidence": 0.9,
    }
    blasts = coco.getAnnIds(catIds=coco.getCatIds(catNms=["BLA"]))
    assert len(blasts) == 10


def test_fields_are_images_of_their_own_and_boxes_end_at_their_border(tmp_path: Path) -> None:
    slide = slide_from_array(np.full((200, 820, 3), 230, np.uint8), 0.1, tmp_path / "smear.png")
    fields = (Field("Jane a.png", Region(0, 0, 400, 200)), Field("Jane b.png", Region(420, 0, 400, 200)))
    with Case.create(tmp_path / "smear.bmcase", replace(slide, fields=fields), reviewer="A") as case:
        case.sampling.set_frame(Frame.whole_field(820, 200, 0.0), 6)
        ones = np.ones(3, np.float32)
        x, y = np.array([50.0, 425.0, 600.0]), np.array([100.0, 190.0, 100.0])
        case.detection.record(Cells(np.arange(1, 4), x, y, 4 * ones, ones, ones > 0), {})
        coco = read(case, tmp_path / "coco.json")
        hidden = (tmp_path / "hidden.json", read(case, tmp_path / "hidden.json", anonymous=True))
    found = coco.loadAnns(coco.getAnnIds())
    assert [each["image_id"] for each in found] == [1, 2, 2]
    assert found[1]["bbox"] == pytest.approx([0, 170.5, 25.5, 29.5])
    assert coco.loadCats(found[0]["category_id"])[0]["name"] == "unclassified"
    assert [image["file_name"] for image in coco.imgs.values()] == ["Jane a.png", "Jane b.png"]
    assert "Jane" not in hidden[0].read_text("utf-8")
    assert len({image["file_name"] for image in hidden[1].imgs.values()}) == 2


def test_no_cells_are_a_valid_file(make_case: Callable[..., Case], tmp_path: Path) -> None:
    assert read(make_case([]), tmp_path / "coco.json").getAnnIds() == []
