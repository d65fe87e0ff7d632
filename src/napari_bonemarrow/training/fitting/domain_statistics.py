"""Domain statistics of a bundle's training data, which reveal smears that look different.

Centres and spreads come from training crops, the reference distances from the calibration part, which no
weight was fitted to. Test images are in neither.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.domain import LIMIT
from napari_bonemarrow.models.bundles.bundle import CARD, DOMAIN, Bundle
from napari_bonemarrow.models.bundles.card import DomainStatistics
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.models.domain import Domain, domain_bytes
from napari_bonemarrow.training.config import TrainingError
from napari_bonemarrow.training.data.crop_index import Crops
from napari_bonemarrow.training.data.images import all_images, in_order, read_image
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.data.split import PARTS, read_parts, split_digest, split_file
from napari_bonemarrow.training.files import write_atomically

log = logging.getLogger(__name__)

AXES = 32
"""Number of axes, chosen among 16 to 128 on fields of another laboratory: see docs/evaluation.md."""

MOST_TAUGHT, MOST_HELD = 250, 1_000
"""Largest number of training crops per class and data set, and of held-out crops per data set."""

FEWEST_OF_A_GROUP = 20
"""Fewest training crops of one class and data set for a centre."""

FEWEST_HELD = 100
"""Fewest held-out crops for ranking distances; half of it gives a data set its own scale."""

_RIDGE = 1e-3
"""Part of the mean variance added to each axis, so that the covariance of few crops can be inverted."""

_LEVELS = np.linspace(0, 1, 401)
_AT_ONCE = 256

Report = Callable[[int, int], None]
"""Called with the number of measured crops and of all crops."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """The training images of a bundle, with split and reader.

    Attributes
    ----------
    source, code : ndarray of str, shape (n,)
        Data set and class of each image.
    train, held : ndarray of int
        Training images, and those of the calibration part.
    read : callable
        Returns an image by number as a crop at the bundle's scale and size, None where it cannot be read.
    """

    source: NDArray[np.str_]
    code: NDArray[np.str_]
    train: NDArray[np.intp]
    held: NDArray[np.intp]
    read: Callable[[int], NDArray[np.uint8] | None]

    @classmethod
    def of_crops(cls, crops: Crops, train: NDArray[np.intp], held: NDArray[np.intp]) -> Taught:
        """Return the training images of decoded crops."""

        def read(index: int) -> NDArray[np.uint8]:
            # By a list of one: joined crops accept only lists.
            pixels: NDArray[np.uint8] = np.asarray(crops.pixels[np.array([index])])[0]
            return pixels

        return cls(crops.source, crops.codes, train, held, read)


def fit_domain(
    features: NDArray[np.floating],
    groups: Sequence[str],
    held: NDArray[np.floating],
    held_source: Sequence[str],
) -> Domain | None:
    """Return statistics of features.

    Parameters
    ----------
    features : ndarray, shape (n, f)
        Features of training crops.
    groups : sequence of str, length n
        Data set and class of each.
    held : ndarray, shape (m, f)
        Features of held-out crops.
    held_source : sequence of str, length m
        Their data sets. The most spread one at each level sets the scale, so that no training data set looks
        strange.

    Returns
    -------
    Domain or None
        None with too few crops.
    """
    group, sources = np.asarray(groups), np.asarray(held_source)
    names = [name for name, n in sorted(Counter(group.tolist()).items()) if n >= FEWEST_OF_A_GROUP]
    if not names or len(held) < FEWEST_HELD:
        return None
    kept = np.isin(group, names)
    values, group = np.asarray(features, np.float64)[kept], group[kept]
    mean = values.mean(axis=0)
    _, _, rows = np.linalg.svd(values - mean, full_matrices=False)
    axes = rows[: min(AXES, len(rows))]
    places = (values - mean) @ axes.T
    centres = np.stack([places[group == name].mean(axis=0) for name in names])
    apart = places - centres[np.searchsorted(names, group)]
    within, overall = _whitening(apart), _whitening(places)
    parts: dict[str, NDArray[np.float32]] = {
        name: np.asarray(each, np.float32)
        for name, each in (
            ("mean", mean),
            ("axes", axes),
            ("centres", centres @ within.T),
            ("within", within),
            ("overall", overall),
        )
    }
    nothing = np.empty(0, np.float32)
    measured = Domain(**parts, levels=nothing, relative=nothing, plain=nothing).distances(held)
    relative, plain = (_ranked(each, sources) for each in measured)
    return Domain(**parts, levels=_LEVELS.astype(np.float32), relative=relative, plain=plain)


def _ranked(distances: NDArray[np.float32], sources: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return the distance at each level, that of the most spread data set, shape (q,)."""
    scales = [
        np.quantile(distances[sources == name], _LEVELS)
        for name in np.unique(sources)
        if np.count_nonzero(sources == name) >= FEWEST_HELD // 2
    ]
    ranked = np.max(scales, axis=0) if scales else np.quantile(distances, _LEVELS)
    return np.asarray(ranked, np.float32)


