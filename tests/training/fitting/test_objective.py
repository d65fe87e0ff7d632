"""Training as a job: what goes wrong on the way, and what is kept."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.memory import keep_memory
from napari_bonemarrow.models.preprocess import reduce_crops
from napari_bonemarrow.training import TrainConfig, TrainingError, train
from napari_bonemarrow.training.config import Stage
from napari_bonemarrow.training.fitting.fit import Pace
from napari_bonemarrow.training.fitting.interruption import stoppable
from tests.training.drawn_crops import OBJECTS, SIZE, draw_blob, quick, write_blobs


def small(**changes: object) -> TrainConfig:
    """Two epochs of a small network without batch norm, on 32 px."""
    values: dict[str, object] = {
        "architecture": "timm:test_convnext",
        "stages": (Stage(epochs=2, size=32),),
        "default_draws": 24,
        "batch_size": 24,
        **changes,
    }
    return quick(**values)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blobs(tmp_path_factory.mktemp("job") / "data", 30)


def weights_of(bundle: Bundle) -> dict[str, np.ndarray]:
    return load_file(bundle.weights)


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def runs_short(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Let networks run out of memory in training when more than so many images come at once."""
    from timm.models.convnext import ConvNeXt

    whole = ConvNeXt.forward

    def forward(self: nn.Module, images: torch.Tensor) -> torch.Tensor:
        if self.training and len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(self, images)

    monkeypatch.setattr(ConvNeXt, "forward", forward)


def test_out_of_memory_halves_what_goes_through_at_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(data, tmp_path / "whole", config=small(), device="cpu")
    runs_short(monkeypatch, 7)
    parts = train(data, tmp_path / "parts", config=small(), device="cpu")
    assert [row["images_at_once"] for row in history(tmp_path / "whole")] == ["24", "24"]
    assert [row["images_at_once"] for row in history(tmp_path / "parts")] == ["6", "6"]
    said = [record.message for record in caplog.records if "out of memory" in record.message]
    assert [text.split(": ")[1] for text in said] == [
        "12 images at once from now on, the batch stays the same",
        "6 images at once from now on, the batch stays the same",
    ]
    one, other = weights_of(whole), weights_of(parts)
    for key in one:
        np.testing.assert_allclose(one[key], other[key], atol=2e-4, err_msg=key)


