from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.drawing import draw_cell
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.explanation.overlay import overlay
from napari_bonemarrow.slides import detect_cells, open_slide
from napari_bonemarrow.workflow import Question, count_inputs, explain_input


def test_a_place_in_a_field(engine: Engine, field: Path, tmp_path: Path) -> None:
    cells = detect_cells(open_slide(field))
    at = (float(cells.x[0]), float(cells.y[0]))
    result = explain_input(field, tmp_path / "why", Question(at=at), engine=engine)
    heatmap = np.load(result.heatmap)
    assert heatmap.dtype == np.float32
    size = Bundle.open("starter").card.crop_size
    assert heatmap.shape == (size, size)
    assert heatmap.min() >= 0
    assert heatmap.max() <= 1
    assert np.asarray(Image.open(result.overlay)).shape == (size, size, 3)
    assert result.target == result.predicted
    assert result.to_dict()["at"] == {"x_px": at[0], "y_px": at[1]}


def test_a_place_in_a_photograph_of_a_folder(engine: Engine, field: Path, tmp_path: Path) -> None:
    cells = detect_cells(open_slide(field))
    at = (float(cells.x[0]), float(cells.y[0]))
    folder = tmp_path / "folder"
    folder.mkdir()
    Image.new("RGB", (200, 150), (230, 225, 235)).save(folder / "1.png", dpi=(254_000, 254_000))
    (folder / "2.png").write_bytes(field.read_bytes())
    alone = explain_input(field, tmp_path / "a", Question(at=at, target="BLA"), engine=engine)
    there = explain_input(folder, tmp_path / "b", Question(at=at, field=2, target="BLA"), engine=engine)
    np.testing.assert_array_equal(np.load(there.heatmap), np.load(alone.heatmap))
    told = there.to_dict()["at"]
    assert (told["field"], told["field_x_px"], told["field_y_px"]) == (2, *at)
    assert there.heatmap.name == f"folder_field2_x{at[0]:g}_y{at[1]:g}_gradcam_BLA.npy"
    side_by_side = explain_input(
        folder, tmp_path / "c", Question(at=(told["x_px"], told["y_px"]), target="BLA"), engine=engine
    )
    np.testing.assert_array_equal(np.load(side_by_side.heatmap), np.load(alone.heatmap))
    for question, text in {
        Question(at=at, field=3): "it has no field 3: its fields are numbered 1 to 2",
        Question(at=(210, 10), field=1): r"210,10 lies outside 1\.png, 200×150 px",
        Question(at=(300, 10)): "300,10 lies between its fields",
        Question(cell=1, field=1): "without a place in it",
    }.items():
        with pytest.raises(BoneMarrowError, match=text):
            explain_input(folder, tmp_path / "d", question, engine=engine)
    with pytest.raises(BoneMarrowError, match="it has no field 1: it is one image"):
        explain_input(field, tmp_path / "d", Question(at=at, field=1), engine=engine)


def test_a_cell_of_a_field_is_that_of_the_detector_and_of_its_case(
    engine: Engine, field: Path, tmp_path: Path
) -> None:
    cells = detect_cells(open_slide(field))
    by_number = explain_input(field, tmp_path / "a", Question(cell=2, target="BLA"), engine=engine)
    by_place = explain_input(
        field, tmp_path / "b", Question(at=(cells.x[1], cells.y[1]), target="BLA"), engine=engine
    )
    np.testing.assert_array_equal(np.load(by_number.heatmap), np.load(by_place.heatmap))
    count_inputs([field], tmp_path / "out", engine=engine)
    case = tmp_path / "out" / "field" / "field.bmcase"
    of_case = explain_input(case, tmp_path / "c", Question(cell=2, target="BLA"), engine=engine)
    np.testing.assert_array_equal(np.load(by_number.heatmap), np.load(of_case.heatmap))
    assert of_case.heatmap.name == "field_cell2_gradcam_BLA.npy"


def test_the_picture_of_one_cell_needs_no_place_and_seeds_repeat(engine: Engine, tmp_path: Path) -> None:
    Image.fromarray(draw_cell("NGS", 4)).save(tmp_path / "cell.png")
    question = Question(method="smoothgrad", target="NGS", against="NGB", seed=3)
    one = explain_input(tmp_path / "cell.png", tmp_path / "one", question, engine=engine)
    two = explain_input(tmp_path / "cell.png", tmp_path / "two", question, engine=engine)
    assert one.at is None
    assert one.heatmap.name == "cell_smoothgrad_NGS_against_NGB.npy"
    np.testing.assert_allclose(np.load(one.heatmap), np.load(two.heatmap), atol=1e-5)


def test_the_overlay_shows_the_cell_where_nothing_counts() -> None:
    crop = np.full((4, 4, 3), 200, np.uint8)
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = 1
    laid = overlay(crop, values)
    np.testing.assert_array_equal(laid[1:], crop[1:])
    assert (laid[0, 0] != crop[0, 0]).any()


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (Question(), "it shows many cells: say which"),
        (Question(cell=1, at=(1, 1)), "choose one of the two"),
        (Question(cell=9999), "it has no cell 9999: its cells are numbered 1 to"),
        (Question(at=(5000, 10)), r"5000,10 lies outside its 640×480 px"),
        (Question(at=(300, 200), target="XYZ"), "XYZ: no class that a bundle knows"),
        (Question(at=(300, 200), method="lime"), "lime: no such method"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    engine: Engine, field: Path, tmp_path: Path, question: Question, text: str
) -> None:
    with pytest.raises(BoneMarrowError, match=text):
        explain_input(field, tmp_path / "why", question, engine=engine)
    assert not (tmp_path / "why").exists()
