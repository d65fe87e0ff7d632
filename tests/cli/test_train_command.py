"""`train` as it is typed: stopped and gone on with, all folds, options that do not go together."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology.durations import duration

Run = Callable[..., tuple[int, str, str]]

COLOURS = {"LYT": (60, 40, 140), "NGS": (200, 90, 60)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for code, colour in COLOURS.items():
        folder = tmp_path / "crops" / code
        folder.mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(rng.normal(colour, 20, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "crops"


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    options = {
        "architecture": "timm:test_convnext",
        "crop_size": 40,
        "minimum_images": 4,
        "default_draws": 16,
        "batch_size": 8,
        "stages": [{"epochs": 200, "size": 32}],
    }
    path.write_text(json.dumps(options))
    return path


@pytest.mark.slow
def test_a_run_that_is_terminated_can_go_on(run: Run, data: Path, preset: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["train", str(data), "--out", str(out), "--preset", str(preset), "--device", "cpu"]
    command = [sys.executable, "-m", "napari_bonemarrow", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:  # until the first epochs are behind it
            if line.startswith("Epoch 3/200"):
                break
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
        assert process.wait(timeout=100) == 1
    (error,) = (line for line in said.splitlines() if line.startswith("error: "))
    assert error.startswith(f"error: stopped; {out}/checkpoints/last.pt keeps ")
    assert error.endswith(" epochs: the same command with --resume continues")
    with (out / "history.csv").open(newline="") as file:
        done = len(list(csv.DictReader(file)))
    assert f" keeps {done} epochs" in error
    code, _, err = run(*arguments, "--resume", "--epochs", "3")
    assert (code, err.count("\n")) == (1, 1)
    assert 'other options or images: stages was [{"epochs": 200' in err


def test_all_folds_are_trained(run: Run, data: Path, preset: Path, tmp_path: Path) -> None:
    options = ("--folds", 2, "--fold", "all", "--epochs", 1, "--device", "cpu", "--json")
    kept = ("--cache", tmp_path / "cache")
    code, out, err = run("train", data, "--out", tmp_path / "run", "--config", preset, *options, *kept)
    assert code == 0, err
    assert json.loads(out) == json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert json.loads(out)["n"] == 40
    assert list((tmp_path / "cache").glob("*.npy"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--fold", "first"], 2, "'first' is not a fold"),
        (["--folds", "3", "--fold", "3"], 1, "fold 3 does not exist in 3 folds"),
        (["--precision", "float8"], 2, "float8"),
        (["--teacher", "nonesuch"], 1, "no model 'nonesuch'"),
        (["--folds", "2", "--fold", "all", "--teacher", "starter"], 1, "give one a fold"),
        (["--batch-size", "64"], 1, "training images; add images or lower batch_size"),
        (["--preset", "nonesuch"], 1, "no training preset 'nonesuch'"),
        (["--resume"], 1, "nothing to resume"),
    ],
)
def test_wrong_options_end_with_one_line(
    run: Run, data: Path, preset: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    ended, _, err = run(
        "train", data, "--out", tmp_path / "run", "--preset", preset, "--device", "cpu", *arguments
    )
    assert ended == code
    assert said in " ".join(err.split())
    if code == 1:
        assert [line[:7] for line in err.splitlines()] == ["error: "]


@pytest.mark.parametrize(
    ("seconds", "said"), [(4.2, "4 s"), (125, "2 min"), (5400, "90 min"), (11_100, "3 h 05 min")]
)
def test_times_are_said_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said