def _whitening(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the whitening matrix, the inverse Cholesky factor, (d, d)."""
    spread = np.atleast_2d(np.cov(places.T))
    spread += max(_RIDGE * float(np.trace(spread)) / len(spread), 1e-9) * np.eye(len(spread))
    return np.asarray(np.linalg.inv(np.linalg.cholesky(spread)), np.float64)


def add_domain(
    bundle: Bundle, taught: Taught, *, device: str = "auto", report: Report | None = None, seed: int = 0
) -> Bundle:
    """Return a bundle with statistics of its own training images; its weights stay.

    Parameters
    ----------
    bundle : Bundle
    taught : Taught
    device : str
    report : callable, optional
    seed : int
        Seed of the draw from more images than needed.

    Returns
    -------
    Bundle
        Unchanged, with a log message, if its network has no features or there are too few images.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    # Existing statistics are not read: they may be the damaged part.
    classifier = Classifier(replace(bundle, card=bundle.card.model_copy(update={"domain": None})), device)
    if not classifier.embeds:
        log.info("%s: its network has no features; no out-of-domain statistics", bundle.card.name)
        return bundle
    rng = np.random.default_rng(seed)
    group = np.char.add(np.char.add(taught.source, "/"), taught.code)
    train = _drawn(taught.train, group[taught.train], MOST_TAUGHT, rng)
    held = _drawn(taught.held, taught.source[taught.held], MOST_HELD, rng)
    wanted = np.concatenate([train, held])
    features, seen = _features(classifier, taught, wanted, report)
    is_train, is_held = np.isin(seen, train), np.isin(seen, held)
    domain = fit_domain(
        features[is_train],
        group[seen[is_train]].tolist(),
        features[is_held],
        taught.source[seen[is_held]].tolist(),
    )
    if domain is None:
        log.info("%s: too few images for out-of-domain statistics", bundle.card.name)
        return bundle
    strange = domain.strangeness(features[is_held]) > LIMIT
    return _put(bundle, domain, taught.source[seen[is_train]], taught.source[seen[is_held]], strange)


def add_domain_from(
    model: Bundle | str | Path,
    data: Path,
    split: str,
    *,
    device: str = "auto",
    report: Report | None = None,
    seed: int = 0,
) -> Bundle:
    """Return an older bundle with statistics as from `add_domain`, from its data and split.

    Parameters
    ----------
    model : Bundle, str or Path
    data : Path
        Its training data.
    split : str
        A table ``file,part`` by path, or by its name in the package.

    Raises
    ------
    TrainingError
        If training used another split, or the folder has none of its images.
    BundleError
    """
    bundle = Bundle.open(model)
    images = all_images(find_sources(data))
    names = [source.name_of(source.files[index]) for source, index in images]
    parts = read_parts(split_file(split))
    here = {name: part for name, part in parts.items() if name in set(names)}
    if bundle.card.split_sha256 not in {split_digest(parts), split_digest(here)} or not here:
        raise TrainingError(
            f"{split}: is not the split that {bundle.card.name} was trained with, or {data} not its images; "
            "name the run's own split.csv and its data"
        )
    part = np.array([parts.get(name, 0) for name in names])
    code = np.array([source.codes[index] for source, index in images])
    known = [each for each, support in bundle.card.support.items() if support is not Support.NONE]
    usable = np.isin(code, known)
    card = bundle.card

    def read(number: int) -> NDArray[np.uint8] | None:
        source, index = images[number]
        return read_image(source, source.files[index], card.crop_size, card.microns_per_pixel)

    taught = Taught(
        np.array([source.name for source, _ in images]),
        code,
        np.flatnonzero(usable & (part == PARTS.index("train"))),
        np.flatnonzero(usable & (part == PARTS.index("calibration"))),
        read,
    )
    return add_domain(bundle, taught, device=device, report=report, seed=seed)


def _drawn(
    which: NDArray[np.intp], group: NDArray[np.str_], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return a limited number of each group, drawn at random, in ascending order."""
    kept = [rng.permutation(which[group == name])[:most] for name in np.unique(group)]
    return np.sort(np.concatenate(kept)) if kept else which


def _features(
    classifier: Classifier, taught: Taught, which: NDArray[np.intp], report: Report | None
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return the features of the readable images, and their numbers."""
    rows, seen = [], []
    for numbers, crops in _blocks(taught, which):
        rows.append(classifier.features(crops))
        seen.append(numbers)
        if report is not None:
            report(sum(map(len, seen)), len(which))
    if not rows:
        return np.empty((0, 1), np.float32), np.empty(0, np.intp)
    return np.concatenate(rows), np.concatenate(seen)


def _blocks(taught: Taught, which: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    for start in range(0, len(which), _AT_ONCE):
        block = which[start : start + _AT_ONCE].tolist()
        crops = list(in_order(lambda at, block=block: taught.read(block[at]), len(block)))  # type: ignore[misc]
        good = [at for at, crop in enumerate(crops) if crop is not None]
        if good:
            yield (
                np.array([block[at] for at in good], np.intp),
                np.stack([crop for crop in crops if crop is not None]),
            )


def _put(
    bundle: Bundle,
    domain: Domain,
    taught: NDArray[np.str_],
    held: NDArray[np.str_],
    strange: NDArray[np.bool_],
) -> Bundle:
    """Write the statistics, then the card that names their file."""
    data = domain_bytes(domain)
    card = bundle.card.model_copy(
        update={
            "domain": DomainStatistics(
                sha256=hashlib.sha256(data).hexdigest(),
                axes=len(domain.axes),
                groups=len(domain.centres),
                taught=dict(sorted(Counter(taught.tolist()).items())),
                held_out=dict(sorted(Counter(held.tolist()).items())),
                limit=LIMIT,
                strange={
                    name: round(float(strange[held == name].mean()), 4) for name in np.unique(held).tolist()
                },
            )
        }
    )
    text = card.model_dump_json(indent=2, exclude_none=True) + "\n"
    write_atomically(bundle.path / DOMAIN, lambda draft: draft.write_bytes(data))
    write_atomically(bundle.path / CARD, lambda draft: draft.write_text(text, "utf-8"))
    return Bundle.open(bundle.path)
