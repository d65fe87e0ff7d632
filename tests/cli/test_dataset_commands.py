"""The dataset commands in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Noise by which a network can still tell two classes: one is dark, one is bright."""
    rng = np.random.default_rng(0)
    for code, level in (("BLA", 90), ("LYT", 190)):
        (tmp_path / "set" / code).mkdir(parents=True)
        for at in range(12):
            pixels = (level + rng.normal(0, 20, (64, 64, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / code / f"{at}.png")
    return tmp_path / "set"


def test_check(run: Callable[..., tuple[int, str, str]], crops: Path) -> None:
    code, out, _ = run("dataset", "check", crops)
    assert code == 0
    assert out.startswith("set: 24 images, scheme bmc21")
    code, out, _ = run("dataset", "check", crops, "--json")
    assert code == 0
    assert json.loads(out)["sources"]["set"]["images"] == 24
    code, out, err = run("dataset", "check", crops / "nonesuch")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_split(run: Callable[..., tuple[int, str, str]], crops: Path, tmp_path: Path) -> None:
    target = tmp_path / "split.csv"
    code, _, err = run("dataset", "split", crops, "--out", target, "--test", "0.25", "--calibration", "0.25")
    assert code == 0, err
    assert "set: 12 to train, 6 to calibrate, 6 to test" in err
    assert len(target.read_text().splitlines()) == 13
    code, out, _ = run("dataset", "split", crops, "--out", target, "--json")
    assert code == 0
    assert json.loads(out)["sources"]["set"]["BLA"] == {"train": 9, "calibration": 1, "test": 2}
    assert run("dataset", "split", crops, "--out", target, "--test", "0.9", "--calibration", "0.1")[0] == 1


def test_doubts_and_what_became_of_them(
    run: Callable[..., tuple[int, str, str]], crops: Path, tmp_path: Path
) -> None:
    (crops / "BLA" / "0.png").rename(crops / "LYT" / "wrong.png")
    queue = tmp_path / "queue"
    code, out, err = run(
        "dataset", "doubts", crops, "--out", queue, "--folds", "3", "--device", "cpu", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["case"] == str(queue / "doubts.bmcase")
    assert (queue / "doubts.csv").read_text().splitlines()[1].startswith("1,set/LYT/wrong.png,LYT,BLA,")
    code, _, err = run("dataset", "doubts", crops, "--out", queue)
    assert code == 1
    assert "is there already" in err
    code, out, _ = run("dataset", "correct", queue / "doubts.bmcase", "--out", tmp_path / "new.csv", "--json")
    assert code == 0
    assert json.loads(out)["crops"] == 24
