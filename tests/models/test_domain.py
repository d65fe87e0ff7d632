"""Statistics of what a bundle was taught with: the distance, the file, and what a classifier makes of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.models import Bundle, BundleError
from napari_bonemarrow.models.bundles.bundle import CARD, DOMAIN
from napari_bonemarrow.models.bundles.card import DomainStatistics
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.domain import Domain, domain_bytes, read_domain


def statistics(features: int, d: int = 3) -> Domain:
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(features, d)))[0].T
    within, overall = (np.tril(rng.uniform(0.5, 1, (d, d))) for _ in range(2))
    levels = np.linspace(0, 1, 5)
    mean, centres = rng.normal(size=features), rng.normal(size=(4, d))
    parts = (mean, axes, centres, within, overall, levels, 10 * levels, 50 * levels)
    return Domain(*(np.asarray(part, np.float32) for part in parts))


def with_domain(bundle: Bundle, folder: Path) -> Bundle:
    shutil.copytree(bundle.path, folder)
    features = Classifier(bundle, "cpu").features(np.zeros((1, 80, 80, 3), np.uint8)).shape[1]
    data = domain_bytes(statistics(features))
    (folder / DOMAIN).write_bytes(data)
    said = DomainStatistics(
        sha256=hashlib.sha256(data).hexdigest(),
        axes=3,
        groups=4,
        taught={"a": 40},
        held_out={"a": 100},
        limit=0.95,
        strange={"a": 0.05},
    )
    card = bundle.card.model_copy(update={"domain": said})
    (folder / CARD).write_text(card.model_dump_json(exclude_none=True), "utf-8")
    return Bundle.open(folder)


def test_the_distance_is_the_relative_mahalanobis_distance() -> None:
    domain = statistics(20)
    features = np.random.default_rng(2).normal(size=(7, 20))
    places = (features - domain.mean) @ domain.axes.T.astype(float)
    inverse = np.linalg.inv(
        np.linalg.inv(domain.within.astype(float)) @ np.linalg.inv(domain.within.astype(float)).T
    )
    whole = domain.overall.astype(float).T @ domain.overall.astype(float)
    centres = np.linalg.solve(domain.within.astype(float), domain.centres.T.astype(float)).T
    for row, place in enumerate(places):
        near = min((place - c) @ inverse @ (place - c) for c in centres)
        relative, plain = (each[row] for each in domain.distances(features))
        assert plain == pytest.approx(near, rel=1e-3, abs=1e-3)
        assert relative == pytest.approx(near - place @ whole @ place, rel=1e-3, abs=1e-3)


def test_strangeness_is_the_share_of_held_out_crops_that_lie_closer() -> None:
    domain = statistics(20)
    features = np.random.default_rng(2).normal(size=(50, 20))
    relative, plain = domain.distances(features)
    ranks = np.clip(relative / 10, 0, 1), np.clip(plain / 50, 0, 1)
    expected = np.where(ranks[1] > 0.99, np.maximum(*ranks), ranks[0])
    assert domain.strangeness(features) == pytest.approx(expected, abs=1e-6)
    assert domain.strangeness(1000 * features).min() > 0.99


def test_a_classifier_measures_each_crop_in_the_pass_that_classifies_it(
    bundle: Bundle, tmp_path: Path, crops: np.ndarray
) -> None:
    classifier = Classifier(with_domain(bundle, tmp_path / "own"), "cpu")
    plain, (told, features) = classifier.classify(crops), classifier.classify_and_embed(crops)
    assert classifier.domain is not None
    assert plain.strangeness == pytest.approx(classifier.domain.strangeness(features))
    assert told.strangeness == pytest.approx(plain.strangeness)
    assert plain.probabilities == pytest.approx(Classifier(bundle, "cpu").classify(crops).probabilities)
    assert plain.select(np.array([4, 1])).strangeness == pytest.approx(plain.strangeness[[4, 1]])


def test_a_bundle_without_statistics_measures_nothing(bundle: Bundle, crops: np.ndarray) -> None:
    assert read_domain(bundle) is None
    assert Classifier(bundle, "cpu").classify(crops).strangeness is None


@pytest.mark.parametrize("harm", ["missing", "other", "damaged"])
def test_statistics_that_are_not_the_cards_are_refused_in_one_line(
    bundle: Bundle, tmp_path: Path, harm: str
) -> None:
    own = with_domain(bundle, tmp_path / "own")
    file = own.path / DOMAIN
    if harm == "missing":
        file.unlink()
    elif harm == "other":
        file.write_bytes(domain_bytes(statistics(20)))
    else:
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BundleError, match=DOMAIN) as caught:
        Classifier(Bundle.open(own.path), "cpu")
    assert "\n" not in str(caught.value)


def test_a_bundle_that_takes_anothers_place_leaves_no_statistics_of_it(
    make_bundle: Callable[..., Bundle], bundle: Bundle, tmp_path: Path
) -> None:
    own = with_domain(bundle, tmp_path / "own")
    again = make_bundle(own.path, domain=own.card.domain)
    assert again.card.domain is None
    assert not (own.path / DOMAIN).exists()
    assert Classifier(again, "cpu").domain is None


def test_the_starter_knows_its_domain() -> None:
    starter = Bundle.open("starter")
    assert starter.card.domain is not None
    assert set(starter.card.domain.held_out) == {"bmc", "pbc"}
    assert max(starter.card.domain.strange.values()) <= 0.06
    domain = read_domain(starter)
    assert domain is not None
    assert len(domain.axes) == starter.card.domain.axes
