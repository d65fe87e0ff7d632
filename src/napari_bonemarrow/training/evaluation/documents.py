"""The metrics document of one source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.cytology.schemes import Scheme
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.training.evaluation.classified import Classified
from napari_bonemarrow.training.figures.metrics import figures
from napari_bonemarrow.training.figures.priors import (
    ESTIMATE,
    estimate_prior,
    reweigh,
    target_prior,
    training_prior,
)
from napari_bonemarrow.training.figures.selective import selective_figures
from napari_bonemarrow.training.figures.transfer import transfer


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of an evaluation besides its images.

    Attributes
    ----------
    minimum_images : int
        Classes with fewer are left out of the figures, unless no class has as many.
    prior : str, optional
        A class distribution, as `target_prior` reads it, or ``estimate``.
    protocol : str
        A text: which images these are, and whether training has seen them.
    """

    minimum_images: int
    prior: str | None
    protocol: str


def counted(classified: Classified, card: Card, minimum_images: int) -> NDArray[np.bool_]:
    """Return which images count in the figures, shape (n,).

    Those of classes with enough images in the whole source: a part of a split or a limit excludes no class.
    """
    counts = classified.available
    enough = [code for code, n in counts.items() if n >= minimum_images]
    here = classified.asked & np.isin(np.array(card.classes)[classified.truth], enough)
    return here if here.any() else classified.asked


def document(bundle: Bundle, classified: Classified, asked: Asked) -> dict[str, Any]:
    """Return all figures of one source.

    Parameters
    ----------
    bundle : Bundle
    classified : Classified
    asked : Asked

    Returns
    -------
    dict
        The source's part of ``metrics.json``: `figures`, ``too_few``, ``unreadable``,
        ``left_out``, ``support``, ``protocol``, ``data``, ``scheme``, ``model``; where they apply
        ``selective``, ``closed``, ``prior`` and ``transfer``.
    """
    card, source = bundle.card, classified.source
    here = counted(classified, card, asked.minimum_images)
    summed = sum_stages(classified.probabilities, card.classes, source.scheme)
    truth, probabilities = classified.truth[here], summed[here]
    few = Counter(classified.truth[classified.asked & ~here].tolist())
    told: dict[str, Any] = {
        **figures(truth, probabilities, card.classes, TOLERATED),
        "too_few": {card.classes[column]: n for column, n in sorted(few.items())},
        "unreadable": list(classified.unreadable),
        "left_out": source.left_out,
        "support": {code: str(support) for code, support in card.support.items()},
        "protocol": f"{asked.protocol}; predictions over all of the bundle's {len(card.classes)} classes",
        "data": source.name,
        "scale": source.scale_used(card.microns_per_pixel),
        "scheme": source.scheme.name,
        "model": {"name": card.name, "sha256": bundle.sha256},
    }
    if card.abstain_below is not None:
        told["selective"] = selective_figures(truth, probabilities, card.abstain_below)
    if source.scheme.sums:
        told["closed"] = _closed(truth, probabilities, card, source.scheme)
    if asked.prior:
        told["prior"] = under_prior(truth, probabilities, card, asked.prior)
    if source.scheme.marrow:
        codes = np.array(card.classes)
        found = transfer(codes[classified.truth], codes[summed.argmax(axis=1)], card, TOLERATED)
        if found:
            told["transfer"] = found
    return told


def sum_stages(
    probabilities: NDArray[np.floating], classes: tuple[str, ...], scheme: Scheme
) -> NDArray[np.floating]:
    """Return probabilities summed over classes that are one stage in a coarser scheme, shape (n, k).

    The sum is in the column of the stage's code, the other columns are 0. A scheme as fine as the bundle
    changes nothing.
    """
    if not scheme.sums:
        return probabilities
    column = {code: index for index, code in enumerate(classes)}
    summed = probabilities.copy()
    for stage, members in scheme.sums.items():
        for member in members:
            if member != stage and member in column:
                summed[:, column[stage]] += probabilities[:, column[member]]
                summed[:, column[member]] = 0
    return summed


def _closed(
    truth: NDArray[np.intp], probabilities: NDArray[np.floating], card: Card, scheme: Scheme
) -> dict[str, Any]:
    """Return the figures if only the scheme's classes may be predicted, as by a model of that scheme."""
    own = np.array([code in scheme.targets for code in card.classes])
    narrowed = np.where(own, probabilities, 0)
    total = narrowed.sum(axis=1, keepdims=True)
    narrowed = np.divide(narrowed, total, out=narrowed, where=total > 0)
    told = figures(truth, narrowed, card.classes, TOLERATED)
    names = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
    return {key: told[key] for name in names for key in (name, f"{name}_ci95")}


def under_prior(
    truth: NDArray[np.intp], probabilities: NDArray[np.floating], card: Card, wanted: str
) -> dict[str, Any]:
    """Return the figures under another class distribution, before and after correcting the posteriors.

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
    probabilities : ndarray, shape (n, k)
    card : Card
    wanted : str
        As in `target_prior`: images are weighted by their class's share, so the figures are those expected
        under these shares. ``estimate``: the shares are estimated from the probabilities only and compared
        with the true ones; images have equal weight.

    Returns
    -------
    dict
        ``target, shares, training, training_text, covered, as_is, corrected``. `covered` is the part of
        the distribution whose classes have images here; the figures hold for that part.
    """
    training, text = training_prior(card)
    present = np.isin(np.arange(len(card.classes)), truth)
    real = np.bincount(truth, minlength=len(card.classes)) / len(truth)
    if wanted == ESTIMATE:
        target = estimate_prior(probabilities, training)
        share = real
    else:
        target = target_prior(wanted, card.classes)
        share = np.where(present, target, 0)
    told: dict[str, Any] = {
        "target": wanted,
        "shares": _by_code(target, card),
        "training": _by_code(training, card),
        "training_text": text,
        "covered": float(target[present].sum()),
    }
    if wanted == ESTIMATE:
        told["true_shares"] = _by_code(real, card)
        told["distance"] = float(np.abs(target - real).sum() / 2)
    weighed = share[truth] > 0
    if not weighed.any():
        return told
    corrected = reweigh(probabilities, training, target)
    for name, posteriors in (("as_is", probabilities), ("corrected", corrected)):
        each = figures(truth[weighed], posteriors[weighed], card.classes, TOLERATED, share)
        told[name] = {key: value for key, value in each.items() if key not in {"confusion", "reliability"}}
    return told


def _by_code(shares: NDArray[np.float64], card: Card) -> dict[str, float]:
    return {code: round(float(v), 5) for code, v in zip(card.classes, shares, strict=True) if v > 0}
