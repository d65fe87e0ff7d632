"""Strata of a sample review: the cells of the frame by what was predicted when the sample began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology.classes import CODES
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.estimation.errors import EstimateError
from napari_bonemarrow.estimation.records import SamplePlan

FEWEST, MOST_STRATA = 12, 40
"""A stratum has at least this number of cells and this part of the frame, so that a sample reaches each."""
WORTH = 0.01
"""A stratum is divided by confidence if that lowers the expected deviation of the frame by this part."""
ALL, REST = "all cells", "other classes"
_DEGREES = {1: ("",), 2: (", sure", ", unsure"), 3: (", sure", ", fairly sure", ", unsure")}


@dataclass(frozen=True, slots=True, eq=False)
class _Stratum:
    """Cells of one stratum by row, and its name."""

    rows: NDArray[np.intp]
    name: str


def begin_sample(
    cell_id: ArrayLike,
    probabilities: ArrayLike | None,
    classes: Sequence[str],
    seed: int,
    rules: CountingRules | None = None,
) -> SamplePlan:
    """Divide the cells of a frame into strata and put each stratum in a random order.

    Cells predicted to be of one class form a stratum, and those of small classes one together. Each is
    divided into sure and unsure cells where the probabilities promise that this makes the count more
    certain. What is predicted decides only how wide the intervals become, never whether they are right.

    Parameters
    ----------
    cell_id : array_like of int, shape (N,)
        The cells of the frame, each once; their order does not matter.
    probabilities : array_like of float, shape (N, k), or None
        Class probabilities of the same cells; a row that is not finite is a cell without a prediction.
        None where there is no model: all cells form one stratum.
    classes : sequence of str, length k
        The column order of `probabilities`.
    seed : int
        0 or more. The order is `numpy.random.Generator(PCG64(seed))`: one call of ``permutation`` for each
        stratum, in their order, on its cells by ascending number.
    rules : CountingRules, optional
        Predicted classes that these rules do not count form one stratum.

    Returns
    -------
    SamplePlan

    Raises
    ------
    EstimateError
        If the frame has no cell.
    ValueError
        If a cell occurs twice, a code is not a class, or shapes differ.
    """
    cells = np.asarray(cell_id, dtype=np.int64)
    if not len(cells):
        raise EstimateError("No cell counts yet: a sample review begins once cells are found.")
    if len(np.unique(cells)) < len(cells):
        raise ValueError("a cell occurs twice in the frame")
    order = np.argsort(cells)
    predicted, confidence = np.zeros(len(cells), np.uint8), np.zeros(len(cells))
    if probabilities is not None:
        given = np.asarray(probabilities, dtype=float)
        if given.shape != (len(cells), len(classes)):
            raise ValueError(f"probabilities have shape {given.shape}, expected {(len(cells), len(classes))}")
        predicted, confidence = _first_classes(given[order], classes)
    strata = _strata(predicted, confidence, (rules or CountingRules()).excluded)
    generator = np.random.Generator(np.random.PCG64(seed))
    shuffled = [generator.permutation(stratum.rows) for stratum in strata]
    rows = np.concatenate(shuffled)
    return SamplePlan(
        cell_id=cells[order][rows],
        stratum=np.repeat(np.arange(len(strata)), [len(part) for part in shuffled]).astype(np.int16),
        predicted=predicted[rows],
        names=tuple(stratum.name for stratum in strata),
        seed=seed,
    )


def _first_classes(
    probabilities: NDArray[np.float64], classes: Sequence[str]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the most probable class of each cell as an index of `CODES`, and its probability."""
    unknown = [code for code in classes if code not in CODES[1:]]
    if unknown:
        raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
    place = np.array([CODES.index(code) for code in classes], dtype=np.uint8)
    known = np.isfinite(probabilities).all(axis=1) if len(classes) else np.zeros(len(probabilities), bool)
    predicted, confidence = np.zeros(len(probabilities), np.uint8), np.zeros(len(probabilities))
    predicted[known] = place[probabilities[known].argmax(axis=1)] if known.any() else 0
    confidence[known] = probabilities[known].max(axis=1) if known.any() else 0.0
    return predicted, confidence


