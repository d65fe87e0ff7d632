from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.training.data.labelled_crops import Crops, load_crops
from napari_bonemarrow.training.fitting.epoch_sample import draw_epoch, plan
from napari_bonemarrow.training.fitting.fit import schedule, weighted_cross_entropy
from tests.training.drawn_crops import quick, write_blobs


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    """Marrow with 24 BLA, 24 LYT and 3 EOS; blood with 24 LYT and 24 EBO."""
    root = tmp_path_factory.mktemp("sources")
    write_blobs(root / "marrow", 24, ("BLA", "LYT"))
    write_blobs(root / "marrow", 3, ("EOS",))
    write_blobs(root / "blood", 24, ("LYT", "EOS"), first=100)
    (root / "blood" / "LYT").rename(root / "blood" / "LY")
    (root / "blood" / "EOS").rename(root / "blood" / "ERB")
    return load_crops(root, 64, root / "cache")


def test_support(crops: Crops) -> None:
    support = plan(crops, quick()).support
    assert {code: s for code, s in support.items() if s is not Support.NONE} == {
        "BLA": Support.TRAINED,
        "LYT": Support.TRAINED,
        "EBO": Support.TRANSFERRED,
    }
    assert set(support) == set(BMC21)


def test_weights_follow_the_source(crops: Crops) -> None:
    curriculum = plan(crops, quick())
    weights = np.exp(curriculum.log_weights(crops, 0.05))
    by = {
        source: dict(zip(BMC21, weights[crops.source == source][0].round(4), strict=True))
        for source in ("marrow", "blood")
    }
    assert (by["marrow"]["BLA"], by["marrow"]["LYT"], by["marrow"]["EBO"]) == (1, 1, pytest.approx(0.05))
    assert (by["blood"]["BLA"], by["blood"]["LYT"], by["blood"]["EBO"]) == (pytest.approx(0.05), 1, 1)
    assert by["marrow"]["EOS"] == by["marrow"]["PLM"] == 0
    closed = np.exp(curriculum.log_weights(crops, 0.0))
    assert set(np.unique(closed)) == {0, 1}


def test_rare_classes_are_left_out(crops: Crops) -> None:
    curriculum = plan(crops, quick())
    taught = curriculum.teaches(crops, np.arange(len(crops)))
    assert set(crops.codes[taught]) == {"BLA", "LYT", "EBO"}


def test_epoch_is_balanced_capped_and_shuffled(crops: Crops) -> None:
    curriculum = plan(crops, quick())
    train = curriculum.teaches(crops, np.arange(len(crops)))
    config = quick(draws={"marrow": 60, "blood": 10}, largest_repeat=2.0)
    drawn = draw_epoch(crops, train, config, np.random.default_rng(0))
    pairs = list(zip(crops.source[drawn], crops.codes[drawn], strict=True))
    assert pairs.count(("marrow", "BLA")) == pairs.count(("marrow", "LYT")) == 48  # twice 24
    assert pairs.count(("blood", "LYT")) == pairs.count(("blood", "EBO")) == 10
    marrow = drawn[crops.source[drawn] == "marrow"]
    assert set(np.unique(marrow, return_counts=True)[1]) == {2}
    again = draw_epoch(crops, train, config, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, again)
    assert (np.diff(drawn) < 0).any()


def test_loss_gives_no_gradient_to_closed_columns() -> None:
    logits = torch.zeros(2, 4, requires_grad=True)
    weights = torch.tensor([[0.0, 0.0, -torch.inf, -3.0], [0.0, 0.0, 0.0, 0.0]])
    weighted_cross_entropy(logits, torch.tensor([0, 3]), weights, 0.1).backward()
    gradient = logits.grad
    assert gradient is not None
    assert gradient[0, 2] == 0
    assert 0 < gradient[0, 3] < gradient[0, 1]
    assert torch.isfinite(gradient).all()


def test_loss_equals_torch_where_all_columns_count() -> None:
    logits = torch.randn(5, 4)
    labels = torch.tensor([0, 1, 2, 3, 0])
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(weighted_cross_entropy(logits, labels, torch.zeros(5, 4), 0.1), expected)


def test_schedule_warms_up_and_falls() -> None:
    rates = [schedule(p, 0.1) for p in np.linspace(0, 1, 101)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(rates[10]) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.01)
    assert all(a >= b for a, b in pairwise(rates[10:]))


def test_a_class_of_few_marrow_crops_is_learnt_but_not_trusted(crops: Crops) -> None:
    curriculum = plan(crops, quick(minimum_images=3))
    assert curriculum.support["EOS"] is Support.FEW
    assert curriculum.support["LYT"] is Support.TRAINED
    assert curriculum.open_mask()[BMC21.index("EOS")]
