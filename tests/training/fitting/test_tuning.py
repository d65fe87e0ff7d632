"""Training from published backbones: what is fitted, what is kept, what the bundle holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bonemarrow.models import BundleError
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.networks.architectures import build
from napari_bonemarrow.models.networks.pretrained import IMAGENET_NORMALISATION
from napari_bonemarrow.models.weights.bundle_weights import load_weights
from napari_bonemarrow.training import TrainingError, train
from napari_bonemarrow.training.config import Stage
from tests.training.drawn_crops import OBJECTS, draw_blob, quick, write_blobs

SMALL = {
    "stages": (Stage(epochs=2, size=28),),
    "minimum_images": 10,
    "trusted_images": 10,
    "default_draws": 12,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_blobs(tmp_path_factory.mktemp("tuning") / "data", 20)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in DinoBloom's layout, with random weights."""
    torch.manual_seed(0)
    state = build("dinobloom_s", 2).state_dict()
    teacher = {f"backbone.{name}": t.half() for name, t in state.items() if not name.startswith("head")}
    path = tmp_path_factory.mktemp("backbone") / "DinoBloom-S.pth"
    torch.save({"teacher": {**teacher, "dino_head.mlp.0.weight": torch.zeros(2, 2)}}, path)
    return path


@pytest.mark.slow
def test_adapters_end_in_a_plain_bundle(data: Path, backbone: Path, tmp_path: Path) -> None:
    options = quick(architecture="dinobloom_s", init=str(backbone), tune="lora", lora_rank=2, **SMALL)
    bundle = train(data, tmp_path / "run", config=options, device="cpu")
    taught, published = load_weights(bundle), torch.load(backbone, weights_only=True)["teacher"]
    assert set(taught) == set(build("dinobloom_s", 2).state_dict())
    assert taught["head.weight"].shape == (21, 384)
    kept = published["backbone.norm.weight"].float()
    torch.testing.assert_close(taught["norm.weight"], kept)
    moved = taught["blocks.0.attn.qkv.weight"] - published["backbone.blocks.0.attn.qkv.weight"].float()
    assert moved.abs().max() > 1e-6
    assert torch.linalg.matrix_rank(moved, rtol=1e-3) <= 2
    card = bundle.card
    assert card.normalisation == IMAGENET_NORMALISATION
    assert card.initialised_from is not None
    assert card.initialised_from.startswith("DinoBloom-S.pth (sha256 ")
    assert "arXiv:2404.05022" in card.initialised_from
    crops = np.stack([draw_blob(code, 9000)[0] for code in OBJECTS])
    assert np.isfinite(Classifier(bundle, "cpu").classify(crops).probabilities).all()


def test_the_head_alone(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = build("resnet18", 5).state_dict()
    torch.save(before, tmp_path / "resnet18.pth")
    options = quick(
        architecture="resnet18",
        init=str(tmp_path / "resnet18.pth"),
        tune="head",
        **{**SMALL, "stages": (Stage(epochs=1, size=32),)},
    )
    after = load_weights(train(data, tmp_path / "run", config=options, device="cpu"))
    same = {name for name in after if torch.equal(after[name], before[name].to(after[name].dtype))}
    assert set(after) - same == {"fc.weight", "fc.bias"}


def test_what_cannot_be_tuned(data: Path, backbone: Path, tmp_path: Path) -> None:
    def refused(**changes: object) -> str:
        with pytest.raises((TrainingError, BundleError)) as caught:
            train(data, tmp_path / "run", config=quick(**{**SMALL, **changes}), device="cpu")
        return str(caught.value)

    assert "name an init" in refused(architecture="sequential", tune="head")
    assert "dinobloom_b is not here yet" in refused(architecture="dinobloom_b", init="dinobloom_b")
    whole = {"stages": (Stage(epochs=1, size=32),)}
    assert "multiple of 14 px, not 32" in refused(architecture="dinov2_s", init=str(backbone), **whole)
    bad = tmp_path / "x.pth"
    bad.write_bytes(b"no weights")
    assert f"{bad}: " in refused(architecture="sequential", init=str(bad), **whole)
