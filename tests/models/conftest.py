"""Small bundles with random weights: what a bundle says does not matter here, how it is handled does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card, Normalisation
from napari_bonemarrow.models.networks.architectures import build, head_of
from napari_bonemarrow.models.preprocess import Normaliser, reduce_crops
from napari_bonemarrow.models.weights.bundle_writer import write_bundle

CLASSES = ("BLA", "LYT", "NGS")


def card(architecture: str = "mobilenet_v3_small", **changes: object) -> Card:
    values: dict[str, object] = {
        "name": "tiny",
        "architecture": architecture,
        "classes": CLASSES,
        "crop_size": 80,
        "network_size": 64,
        "microns_per_pixel": 0.3,
        "normalisation": Normalisation(mean=(0.7, 0.6, 0.7), std=(0.2, 0.2, 0.1)),
        "temperature": 1.5,
        "support": {"BLA": Support.TRAINED, "LYT": Support.TRANSFERRED, "NGS": Support.NONE},
        **changes,
    }
    return Card.model_validate(values)


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., Bundle]:
    def make(folder: Path, architecture: str = "mobilenet_v3_small", **changes: object) -> Bundle:
        torch.manual_seed(3)
        network = build(architecture, 3)
        # Norms that have seen something and a lively head: untouched ones answer alike to every crop.
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        normalise = Normaliser(card().normalisation, torch.device("cpu"))
        seen = normalise(reduce_crops(torch.from_numpy(draw()), 64))
        head = head_of(network, architecture)
        with torch.no_grad():
            network.train()(seen)
            logits = network.eval()(seen)
            head.bias -= logits.mean(dim=0)
            head.weight /= logits.std(dim=0)[:, None]
            head.bias /= logits.std(dim=0)
        return write_bundle(folder, network.state_dict(), card(architecture, **changes))

    return make


@pytest.fixture(scope="session")
def bundle(make_bundle: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return make_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def crops() -> np.ndarray:
    return draw()


def draw() -> np.ndarray:
    """Smooth random crops: blobs rather than noise, shape (9, 80, 80, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(40, 250, (9, 10, 10, 3))
    return coarse.repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