def _strata(
    predicted: NDArray[np.uint8], confidence: NDArray[np.float64], excluded: Sequence[str]
) -> list[_Stratum]:
    """Group cells by class, gather small groups, and divide groups by confidence."""
    fewest = max(FEWEST, -(-len(predicted) // MOST_STRATA))
    groups: list[_Stratum] = []
    small: list[NDArray[np.intp]] = []
    outside = np.isin(predicted, [CODES.index(code) for code in excluded])
    for index, code in enumerate(CODES):
        rows = np.flatnonzero((predicted == index) & ~outside)
        if len(rows) >= fewest:
            groups.append(_Stratum(rows, code or "no prediction"))
        elif len(rows):
            small.append(rows)
    if len(left_out := np.flatnonzero(outside)) >= fewest:
        groups.append(_Stratum(left_out, "not counted"))
    elif len(left_out):
        small.append(left_out)
    if small:
        rest = np.sort(np.concatenate(small))
        if len(rest) < fewest and groups:  # they join the smallest group
            least = min(range(len(groups)), key=lambda at: len(groups[at].rows))
            joined = groups.pop(least)
            groups.append(_Stratum(np.sort(np.concatenate([joined.rows, rest])), f"{joined.name} and {REST}"))
        else:
            groups.append(_Stratum(rest, REST if groups else ALL))
    if len(groups) == 1 and not predicted.any():
        return [_Stratum(groups[0].rows, ALL)]
    whole = sum(_deviation(confidence[group.rows]) for group in groups)
    return [part for group in groups for part in _divided(group, confidence, fewest, WORTH * whole)]


def _deviation(confidence: NDArray[np.float64]) -> float:
    """Return number of cells times the deviation of being wrong that their confidence promises."""
    wrong = 1 - float(confidence.mean())
    return len(confidence) * float(np.sqrt(wrong * (1 - wrong)))


def _divided(group: _Stratum, confidence: NDArray[np.float64], fewest: int, worth: float) -> list[_Stratum]:
    """Divide a group by confidence into up to three parts, the surest first.

    Under Neyman's allocation the variance is proportional to the square of the sum of size times deviation
    over the strata (Cochran 1977, eq. 5.26), so a cut is made where that sum becomes least.
    """
    ranked = group.rows[np.lexsort((group.rows, -confidence[group.rows]))]
    parts = [ranked]
    while len(parts) < 3:
        gains = [(*_best_cut(confidence[part], fewest), at) for at, part in enumerate(parts)]
        gain, cut, at = max(gains, key=lambda each: each[0])
        if gain < max(worth, 1e-9):
            break
        parts[at : at + 1] = [parts[at][:cut], parts[at][cut:]]
    names = _DEGREES[len(parts)]
    return [_Stratum(np.sort(part), f"{group.name}{name}") for part, name in zip(parts, names, strict=True)]


def _best_cut(confidence: NDArray[np.float64], fewest: int) -> tuple[float, int]:
    """Return by how much the best cut of falling confidences lowers the sum, and where it lies."""
    count = len(confidence)
    cuts = np.arange(fewest, count - fewest + 1)
    cuts = cuts[confidence[cuts - 1] > confidence[np.minimum(cuts, count - 1)]] if len(cuts) else cuts
    if not len(cuts):
        return 0.0, 0
    sums = np.cumsum(1 - confidence)
    above, below = sums[cuts - 1] / cuts, (sums[-1] - sums[cuts - 1]) / (count - cuts)
    after = cuts * np.sqrt(np.clip(above * (1 - above), 0, None)) + (count - cuts) * np.sqrt(
        np.clip(below * (1 - below), 0, None)
    )
    best = int(after.argmin())
    return _deviation(confidence) - float(after[best]), int(cuts[best])
