"""A count by a model, adjusted by the errors that it made on held-out cells.

A model's own count is biased: with a recall of .65 it finds 13 of 20 blasts, and other classes turn into
blasts. From how often it took each class for each other one among held-out cells, the composition is found
that explains what it said of a smear, with the uncertainty of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CLASSES
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.rows import ADJUSTED_FROM
from napari_bonemarrow.estimation.differential import groups_of

FEWEST_HELD_OUT = 20
"""Held-out cells of a class below which nothing is adjusted by them."""


_CHAINS, _WARM_UP, _SWEEPS = 48, 10, 32
_COMPOSITION = 0.15
"""Prior cells of each class in a smear; benchmarks/adjusted_count.py compares others."""
_ROW = 1.0
"""Prior cells of each row of the confusion in all, spread over its columns (Perks)."""
_SEED = 20
_STARTS = 40
"""Steps of expectation and maximisation to the start of each chain."""

_MOST_TO_ONE = 1000.0
"""Upper limit of M:E beyond which it is called infinite."""

Counts = tuple[tuple[str, int], ...]
"""Numbers by class, hashable."""
Pairs = tuple[tuple[str, str, int], ...]
"""Numbers by true and predicted class."""


@dataclass(frozen=True, slots=True)
class AdjustedShare:
    """The adjusted share of a class or group.

    Attributes
    ----------
    code : str
    percent : float
        Of counted cells.
    ci95 : tuple of float
        95 % interval, per cent, for the errors of the classifier and of sampling.
    """

    code: str
    percent: float
    ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AdjustedCount:
    """A differential adjusted by a model's errors on held-out cells.

    Attributes
    ----------
    classes, groups : tuple of AdjustedShare
    m_to_e : float
        Median.
    m_to_e_ci95 : tuple of float
        The upper limit is infinite where erythroid cells may be all but missing.
    cells, reviewed, held_out : int
        Unreviewed cells with a guess; cells known by review; cells that the errors were measured on.
    """

    classes: tuple[AdjustedShare, ...]
    groups: tuple[AdjustedShare, ...]
    m_to_e: float
    m_to_e_ci95: tuple[float, float]
    cells: int
    reviewed: int
    held_out: int

    def row(self, code: str) -> AdjustedShare | None:
        """Return the row of a class or group, None where the model does not predict it."""
        return next((row for row in (*self.classes, *self.groups) if row.code == code), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the count as JSON values."""
        return {
            "from": str(ADJUSTED_FROM),
            "unreviewed": self.cells,
            "reviewed": self.reviewed,
            "held_out": self.held_out,
            "classes": [_share_json(row) for row in self.classes],
            "groups": [_share_json(row) for row in self.groups],
            "ratios": {
                "m_to_e": {
                    "value": round(self.m_to_e, 3),
                    "ci95": [round(bound, 3) if isfinite(bound) else None for bound in self.m_to_e_ci95],
                }
            },
        }


def _share_json(row: AdjustedShare) -> dict[str, Any]:
    return {
        "code": row.code,
        "percent": round(row.percent, 2),
        "ci95": [round(bound, 2) for bound in row.ci95],
    }


def adjusted_count(
    held_out: Mapping[str, Mapping[str, int]],
    predicted: Mapping[str, int],
    known: Mapping[tuple[str, str], int],
    rules: CountingRules,
) -> AdjustedCount | None:
    """Adjust a count by the errors on held-out cells.

    Parameters
    ----------
    held_out : mapping of str to mapping of str to int
        Held-out cells by true and predicted class.
    predicted : mapping of str to int
        Unreviewed cells of the smear by the model's own first guess.
    known : mapping of (str, str) to int
        Reviewed cells by class and the model's own first guess, which is empty where it made none.
    rules : CountingRules

    Returns
    -------
    AdjustedCount or None
        None without an unreviewed cell, and where fewer than `FEWEST_HELD_OUT` held-out cells are of a
        counted class, or of one that was predicted here.
    """
    held = tuple(
        (true, said, number)
        for true, row in sorted(held_out.items())
        for said, number in sorted(row.items())
        if number
    )
    return _adjusted(
        held,
        tuple((code, number) for code, number in sorted(predicted.items()) if code and number),
        tuple((true, said, number) for (true, said), number in sorted(known.items()) if true and number),
        rules,
    )


@lru_cache(maxsize=16)
def _adjusted(held_out: Pairs, predicted: Counts, known: Pairs, rules: CountingRules) -> AdjustedCount | None:
    rows: dict[str, int] = {}
    for true, _said, number in held_out:
        rows[true] = rows.get(true, 0) + number
    needed = {code for code, cell in CLASSES.items() if cell.predicted and code not in rules.excluded}
    needed |= {code for code, _number in predicted}
    if not predicted or any(rows.get(code, 0) < FEWEST_HELD_OUT for code in needed):
        return None
    classes = [code for code in CLASSES if rows.get(code, 0) >= FEWEST_HELD_OUT]
    others = [code for code in CLASSES if code not in classes and any(true == code for true, *_ in known)]
    draws = _draws(held_out, predicted, known, classes, others)
    return _summary(
        draws,
        [*classes, *others],
        rules,
        cells=sum(number for _code, number in predicted),
        reviewed=sum(number for *_codes, number in known),
        held_out=sum(number for *_codes, number in held_out),
    )


