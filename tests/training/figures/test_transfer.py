from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.cytology.schemes import SCHEMES
from napari_bonemarrow.models.bundles.card import Card, Normalisation
from napari_bonemarrow.training.data.labelled_crops import Source
from napari_bonemarrow.training.evaluation.classified import select
from napari_bonemarrow.training.figures.transfer import transfer, transferred_classes


@pytest.fixture
def card() -> Card:
    return Card(
        name="tiny",
        architecture="resnet18",
        classes=("BLA", "MMZ", "MYB", "NGB"),
        crop_size=64,
        network_size=64,
        microns_per_pixel=0.1,
        normalisation=Normalisation(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)),
        temperature=1.0,
        support={
            "BLA": Support.TRAINED,
            "MMZ": Support.TRANSFERRED,
            "MYB": Support.TRANSFERRED,
            "NGB": Support.NONE,
        },
    )


def test_pooled_with_its_interval(card: Card) -> None:
    truth = np.array(["BLA", "MMZ", "MMZ", "MYB", "MYB", "NGB"])
    told = np.array(["BLA", "MMZ", "MYB", "BLA", "MMZ", "NGB"])
    found = transfer(truth, told, card, TOLERATED)
    assert found is not None
    assert (found["n"], found["right"], found["tolerant_right"]) == (4, 1, 3)
    assert found["share_ci95"] == pytest.approx([0.0456, 0.6994], abs=1e-3)
    assert found["classes"] == {
        "MMZ": {"n": 2, "right": 1, "called": {"MMZ": 1, "MYB": 1}},
        "MYB": {"n": 2, "right": 0, "called": {"BLA": 1, "MMZ": 1}},
    }
    assert transfer(truth[:1], told[:1], card, TOLERATED) is None


def test_transferred_images_are_taken_from_every_part_but_not_asked_for(card: Card) -> None:
    files = tuple(Path(f"/data/bmc/{code}/{i}.png") for code in ("BLA", "MMZ") for i in range(4))
    codes = tuple(file.parent.name for file in files)
    source = Source("bmc", SCHEMES["bmc21"], files, codes, 0, Path("/data/bmc"))
    parts = {"bmc/BLA/1.png": "test", "bmc/MMZ/0.png": "test", "bmc/BLA/2.png": "calibration"}
    found = select(source, parts, "test", None, transferred_classes(card), 0)
    assert found is not None
    assert [file.name for file in found.source.files] == ["1.png", "0.png", "1.png", "2.png", "3.png"]
    assert found.asked == (True, True, False, False, False)
    assert found.available == {"BLA": 4, "MMZ": 4}
    assert select(source, {"bmc/BLA/1.png": "test"}, "calibration", None, (), 0) is None
    few = select(source, None, "test", 2, (), 0)
    assert few is not None
    assert few.source.codes == ("BLA", "BLA", "MMZ", "MMZ")
    assert few.available == {"BLA": 4, "MMZ": 4}
