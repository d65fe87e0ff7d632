"""A bundle with random weights, small enough to load in a blink, and a drawn field with its scale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.engine import Engine
from tests.shared_engines import shared


def make_bundle(folder: Path, seed: int = 0) -> Path:
    import torch

    from napari_bonemarrow.models.bundles.card import Card, Normalisation
    from napari_bonemarrow.models.networks.architectures import build
    from napari_bonemarrow.models.weights.bundle_writer import write_bundle

    torch.manual_seed(seed)
    card = Card(
        name=f"random-{seed}",
        architecture="mobilenet_v3_small",
        classes=BMC21,
        crop_size=250,
        network_size=64,
        microns_per_pixel=0.1,
        normalisation=Normalisation(mean=(0.7, 0.6, 0.7), std=(0.2, 0.2, 0.2)),
        temperature=1.0,
        support={code: Support.TRAINED if code < "M" else Support.NONE for code in BMC21},
    )
    return write_bundle(folder, build(card.architecture, len(BMC21)).state_dict(), card).path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "random")


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "other", seed=1)


@pytest.fixture(scope="session")
def field(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small drawn field whose file states its scale."""
    from napari_bonemarrow.drawing import draw_smear, write_sample

    smear = draw_smear(3, width=800, height=600, cells_per_class={"LYT": 3, "NGS": 2, "EBO": 2})
    return write_sample(tmp_path_factory.mktemp("field") / "field.png", smear)


@pytest.fixture(scope="session")
def shared_engine(bundle: Path) -> Iterator[Engine]:
    """One engine for tests that do not kill it."""
    with shared(Engine("cpu", threads=1)) as engine:
        yield engine