def _draws(
    held_out: Pairs, predicted: Counts, known: Pairs, classes: list[str], others: list[str]
) -> NDArray[np.float64]:
    """Draw compositions of the smear from their distribution given all that is known.

    Gibbs sampling with data augmentation: the true class of each predicted cell is drawn given composition
    and confusion, then composition and confusion given the classes (Tanner & Wong, J Am Stat Assoc
    1987;82:528-40). Reviewed cells are known members of both. Columns in which nothing was predicted here
    are one.

    Returns
    -------
    ndarray of float64, shape (draws, classes + others)
        Shares of all cells, also those that are not counted.
    """
    number = {code: at for at, code in enumerate(classes)}
    seen = [code for code, _count in predicted]
    seen += sorted({said for _true, said, _count in known if said in number} - set(seen))
    column = {code: at for at, code in enumerate(seen)}
    rest = len(seen)
    prior = np.array([1.0] * rest + [max(len(classes) - rest, 1)])
    confusion = np.tile(_ROW * prior / prior.sum(), (len(classes), 1))
    for true, said, count in held_out:
        if true in number:
            confusion[number[true], column.get(said, rest)] += count
    cells = np.array([dict(predicted).get(code, 0) for code in seen])
    pairs, outside = np.zeros((len(classes), rest + 1)), np.zeros(len(others))
    alone = np.zeros(len(classes))
    for true, said, count in known:
        if true not in number:
            outside[others.index(true)] += count
        elif said in number:
            pairs[number[true], column[said]] += count
        else:
            alone[number[true]] += count
    return _gibbs(confusion + pairs, pairs.sum(axis=1) + alone, outside, cells)


def _gibbs(
    rows: NDArray[np.float64],
    known: NDArray[np.float64],
    outside: NDArray[np.float64],
    cells: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Draw compositions.

    Parameters
    ----------
    rows : ndarray of float64, shape (K, J + 1)
        Prior, held-out and reviewed numbers by true class and column; the last column is of no cell.
    known : ndarray of float64, shape (K,)
        Reviewed cells by class.
    outside : ndarray of float64, shape (L,)
        Reviewed cells of classes that the model does not predict.
    cells : ndarray of int64, shape (J,)
        Cells by the predicted class.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    theta = _dirichlet(generator, np.broadcast_to(rows, (_CHAINS, *rows.shape)))
    again = generator.multinomial(cells.sum(), cells / cells.sum(), size=_CHAINS)
    composition = _starts(theta[:, :, :-1], known, again)
    fixed = np.broadcast_to(outside + _COMPOSITION, (_CHAINS, len(outside)))
    kept = []
    for sweep in range(_WARM_UP + _SWEEPS):
        weights = composition[:, None, :] * theta[:, :, :-1].transpose(0, 2, 1) + 1e-300
        weights /= weights.sum(axis=2, keepdims=True)
        drawn = generator.multinomial(cells, weights).transpose(0, 2, 1)  # (chain, true, predicted)
        numbers = np.broadcast_to(rows, theta.shape).copy()
        numbers[:, :, :-1] += drawn
        theta = _dirichlet(generator, numbers)
        found = drawn.sum(axis=2) + known + _COMPOSITION
        shares = _dirichlet(generator, np.concatenate([found, fixed], axis=1))
        composition = shares[:, : len(known)]
        if sweep >= _WARM_UP:
            kept.append(shares)
    return np.concatenate(kept)


def _starts(
    theta: NDArray[np.float64], known: NDArray[np.float64], cells: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the likeliest composition of each chain for its own confusion and its own drawn cells.

    So the chains start about as far apart as they will be, and none has to travel.

    Parameters
    ----------
    theta : ndarray of float64, shape (C, K, J)
    known : ndarray of float64, shape (K,)
    cells : ndarray of int64, shape (C, J)
    """
    composition: NDArray[np.float64] = np.full(theta.shape[:2], 1 / len(known))
    for _step in range(_STARTS):
        weights = composition[:, :, None] * theta
        total = np.maximum(weights.sum(axis=1), 1e-300)
        composition = np.einsum("ckj,cj->ck", weights, cells / total) + known + _COMPOSITION
        composition /= composition.sum(axis=1, keepdims=True)
    return composition


def _dirichlet(generator: np.random.Generator, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = generator.standard_gamma(numbers)
    drawn /= np.maximum(drawn.sum(axis=-1, keepdims=True), 1e-300)
    return drawn


def _summary(
    draws: NDArray[np.float64],
    codes: list[str],
    rules: CountingRules,
    *,
    cells: int,
    reviewed: int,
    held_out: int,
) -> AdjustedCount:
    def total(members: tuple[str, ...]) -> NDArray[np.float64]:
        shares: NDArray[np.float64] = draws[:, [code in members for code in codes]].sum(axis=1)
        return shares

    counted = tuple(code for code in codes if code not in rules.excluded)
    every = total(counted)

    def share(code: str, members: tuple[str, ...]) -> AdjustedShare:
        shares = 100 * total(members) / every
        low, high = np.quantile(shares, [0.025, 0.975]).tolist()
        return AdjustedShare(code, float(shares.mean()), (low, high))

    ratio = total(rules.me_numerator) / np.maximum(total(rules.erythroid), 1e-12)
    low, middle, high = np.quantile(ratio, [0.025, 0.5, 0.975]).tolist()
    if high > _MOST_TO_ONE:
        high = inf
    return AdjustedCount(
        classes=tuple(share(code, (code,)) for code in counted),
        groups=tuple(share(code, members) for code, members in groups_of(rules).items()),
        m_to_e=middle,
        m_to_e_ci95=(low, high),
        cells=cells,
        reviewed=reviewed,
        held_out=held_out,
    )