def test_too_little_memory_for_one_image(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_short(monkeypatch, 0)
    with pytest.raises(TrainingError, match="too little memory for one image of 32 px"):
        train(data, tmp_path / "run", config=small(), device="cpu")


def test_accumulated_batches_are_one_batch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing drawn at random but the order, since each batch has chance of its own."""

    def untouched(crops: torch.Tensor, size: int, *_others: object) -> torch.Tensor:
        return reduce_crops(crops, size)

    monkeypatch.setattr("napari_bonemarrow.training.fitting.batches.augment", untouched)
    one = train(data, tmp_path / "one", config=small(batch_size=24), device="cpu")
    two = train(data, tmp_path / "two", config=small(batch_size=12, accumulate=2), device="cpu")
    a, b = weights_of(one), weights_of(two)
    for key in a:
        np.testing.assert_allclose(a[key], b[key], atol=2e-4, err_msg=key)


def test_a_loss_that_is_no_number_names_its_batch(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_bonemarrow.training.fitting import objective

    calls = 0
    whole = objective.label_losses

    def broken(*arguments: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        losses: torch.Tensor = whole(*arguments)  # type: ignore[arg-type]
        return losses * torch.nan if calls == 5 else losses

    monkeypatch.setattr(objective, "label_losses", broken)
    config = small(default_draws=24)  # three batches an epoch
    with pytest.raises(
        TrainingError, match=r"the loss is not a number in epoch 2, batch 2 \((BLA|EOS|LYT)/"
    ) as caught:
        train(data, tmp_path / "run", config=config, device="cpu")
    assert "last.pt keeps the epochs before, and --resume continues from there" in str(caught.value)
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)
    assert kept["numbers"][0] == 1
    assert all(bool(torch.isfinite(t).all()) for t in kept["network"].values())
    monkeypatch.undo()
    train(data, tmp_path / "run", config=config, device="cpu", resume=True)
    assert len(history(tmp_path / "run")) == 2


def test_interrupted_in_the_middle_of_a_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    unbroken = train(data, tmp_path / "unbroken", config=small(), device="cpu")
    whole, calls = torch.save, 0

    def cut_short(document: object, path: Path) -> None:
        nonlocal calls
        calls += 1
        whole(document, path)
        if calls == 2:
            with path.open("rb+") as file:
                file.truncate(path.stat().st_size // 2)
            raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut_short)
    with pytest.raises(TrainingError) as caught, stoppable(out):
        train(data, out, config=small(), device="cpu")
    assert str(caught.value) == (
        f"stopped; {out}/checkpoints/last.pt keeps 1 epoch: the same command with --resume continues"
    )
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["last.pt"]
    monkeypatch.undo()
    resumed = train(data, out, config=small(), device="cpu", resume=True)
    one, other = weights_of(unbroken), weights_of(resumed)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def test_a_disk_that_fills_keeps_the_last_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_document: object, _path: Path) -> None:
        raise OSError(28, "No space left on device")

    def second(done: int, _total: int, _row: object) -> None:
        monkeypatch.setattr(torch, "save", full)

    with pytest.raises(TrainingError, match=r"last.pt: cannot be written \(No space left on device\)"):
        train(data, tmp_path / "run", config=small(), device="cpu", progress=second)
    monkeypatch.undo()
    train(data, tmp_path / "run", config=small(), device="cpu", resume=True)
    assert len(history(tmp_path / "run")) == 2


def test_told_to_stop_by_a_signal(tmp_path: Path) -> None:
    def terminated() -> None:
        with stoppable(tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    with pytest.raises(TrainingError, match="stopped; no epoch was finished"):
        terminated()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_stop_that_was_lost_on_the_way_is_not_forgotten(data: Path, tmp_path: Path) -> None:
    """A signal may come while Python finalises an object, where exceptions are dropped."""

    def terminated(done: int, _total: int, _row: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    with pytest.raises(TrainingError, match="keeps 1 epoch"), stoppable(tmp_path):
        train(data, tmp_path, config=small(), device="cpu", progress=terminated)


def test_resuming_says_what_has_changed(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(data, out, config=small(stages=(Stage(epochs=1, size=32),)), device="cpu")
    with pytest.raises(TrainingError, match=r"other options or images: batch_size was 24, is 12; stages was"):
        train(data, out, config=small(batch_size=12), device="cpu", resume=True)
    other = small(architecture="mobilenet_v3_small", stages=(Stage(epochs=1, size=32),))
    with pytest.raises(TrainingError, match=r"another network, timm:test_convnext, not mobilenet_v3_small"):
        train(data, out, config=other, device="cpu", resume=True)
    more = write_blobs(tmp_path / "more", 31)
    with pytest.raises(TrainingError, match="other images: files were added"):
        train(more, out, config=small(stages=(Stage(epochs=1, size=32),)), device="cpu", resume=True)


def test_bfloat16_changes_the_sums_a_little(data: Path, tmp_path: Path) -> None:
    for precision in ("float32", "bfloat16"):
        config = small(precision=precision, stages=(Stage(epochs=1, size=32),))
        train(data, tmp_path / precision, config=config, device="cpu")
    one, other = (float(history(tmp_path / p)[0]["loss"]) for p in ("float32", "bfloat16"))
    assert one != other
    assert one == pytest.approx(other, rel=0.02)


def test_a_bundle_gives_the_figures_that_were_measured(blobs: Path, tmp_path: Path) -> None:
    config = quick(
        architecture="sequential",
        half_weights=True,
        test_time_views=4,
        coverage=0.8,
        stages=(Stage(epochs=8, size=32),),
    )
    paces: list[Pace] = []
    bundle = train(blobs, tmp_path / "run", config=config, device="cpu", tick=paces.append)
    kinds = {key: value.dtype for key, value in load_file(bundle.weights).items()}
    assert kinds["head.weight"] == np.float16
    assert kinds["head.bias"] == np.float32
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["balanced_accuracy"] >= 0.85
    assert metrics["selective"]["abstain_below"] == bundle.card.abstain_below
    confusion = bundle.card.confusion
    assert confusion is not None
    assert {code: sum(row.values()) for code, row in confusion.items()} == {
        code: figures["n"] for code, figures in metrics["per_class"].items() if figures["n"]
    }
    right = sum(row.get(code, 0) for code, row in confusion.items())
    assert right / metrics["n"] == pytest.approx(metrics["accuracy"])
    assert metrics["selective"]["accuracy"] >= metrics["accuracy"] - 0.05
    assert metrics["selective"]["coverage"] == pytest.approx(0.8, abs=0.25)
    # The bundle, opened afresh, says of the held-out images what the run wrote down.
    with (tmp_path / "run" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    from PIL import Image

    crops = np.stack([np.asarray(Image.open(blobs / row["file"])) for row in rows])
    told = Classifier(bundle, "cpu").classify(crops)
    written = np.array([[float(row[f"p_{code}"]) for code in told.classes] for row in rows])
    np.testing.assert_allclose(told.probabilities, written, atol=2e-3)
    assert [pace.epoch for pace in paces] == list(range(8))
    assert paces[-1].seconds_left == 0
    assert paces[0].seconds_left > paces[0].part / paces[0].images_per_second


def test_the_backbone_can_learn_more_slowly(data: Path, tmp_path: Path) -> None:
    config = small(stages=(Stage(epochs=1, size=32),), ema_decay=0.0, weight_decay=0.0)
    start = train(data, tmp_path / "start", config=config.changed(learning_rate=1e-12), device="cpu")
    slow = config.changed(backbone_rate=1e-6)
    end = train(data, tmp_path / "end", config=slow, device="cpu")
    one, other = weights_of(start), weights_of(end)
    moved = {key: float(np.abs(one[key] - other[key]).max()) for key in one}
    assert moved.pop("head.fc.weight") > 1e-3
    moved.pop("head.fc.bias")
    assert max(moved.values()) < 1e-5


def test_tensorboard_gets_the_figures(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(data, tmp_path / "run", config=small(), device="cpu", tensorboard=True)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    losses = [event.value for event in events.Scalars("loss")]
    np.testing.assert_allclose(losses, [float(row["loss"]) for row in history(tmp_path / "run")], rtol=1e-5)


def test_an_epoch_must_fill_a_step(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="fewer than the 96 images of a step"):
        train(data, tmp_path / "run", config=small(accumulate=4), device="cpu")


def test_freed_memory_is_kept_where_the_library_can() -> None:
    import platform

    assert keep_memory() is (platform.libc_ver()[0] == "glibc")
    assert draw_blob(next(iter(OBJECTS)), 0)[0].shape == (SIZE, SIZE, 3)
