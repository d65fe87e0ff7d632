"""Transfer: classification in marrow of classes learnt only from blood."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.models.bundles.card import Card

PROTOCOL = (
    "classes that the bundle learnt from blood only, on marrow crops, none of which it was trained on; "
    "pooled over classes, Wilson interval; descriptive, no figure of a single class"
)


def transferred_classes(card: Card) -> frozenset[str]:
    """Return the classes that were learnt only from blood, by the card."""
    return frozenset(code for code, support in card.support.items() if support is Support.TRANSFERRED)


def transfer(
    truth: NDArray[np.str_], predicted: NDArray[np.str_], card: Card, pairs: frozenset[frozenset[str]]
) -> dict[str, Any] | None:
    """Return how the transferred classes of a marrow source were classified.

    Parameters
    ----------
    truth, predicted : ndarray of str, shape (n,)
        Codes of all images of the source.
    card : Card
    pairs : frozenset of pairs of codes
        The tolerated confusions.

    Returns
    -------
    dict or None
        ``n, right, share, share_ci95, tolerant_right, classes`` (by code: ``n, right`` and ``called``, the
        predicted classes) and ``protocol``; None where the source has no such image.
    """
    codes = transferred_classes(card)
    here = np.isin(truth, list(codes))
    n = int(here.sum())
    if not n:
        return None
    right = int((truth == predicted)[here].sum())
    near = sum(
        bool(a == b or frozenset((str(a), str(b))) in pairs)
        for a, b in zip(truth[here], predicted[here], strict=True)
    )
    return {
        "n": n,
        "right": right,
        "share": right / n,
        "share_ci95": list(wilson(right, n)),
        "tolerant_right": near,
        "classes": {
            str(code): {
                "n": int((truth == code).sum()),
                "right": int(((truth == code) & (predicted == code)).sum()),
                "called": dict(Counter(str(told) for told in predicted[truth == code]).most_common()),
            }
            for code in np.unique(truth[here])
        },
        "protocol": PROTOCOL,
    }
