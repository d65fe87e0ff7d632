from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.models.bundles.card import Card, Normalisation, TrainingSource
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.figures.priors import estimate_prior, reweigh, target_prior, training_prior

CLASSES = ("BLA", "LYT", "NGS")
EVEN = np.full(3, 1 / 3)


def observe(prior: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw classes from a prior, one number each from a Gaussian a class; return even-prior posteriors."""
    rng = np.random.default_rng(4)
    truth = rng.choice(3, n, p=prior)
    seen = rng.normal(truth * 1.2, 1.0)
    likelihood = np.exp(-0.5 * (seen[:, None] - 1.2 * np.arange(3)) ** 2)
    return truth, likelihood / likelihood.sum(1, keepdims=True)


def test_corrected_posteriors_are_those_of_bayes_and_serve_better() -> None:
    prior = np.array([0.8, 0.15, 0.05])
    truth, even = observe(prior, 4000)
    corrected = reweigh(even, EVEN, prior)
    np.testing.assert_allclose(corrected, even * prior / (even @ prior)[:, None])
    assert (corrected.argmax(1) == truth).mean() > (even.argmax(1) == truth).mean() + 0.1
    assert corrected.mean(axis=0) == pytest.approx(prior, abs=0.02)
    np.testing.assert_allclose(reweigh(even, EVEN, EVEN), even)


def test_estimate_finds_the_shares() -> None:
    prior = np.array([0.1, 0.3, 0.6])
    _, even = observe(prior, 6000)
    assert estimate_prior(even, EVEN) == pytest.approx(prior, abs=0.04)


def test_a_row_without_a_class_in_the_target_stays() -> None:
    certain = np.array([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3]])
    corrected = reweigh(certain, EVEN, np.array([0.0, 0.5, 0.5]))
    np.testing.assert_allclose(corrected, [[1, 0, 0], [0, 0.625, 0.375]])


def card(**changes: object) -> Card:
    return Card(
        name="tiny",
        architecture="resnet18",
        classes=CLASSES,
        crop_size=64,
        network_size=64,
        microns_per_pixel=0.1,
        normalisation=Normalisation(mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)),
        temperature=1.0,
        support={"BLA": Support.TRAINED, "LYT": Support.TRANSFERRED, "NGS": Support.NONE},
        **changes,  # type: ignore[arg-type]
    )


def test_training_prior_is_what_was_drawn() -> None:
    sources = tuple(
        TrainingSource(name=name, images=9, attribution="a", licence="l", drawn=drawn)
        for name, drawn in (("marrow", {"BLA": 60}), ("blood", {"BLA": 20, "LYT": 20}))
    )
    shares, text = training_prior(card(training_data=sources))
    np.testing.assert_allclose(shares, [0.8, 0.2, 0])
    assert "an epoch drew" in text
    shares, text = training_prior(card())
    np.testing.assert_allclose(shares, [0.5, 0.5, 0])
    assert "taken as equal" in text


def test_distributions_are_read(tmp_path: Path) -> None:
    assert target_prior("published", BMC21)[BMC21.index("NGS")] == pytest.approx(29424 / 171374)
    np.testing.assert_allclose(target_prior("BLA=1, NGS=3", CLASSES), [0.25, 0, 0.75])
    file = tmp_path / "marrow.csv"
    file.write_text("code,share\nBLA,0.1\nLYT,0.1\nNGS,0.2\nPLM,0.6\n")
    np.testing.assert_allclose(target_prior(str(file), CLASSES), [0.25, 0.25, 0.5])
    file.write_text("BLA,5\nLYT,5\n")
    np.testing.assert_allclose(target_prior(str(file), CLASSES), [0.5, 0.5, 0])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nowhere.csv", "no such class distribution"),
        ("XYZ=1", "'XYZ' is not a class code"),
        ("BLA=lots", "BLA has 'lots'"),
        ("BLA=-1", "BLA has '-1'"),
        ("BLA=nan", "BLA has 'nan'"),
        ("BLA=0", "no class has a share"),
    ],
)
def test_bad_distributions(wanted: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        target_prior(wanted, CLASSES)


def test_bad_file(tmp_path: Path) -> None:
    file = tmp_path / "marrow.csv"
    file.write_text("code,share\nBLA\n")
    with pytest.raises(TrainingError, match="BLA has ''"):
        target_prior(str(file), CLASSES)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TrainingError, match="cannot be read as CSV"):
        target_prior(str(file), CLASSES)
