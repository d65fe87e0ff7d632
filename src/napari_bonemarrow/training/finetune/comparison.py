"""Comparison before and after: whether a fine-tuned network may replace the old one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.cytology.published import TOLERATED
from napari_bonemarrow.training.figures.bootstrap import drop_interval
from napari_bonemarrow.training.figures.metrics import figures
from napari_bonemarrow.training.finetune.case_snapshot import REVIEWED, UNREVIEWED

ALLOWED_FALL = 0.01
"""Allowed fall of the balanced accuracy on base data: with some hundred images per class, two fits of one
recipe differ by as much. Reviewed cells allow no fall."""

ALLOWED_CHANGE = 0.2
"""Allowed share of unreviewed cells, mean over classes, that change the confident class of the old model:
some were wrong, but a network that changes most of them has forgotten what it knew."""


def compare(
    source: NDArray[np.str_],
    truth: NDArray[np.intp],
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    classes: tuple[str, ...],
) -> dict[str, dict[str, Any]]:
    """Return the figures of both networks on the same held-out images, by source.

    Parameters
    ----------
    source : ndarray of str, shape (n,)
    truth : ndarray of int, shape (n,)
        Columns of the true classes.
    before, after : ndarray, shape (n, k)
        Probabilities.
    classes : tuple of str
        The k codes.

    Returns
    -------
    dict
        Source to ``before`` and ``after`` (as `figures`, and ``recall_ci95``, Wilson, by class) and
        ``gain``: the rise of the balanced accuracy with its paired 95 % bootstrap interval.
    """
    tables: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(source.tolist()):
        here = source == name
        told = [figures(truth[here], each[here], classes, TOLERATED) for each in (before, after)]
        for each in told:
            each["recall_ci95"] = {
                code: [round(bound, 4) for bound in wilson(round(row["recall"] * row["n"]), row["n"])]
                for code, row in each["per_class"].items()
            }
        right = [each[here].argmax(axis=1) == truth[here] for each in (before, after)]
        fall, low, high = drop_interval(truth[here], *right)
        tables[name] = {"before": told[0], "after": told[1], "gain": [-fall, -high, -low]}
    return tables


def verdict(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return why the new network must not replace the old one; empty where it may.

    It may where the balanced accuracy fell neither on the held-out reviewed cells nor, by more than
    `ALLOWED_FALL`, on the held-out images of any base data, and where no more than `ALLOWED_CHANGE` of the
    held-out unreviewed cells changed their class.

    Parameters
    ----------
    tables : mapping
        As from `compare`.
    """
    for name, table in tables.items():
        before, after = (table[each]["balanced_accuracy"] for each in ("before", "after"))
        if name == UNREVIEWED:
            if before - after > ALLOWED_CHANGE:
                return (
                    f"it forgot its skill: only {after:.0%} of held-out unreviewed cells keep the class "
                    "that the old bundle was sure of; give base data, or review other classes too"
                )
        elif before - after > (1e-9 if name == REVIEWED else ALLOWED_FALL):
            return (
                f"it is worse on the held-out part of the {name}: "
                f"balanced accuracy {before:.3f} before, {after:.3f} after"
            )
    return ""
