from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.training import TrainingError, evaluate

from .drawn_crops import OBJECTS, write_blobs


@pytest.fixture(scope="module")
def evaluated(trained: tuple[Bundle, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluated")
    write_blobs(root / "data", 12, first=900)
    (root / "data" / "BLA" / "zero.png").write_bytes(b"")
    write_blobs(root / "data", 2, ("LYT",), first=2000)
    evaluate(trained[0], root / "data", root / "out", device="cpu", tolerant=True, minimum_images=13)
    return root / "out"


def test_document(evaluated: Path, trained: tuple[Bundle, Path]) -> None:
    document = json.loads((evaluated / "metrics.json").read_text())
    assert document["classes"] == ["LYT"]
    assert document["n"] == 14
    assert document["too_few"] == {"BLA": 12, "EOS": 12}
    assert document["unreadable"] == ["zero.png"]
    assert document["model"]["sha256"] == trained[0].sha256
    assert document["sources"]["data"]["n"] == 14
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "ece", "per_class", "tolerant"):
        assert key in document
    assert document["accuracy"] >= 0.8


def test_predictions(evaluated: Path) -> None:
    with (evaluated / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 38
    assert rows[0]["file"] == "BLA/BLA_00900.png"
    right = [row["truth"] == row["predicted"] for row in rows]
    assert np.mean(right) >= 0.85
    for row in rows[:5]:
        probabilities = {key[2:]: float(value) for key, value in row.items() if key.startswith("p_")}
        assert sum(probabilities.values()) == pytest.approx(1, abs=0.002)
        assert float(row["confidence"]) == max(probabilities.values()) == probabilities[row["predicted"]]


def test_table_and_picture(evaluated: Path) -> None:
    text = (evaluated / "table.md").read_text()
    assert "| LYT | trained | 14 |" in text
    assert "| 26242 | 0.90 | 0.70 |" in text
    assert "BLA (12)" in text
    assert "forgiven are" in text
    assert "no comparison of like with like" in text
    with Image.open(evaluated / "confusion.png") as picture:
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("L")).std() > 10


def test_all_classes_count_where_none_has_many(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 3, first=700)
    assert evaluate(trained[0], data, tmp_path / "out", device="cpu")["classes"] == sorted(OBJECTS)


@pytest.mark.parametrize("scheme", ["pbc", "nonesuch"])
def test_another_scheme(trained: tuple[Bundle, Path], tmp_path: Path, scheme: str) -> None:
    data = write_blobs(tmp_path / "data", 1)
    with pytest.raises(TrainingError, match=r"class code of pbc|no class scheme"):
        evaluate(trained[0], data, tmp_path / "out", scheme=scheme, device="cpu")


def test_nowhere_to_write(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 1)
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot be written"):
        evaluate(trained[0], data, tmp_path / "out", device="cpu")
