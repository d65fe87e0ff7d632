"""The same command under torchrun: two processes on the CPU give what one gives."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from napari_bonemarrow.training import TrainConfig, train
from napari_bonemarrow.training.config import Stage, TrainingError
from napari_bonemarrow.training.fitting.batches import share_of
from tests.training.drawn_crops import quick, write_blobs

COMMAND = ("-m", "napari_bonemarrow", "train")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def layer_normed(**changes: object) -> TrainConfig:
    """A small network whose images do not depend on one another: no batch norm, no dropout."""
    values: dict[str, object] = {
        "architecture": "timm:test_convnext",
        "stages": (Stage(epochs=2, size=32),),
        "batch_size": 48,  # three pieces: one process gets two of them, the other one
        "default_draws": 48,
        **changes,
    }
    return quick(**values)


def start(data: Path, out: Path, preset: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *TORCHRUN, *COMMAND, str(data), "--out", str(out)]
    command += ["--preset", str(preset), "--device", "cpu"]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 48)
    preset = tmp_path / "small.json"
    preset.write_text(layer_normed().model_dump_json())
    train(data, tmp_path / "alone", config=preset, device="cpu")
    both = start(data, tmp_path / "both", preset)
    assert both.returncode == 0, both.stderr
    assert both.stderr.count("bundle in") == 1  # the first speaks for both
    one = load_file(tmp_path / "alone" / "bundle" / "weights.safetensors")
    two = load_file(tmp_path / "both" / "bundle" / "weights.safetensors")
    assert one.keys() == two.keys()
    for key in one:
        np.testing.assert_allclose(one[key], two[key], atol=2e-4, err_msg=key)
    for column in ("loss", "score"):
        np.testing.assert_allclose(
            read(tmp_path / "alone", "history.csv", column),
            read(tmp_path / "both", "history.csv", column),
            atol=1e-3,
        )
    for column in ("p_BLA", "p_LYT"):
        np.testing.assert_allclose(
            read(tmp_path / "alone", "predictions.csv", column),
            read(tmp_path / "both", "predictions.csv", column),
            atol=1e-3,
        )
    assert not (tmp_path / "both" / "cache").exists()


@pytest.mark.slow
def test_an_error_ends_all_processes_with_one_line(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 24)
    preset = tmp_path / "small.json"
    preset.write_text(layer_normed(batch_size=24).model_dump_json())
    ended = start(data, tmp_path / "run", preset)
    assert ended.returncode != 0
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert lines == [
        "error: a batch of 24 is too small for 2 processes; set batch_size to 32 or more, "
        "or start fewer processes"
    ]


@pytest.mark.parametrize(("batch_size", "processes"), [(48, 2), (128, 8), (100, 3), (512, 8), (40, 1)])
def test_processes_share_a_batch_without_a_gap(batch_size: int, processes: int) -> None:
    shares = [share_of(batch_size, rank, processes) for rank in range(processes)]
    assert [s.start for s in shares] == [0, *(s.stop for s in shares[:-1])]
    assert shares[-1].stop == batch_size


def test_more_processes_than_pieces() -> None:
    with pytest.raises(TrainingError, match="too small for 4 processes; set batch_size to 64 or more"):
        share_of(32, 0, 4)


def read(run: Path, name: str, column: str) -> list[float]:
    with (run / name).open(newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file)]
