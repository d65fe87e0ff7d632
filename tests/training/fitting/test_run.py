from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training import TrainConfig, TrainingError, train
from napari_bonemarrow.training.config import Stage
from napari_bonemarrow.training.fitting.run import override
from tests.training.drawn_crops import OBJECTS, draw_blob, quick, write_blobs

SHORT = (Stage(epochs=2, size=32), Stage(epochs=1, size=48))


class StoppedError(Exception):
    pass


def stop_after(epoch: int):
    def progress(done: int, total: int, row: dict[str, float]) -> None:
        if done == epoch:
            raise StoppedError

    return progress


def test_learns(trained: tuple[Bundle, Path]) -> None:
    bundle, out = trained
    crops = np.stack([draw_blob(code, seed)[0] for code in OBJECTS for seed in range(5000, 5010)])
    predictions = Classifier(bundle, "cpu").classify(crops)
    told = [predictions.classes[i] for i in predictions.ranked()[:, 0]]
    truth = [code for code in OBJECTS for _ in range(10)]
    assert np.mean([a == b for a, b in zip(told, truth, strict=True)]) >= 0.9
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["n"] == 36  # a fifth of 180
    assert metrics["balanced_accuracy"] >= 0.9
    assert bundle.card.metrics[0].balanced_accuracy == pytest.approx(metrics["balanced_accuracy"])
    assert metrics["model"]["sha256"] == bundle.sha256


def test_card_tells_what_was_taught(trained: tuple[Bundle, Path]) -> None:
    card = trained[0].card
    assert card.classes == BMC21
    assert {code for code, s in card.support.items() if s is Support.TRAINED} == set(OBJECTS)
    assert card.support["PLM"] is Support.NONE
    assert card.network_size == 64
    assert card.training_data[0].images == sum(card.training_data[0].per_class.values())
    assert 120 < card.training_data[0].images < 180


def test_classes_never_taught_are_never_said(trained: tuple[Bundle, Path]) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (20, 64, 64, 3), np.uint8)
    predictions = Classifier(trained[0], "cpu").classify(noise)
    none = [i for i, code in enumerate(predictions.classes) if code not in OBJECTS]
    assert predictions.probabilities[:, none].max() < 1e-6


def test_history_grows_by_epochs(trained: tuple[Bundle, Path]) -> None:
    with (trained[1] / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(i) for i in range(quick().epochs)]
    assert [row["size"] for row in rows] == ["32"] * 4 + ["64"] * 6
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_nothing_but_the_run_is_left(trained: tuple[Bundle, Path]) -> None:
    left = sorted(p.name for p in trained[1].iterdir())
    assert left == ["bundle", "checkpoints", "history.csv", "metrics.json", "predictions.csv", "split.csv"]


def test_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 24)
    config = quick(stages=SHORT, default_draws=20)
    whole = train(data, tmp_path / "whole", config=config, device="cpu")
    broken = tmp_path / "broken"
    for done in (1, 2):
        with pytest.raises(StoppedError):
            train(data, broken, config=config, device="cpu", resume=done > 1, progress=stop_after(done))
    resumed = train(data, broken, config=config, device="cpu", resume=True)
    one, other = load_file(whole.weights), load_file(resumed.weights)
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    assert whole.card.temperature == resumed.card.temperature


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 24)
    config = quick(stages=(Stage(epochs=1, size=32),), default_draws=20)
    first = train(data, tmp_path / "a", config=config, device="cpu", seed=1)
    second = train(data, tmp_path / "b", config=config, device="cpu", seed=2)
    key = "classifier.3.weight"
    assert not np.array_equal(load_file(first.weights)[key], load_file(second.weights)[key])


def test_resuming_what_does_not_fit(tmp_path: Path, blobs: Path) -> None:
    config = quick(stages=SHORT)
    with pytest.raises(TrainingError, match="nothing to resume"):
        train(blobs, tmp_path / "run", config=config, resume=True)
    data = write_blobs(tmp_path / "data", 24)
    with pytest.raises(StoppedError):
        train(data, tmp_path / "run", config=config, device="cpu", progress=stop_after(1))
    with pytest.raises(TrainingError, match="other options or images"):
        train(data, tmp_path / "run", config=config, seed=9, device="cpu", resume=True)
    (tmp_path / "run" / "checkpoints" / "last.pt").write_bytes(b"broken")
    with pytest.raises(TrainingError, match="cannot be read"):
        train(data, tmp_path / "run", config=config, device="cpu", resume=True)


def test_starts_from_a_bundle(trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path) -> None:
    bundle, _ = trained
    config = quick(stages=(Stage(epochs=1, size=64),), learning_rate=1e-6, ema_decay=0.0)
    again = train(blobs, tmp_path / "run", config=config, init=str(bundle.path), device="cpu")
    assert again.card.initialised_from == str(bundle.path)
    assert again.card.metrics[0].balanced_accuracy >= 0.8  # an epoch from scratch knows nothing
    with pytest.raises(TrainingError, match="is a mobilenet_v3_small, not a resnet18"):
        train(blobs, tmp_path / "x", config=config, init=str(bundle.path), architecture="resnet18")


def test_stops_when_nothing_is_gained(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 24)
    config = quick(stages=(Stage(epochs=12, size=32),), default_draws=20, patience=1, learning_rate=1e-12)
    train(data, tmp_path / "run", config=config, device="cpu")
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()
    assert len(rows) - 1 < 12


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"folds": 3, "fold": 3}, "fold 3 does not exist"),
        ({"epochs": 0}, "epochs: 0 is too few"),
        ({"architecture": "vgg"}, "unknown architecture 'vgg'"),
        ({"init": "nonesuch"}, "no model 'nonesuch'"),
        ({"device": "gpu"}, "choose auto, cpu"),
        ({"config": "nonesuch"}, "no training preset 'nonesuch'"),
    ],
)
def test_wrong_options(blobs: Path, tmp_path: Path, changes: dict[str, object], said: str) -> None:
    from napari_bonemarrow.cytology import BoneMarrowError

    with pytest.raises(BoneMarrowError, match=said) as caught:
        train(blobs, tmp_path / "run", **{"config": quick(), "device": "cpu", **changes})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_too_few_images(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 5)
    with pytest.raises(TrainingError, match="fewer than two classes have 20 images"):
        train(data, tmp_path / "run", config=quick(), device="cpu")


def test_epochs_are_spread_over_the_stages() -> None:
    config = TrainConfig(stages=(Stage(epochs=20, size=100), Stage(epochs=10, size=160)))
    assert [s.epochs for s in config.with_epochs(6).stages] == [4, 2]
    assert [s.epochs for s in config.with_epochs(1).stages] == [0, 1]
    assert [config.size_at(e) for e in (0, 19, 20, 29)] == [100, 100, 160, 160]


def test_folds_that_were_asked_for_take_the_place_of_a_fixed_split() -> None:
    config = TrainConfig(split="starter-split")
    assert override(config, {"fold": None, "epochs": None}, None).split == "starter-split"
    assert override(config, {"fold": 2}, None).split == ""
    assert override(config, {"folds": 3}, None).split == ""
