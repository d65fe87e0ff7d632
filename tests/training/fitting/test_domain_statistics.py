"""Statistics of what a bundle was taught with, from features and from the data of a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_bonemarrow.cli import app
from napari_bonemarrow.cytology.domain import LIMIT
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.bundles.bundle import DOMAIN, WEIGHTS
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training import TrainingError, train
from napari_bonemarrow.training.config import Stage
from napari_bonemarrow.training.fitting.domain_statistics import add_domain_from, fit_domain
from tests.training.drawn_crops import draw_blob, quick, write_blobs


def cloud(n: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, list[str]]:
    """Four classes apart along the first axes of 50, wide along others that tell nothing."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 4, n)
    values = rng.normal(size=(n, 50)) * np.linspace(2, 0.1, 50)
    values[np.arange(n), which] += 12
    values[:, 20] += shift
    return values, [f"a/{each}" for each in which]


def test_held_out_crops_are_strange_as_rarely_as_said_and_others_are_not() -> None:
    features, groups = cloud(2000, 0)
    domain = fit_domain(features, groups, cloud(1000, 1)[0], ["a"] * 1000)
    assert domain is not None
    own = domain.strangeness(cloud(4000, 2)[0]) > LIMIT
    assert 0.03 < own.mean() < 0.08
    between = domain.strangeness(cloud(400, 3)[0] * np.where(np.arange(50) < 4, 0.5, 1)) > LIMIT
    assert between.mean() > 0.5
    assert (domain.strangeness(cloud(400, 3, shift=30)[0]) > LIMIT).mean() > 0.9


def test_the_most_spread_data_set_sets_the_scale() -> None:
    features, groups = cloud(2000, 0)
    tight, wide = cloud(300, 1)[0], cloud(300, 2)[0] * 1.3
    domain = fit_domain(features, groups, np.concatenate([tight, wide]), ["a"] * 300 + ["b"] * 300)
    alone = fit_domain(features, groups, wide, ["b"] * 300)
    assert domain is not None
    assert alone is not None
    assert (domain.strangeness(wide) > LIMIT).mean() == pytest.approx(0.05, abs=0.01)
    assert domain.relative[-20] >= alone.relative[-20] - 1e-4


def test_too_few_crops_give_no_statistics() -> None:
    features, groups = cloud(2000, 0)
    assert fit_domain(features, groups, features[:99], ["a"] * 99) is None
    assert fit_domain(features[:40], groups[:40], features[:200], ["a"] * 200) is None


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A short fit with enough held-out crops; its data and its folder."""
    root = tmp_path_factory.mktemp("domain")
    data = write_blobs(root / "data", 150)
    config = quick(stages=(Stage(epochs=2, size=32),), calibration_share=0.4)
    train(data, root / "run", config=config)
    return data, root / "run"


def test_train_writes_the_statistics_of_every_bundle(run: tuple[Path, Path]) -> None:
    bundle = Bundle.open(run[1] / "bundle")
    assert bundle.card.domain is not None
    assert sum(bundle.card.domain.held_out.values()) >= 100
    classifier = Classifier(bundle, "cpu")
    own = np.stack([draw_blob(code, seed)[0] for code in ("BLA", "EOS", "LYT") for seed in range(900, 940)])
    told = classifier.classify(own).strangeness
    assert told is not None
    assert (told > LIMIT).mean() < 0.2
    noise = np.random.default_rng(0).integers(0, 255, own.shape).astype(np.uint8)
    foreign = classifier.classify(noise).strangeness
    assert foreign is not None
    assert (foreign > LIMIT).mean() > 0.8


def test_the_command_adds_the_same_statistics_to_a_bundle_without(
    run: tuple[Path, Path], tmp_path: Path
) -> None:
    data, out = run
    there = Bundle.open(out / "bundle")
    shutil.copytree(there.path, tmp_path / "bundle")
    (tmp_path / "bundle" / "card.json").write_text(
        there.card.model_copy(update={"domain": None}).model_dump_json(exclude_none=True), "utf-8"
    )
    (tmp_path / "bundle" / DOMAIN).unlink()
    assert Classifier(tmp_path / "bundle", "cpu").domain is None
    command = ["models", "domain", str(tmp_path / "bundle"), str(data), "--split", str(out / "split.csv")]
    done = CliRunner().invoke(app, [*command, "--device", "cpu"])
    assert done.exit_code == 0, done.output
    added = Bundle.open(tmp_path / "bundle")
    assert added.card.domain == there.card.domain
    assert (added.path / WEIGHTS).read_bytes() == (there.path / WEIGHTS).read_bytes()


def test_no_test_image_has_a_part_in_them(run: tuple[Path, Path], tmp_path: Path) -> None:
    data, out = run
    shutil.copytree(data, tmp_path / "data")
    for line in (out / "split.csv").read_text().splitlines():
        name, _, part = line.rpartition(",")
        if part == "test":
            (tmp_path / "data" / name.partition("/")[2]).write_bytes(b"no picture")
    shutil.copytree(out / "bundle", tmp_path / "bundle")
    added = add_domain_from(tmp_path / "bundle", tmp_path / "data", str(out / "split.csv"), device="cpu")
    assert added.card.domain == Bundle.open(out / "bundle").card.domain


def test_damaged_statistics_are_made_again(run: tuple[Path, Path], tmp_path: Path) -> None:
    data, out = run
    shutil.copytree(out / "bundle", tmp_path / "bundle")
    (tmp_path / "bundle" / DOMAIN).write_bytes(b"nothing")
    added = add_domain_from(tmp_path / "bundle", data, str(out / "split.csv"), device="cpu")
    assert added.card.domain == Bundle.open(out / "bundle").card.domain


def test_another_split_is_refused(run: tuple[Path, Path], tmp_path: Path) -> None:
    data, out = run
    lines = (out / "split.csv").read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join(lines[:-5]) + "\n")
    shutil.copytree(out / "bundle", tmp_path / "bundle")
    with pytest.raises(TrainingError, match="not the split"):
        add_domain_from(tmp_path / "bundle", data, str(tmp_path / "other.csv"), device="cpu")
