"""Every fold held out once, pooled."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.training import TrainConfig, TrainingError, train, train_folds
from napari_bonemarrow.training.config import Stage
from tests.training.drawn_crops import OBJECTS, quick, write_blobs


def two_folds(**changes: object) -> TrainConfig:
    values: dict[str, object] = {
        "architecture": "sequential",
        "stages": (Stage(epochs=2, size=32),),
        "default_draws": 24,
        "folds": 2,
        **changes,
    }
    return quick(**values)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blobs(tmp_path_factory.mktemp("folds") / "data", 30)


@pytest.fixture(scope="module")
def crossed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a cross-validated run."""
    out = tmp_path_factory.mktemp("crossed")
    train_folds(data, out, two_folds(), device="cpu")
    return out


def test_every_image_is_held_out_once(crossed: Path) -> None:
    with (crossed / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["file"] for row in rows}) == len(rows) == 90
    document = json.loads((crossed / "metrics.json").read_text())
    assert document["n"] == 90
    assert [each["fold"] for each in document["folds"]] == [0, 1]
    assert sum(each["n"] for each in document["folds"]) == 90
    right = np.mean([max(OBJECTS, key=lambda c: float(row[f"p_{c}"])) == row["truth"] for row in rows])
    assert document["accuracy"] == pytest.approx(right)
    weighted = sum(each["accuracy"] * each["n"] for each in document["folds"]) / 90
    assert document["accuracy"] == pytest.approx(weighted)
    assert sorted(path.name for path in crossed.iterdir()) == [
        "fold-0",
        "fold-1",
        "metrics.json",
        "predictions.csv",
    ]


def test_an_interrupted_cross_validation_goes_on(data: Path, crossed: Path, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    epochs = 0

    def stop(_done: int, _total: int, _row: object) -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 3:  # the first epoch of the second fold
            raise StoppedError

    with pytest.raises(StoppedError):
        train_folds(data, tmp_path, two_folds(), device="cpu", progress=stop)
    assert not (tmp_path / "metrics.json").exists()
    train_folds(data, tmp_path, two_folds(), device="cpu", resume=True)
    assert (tmp_path / "predictions.csv").read_bytes() == (crossed / "predictions.csv").read_bytes()


def test_a_student_learns_from_the_teacher_of_its_fold(data: Path, crossed: Path, tmp_path: Path) -> None:
    config = two_folds(stages=(Stage(epochs=1, size=32),))
    mine = config.changed(teachers=(str(crossed / "fold-{fold}" / "bundle"),))
    document = train_folds(data, tmp_path / "students", mine, device="cpu")
    assert document["n"] == 90
    with pytest.raises(TrainingError, match=r"has seen images that other folds hold out; give one a fold"):
        train_folds(data, tmp_path / "a", config.changed(teachers=(str(crossed / "fold-0" / "bundle"),)))
    with pytest.raises(TrainingError, match=r"may have seen images that are held out; give one a fold"):
        train_folds(data, tmp_path / "b", config.changed(init=str(crossed / "fold-0" / "bundle")))
    (crossed / "fold-0").rename(tmp_path / "fold-1")  # teachers in each other's place
    (crossed / "fold-1").rename(tmp_path / "fold-0")
    swapped = config.changed(teachers=(str(tmp_path / "fold-{fold}" / "bundle"),))
    try:
        with pytest.raises(TrainingError, match=r"^fold 0: .* held to another split"):
            train_folds(data, tmp_path / "c", swapped, device="cpu")
        # A single run tells it in the protocol of its figures.
        alone = config.changed(teachers=(str(tmp_path / "fold-1" / "bundle"),), fold=1)
        train(data, tmp_path / "d", config=alone, device="cpu")
        protocol = json.loads((tmp_path / "d" / "metrics.json").read_text())["protocol"]
        assert "held to another split and may have seen them" in protocol
    finally:
        (tmp_path / "fold-1").rename(crossed / "fold-0")
        (tmp_path / "fold-0").rename(crossed / "fold-1")


def test_a_fixed_split_has_no_folds(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fixes one test part"):
        train_folds(data, tmp_path, two_folds(split="parts.csv"))
