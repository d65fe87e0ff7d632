from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import BMC21, BoneMarrowError
from napari_bonemarrow.drawing import draw_cell
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.models import Bundle, Classifier
from napari_bonemarrow.workflow import classify_crops
from napari_bonemarrow.workflow.crops import read_crop


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crops")
    for code in ("LYT", "NGS", "EOS"):
        (folder / code).mkdir()
        Image.fromarray(draw_cell(code, 1)).save(folder / code / "1.png")
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_a_picture_with_every_probability(engine: Engine, crops: Path, tmp_path: Path) -> None:
    failed = classify_crops([crops], tmp_path / "out.csv", engine=engine)
    rows = read(tmp_path / "out.csv")
    assert failed == []
    assert [Path(row["file"]).parent.name for row in rows] == ["EOS", "LYT", "NGS"]
    assert list(rows[0]) == [
        "file",
        "predicted",
        "confidence",
        "second",
        "second_confidence",
        *(f"p_{code}" for code in BMC21),
    ]
    pixels = np.stack([np.asarray(Image.open(crops / code / "1.png")) for code in ("EOS", "LYT", "NGS")])
    classifier = Classifier("starter", "cpu")
    edge = (250 - classifier.bundle.card.crop_size) // 2  # larger pictures are cut about their centre
    direct = classifier.classify(pixels[:, edge : 250 - edge, edge : 250 - edge])
    written = np.array([[float(row[f"p_{code}"]) for code in BMC21] for row in rows])
    np.testing.assert_allclose(written, direct.probabilities, atol=1e-3)
    assert [row["predicted"] for row in rows] == [BMC21[i] for i in written.argmax(axis=1)]


def test_a_picture_that_cannot_be_read_keeps_its_row_and_the_others_theirs(
    engine: Engine, crops: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"text")
    failed = classify_crops([crops / "LYT" / "1.png", bad, crops / "NGS"], tmp_path / "o.csv", engine=engine)
    rows = read(tmp_path / "o.csv")
    assert [file for file, _error in failed] == [str(bad)]
    assert [bool(row["predicted"]) for row in rows] == [True, False, True]
    assert rows[1]["file"] == str(bad)


def test_more_pictures_than_are_read_ahead_stay_in_order(
    engine: Engine, crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_bonemarrow.workflow.crops._READ_AHEAD", 2)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(7):
        code = ("LYT", "NGS", "EOS")[number % 3]
        (folder / f"{number}-{code}.png").write_bytes((crops / code / "1.png").read_bytes())
    classify_crops([folder], tmp_path / "o.csv", engine=engine)
    rows = read(tmp_path / "o.csv")
    assert [Path(row["file"]).name[0] for row in rows] == list("0123456")
    assert rows[0]["p_LYT"] == rows[3]["p_LYT"] != rows[1]["p_LYT"]


def test_pictures_of_another_size_or_scale_come_onto_the_grid(tmp_path: Path) -> None:
    card = Bundle.open("starter").card
    square = np.full((400, 400, 3), 230, np.uint8)
    square[150:250, 150:250] = (90, 40, 120)
    Image.fromarray(square).save(tmp_path / "large.png")
    cut = read_crop(tmp_path / "large.png", card)
    assert cut.shape == (card.crop_size, card.crop_size, 3)
    edge = (400 - card.crop_size) // 2
    np.testing.assert_array_equal(cut, square[edge : 400 - edge, edge : 400 - edge])
    dots = 25_400 / 0.05
    Image.fromarray(square).save(tmp_path / "fine.png", dpi=(dots, dots))
    scaled = read_crop(tmp_path / "fine.png", card)
    dark = (scaled[..., 1] < 135).sum()
    assert dark == pytest.approx(50 * 50, rel=0.05)


def test_a_table_that_cannot_be_written_is_one_line(engine: Engine, crops: Path, tmp_path: Path) -> None:
    with pytest.raises(BoneMarrowError, match="its folder does not exist"):
        classify_crops([crops], tmp_path / "none" / "o.csv", engine=engine)


def test_pictures_are_resampled_from_the_scale_that_is_given(
    engine: Engine, crops: Path, tmp_path: Path
) -> None:
    """A picture at twice the magnification, told so, is the same cell."""
    card = Bundle.open("starter").card
    fine = tmp_path / "fine.png"
    with Image.open(crops / "LYT" / "1.png") as picture:
        picture.resize((500, 500), Image.Resampling.BICUBIC).save(fine)
    plain = read_crop(crops / "LYT" / "1.png", card).astype(float)
    told = read_crop(fine, card, card.microns_per_pixel / 2).astype(float)
    untold = read_crop(fine, card).astype(float)
    assert np.abs(told - plain).mean() < 3 < np.abs(untold - plain).mean()
    said: list[str] = []
    classify_crops(
        [fine],
        tmp_path / "told.csv",
        microns_per_pixel=card.microns_per_pixel / 2,
        engine=engine,
        on_scales=said.append,
    )
    classify_crops([crops / "LYT"], tmp_path / "plain.csv", engine=engine, on_scales=said.append)
    [one], [two] = read(tmp_path / "told.csv"), read(tmp_path / "plain.csv")
    assert one["predicted"] == two["predicted"]
    assert float(one["confidence"]) == pytest.approx(float(two["confidence"]), abs=0.1)
    own = f"{card.microns_per_pixel:g}"
    assert said == [
        f"pictures: 1 at {card.microns_per_pixel / 2:.4g} µm per pixel, resampled to the model's {own}",
        f"pictures: 1 without a scale, so the model's is assumed, {own} µm per pixel",
    ]
