"""The paper's recipe, end to end on drawn crops at a tiny size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.published import MATEK_2021
from napari_bonemarrow.training import load_preset, train
from napari_bonemarrow.training.config import Stage

from .drawn_crops import SIZE, write_blobs


def test_the_recipe() -> None:
    config = load_preset("matek2021")
    assert (config.architecture, config.crop_size, config.network_size) == ("resnext50_32x4d", 250, 250)
    assert config.folds == 5
    assert min(row.n for row in MATEK_2021.values()) >= config.minimum_images, "all 21 classes are learnt"
    smallest = min(row.n for row in MATEK_2021.values()) * 0.75
    assert smallest * config.largest_repeat >= config.default_draws, "up-sampled to the common size"
    assert config.augment.shear > 0
    assert config.augment.stain_gain > 0
    assert config.augment.jpeg == config.augment.noise == config.augment.blur == 0


@pytest.mark.parametrize("architecture", ["sequential", "resnext50_32x4d"])
def test_trained_on_drawn_crops(tmp_path: Path, architecture: str) -> None:
    data = write_blobs(tmp_path / "data", 12, ("BLA", "LYT"))
    write_blobs(tmp_path / "data", 5, ("EOS",))
    config = load_preset("matek2021").changed(
        stages=[Stage(epochs=1, size=32)],
        crop_size=SIZE,
        default_draws=14,
        batch_size=14,
        trusted_images=12,
        calibration_share=0.2,
    )
    bundle = train(data, tmp_path / "run", config=config, architecture=architecture, fold=4, device="cpu")
    card = bundle.card
    assert card.architecture == architecture
    assert card.training_data[0].drawn == {"BLA": 14, "EOS": 14, "LYT": 14}, "a common size"
    assert {code: s for code, s in card.support.items() if s is not Support.NONE} == {
        "BLA": Support.TRAINED,
        "LYT": Support.TRAINED,
        "EOS": Support.FEW,
    }
    document = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert document["classes"] == ["BLA", "EOS", "LYT"], "each fold tests every class"
    assert "fold 4 of 5" in document["protocol"]
