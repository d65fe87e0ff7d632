"""Correction of a share by predictions of every cell of the frame: the difference estimator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology.classes import CODES
from napari_bonemarrow.estimation.composition import Composition
from napari_bonemarrow.estimation.proportion import Proportion
from napari_bonemarrow.estimation.records import SamplePlan
from napari_bonemarrow.estimation.tally import SampleTally

FEWEST_SEEN = 15
"""Cells with and without the class that must be seen before its share is corrected."""
WORTH = 0.05
"""Least part of the variance of the sample that a correction must save."""


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Class probabilities of every cell of the frame that no cell's own label has influenced.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (N, len(CODES))
        In the plan's order, by index of `CODES`.
    plan : SamplePlan
    """

    probabilities: NDArray[np.float64]
    plan: SamplePlan

    @classmethod
    def of(
        cls, plan: SamplePlan, cell_id: ArrayLike, probabilities: ArrayLike, classes: tuple[str, ...]
    ) -> CrossFitted:
        """Put probabilities into the plan's order.

        Parameters
        ----------
        plan : SamplePlan
        cell_id : array_like of int, shape (n,)
            Cells that are not in it, or whose row is not finite, get zeros, which is as valid.
        probabilities : array_like of float, shape (n, k)
            For a reviewed cell by a head that has not learnt from it; for another cell the mean of those
            same heads, so that both are alike (Zrnic & Candès, PNAS 2024, arXiv:2309.16598).
        classes : tuple of str, length k

        Raises
        ------
        ValueError
            If shapes differ or a code is not a class.
        """
        cells, given = np.asarray(cell_id, np.int64), np.asarray(probabilities, float)
        if given.shape != (len(cells), len(classes)):
            raise ValueError(f"probabilities have shape {given.shape}, expected {(len(cells), len(classes))}")
        ordered = np.argsort(cells)
        at = np.searchsorted(cells[ordered], plan.cell_id)
        found = ordered[np.minimum(at, max(len(cells) - 1, 0))] if len(cells) else at
        placed = np.zeros((len(plan), len(CODES)))
        known = cells[found] == plan.cell_id if len(cells) else np.zeros(len(plan), bool)
        known[known] = np.isfinite(given[found[known]]).all(axis=1)
        for column, code in enumerate(classes):
            placed[known, CODES.index(code)] = given[found[known], column]
        return cls(placed, plan)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Return the mean of each stratum, shape (H, len(CODES))."""
        sizes = self.plan.sizes
        sums: NDArray[np.float64] = np.add.reduceat(self.probabilities, np.cumsum(sizes) - sizes, axis=0)
        return sums / sizes[:, None]


def corrected(
    plain: Proportion,
    predictions: CrossFitted,
    composition: Composition,
    tally: SampleTally,
    above: NDArray[np.bool_],
    below: NDArray[np.bool_],
) -> Proportion:
    """Correct a share by what is predicted of the cells that were not reviewed, where that narrows it.

    Parameters
    ----------
    plain : Proportion
        Of the same classes, see `proportion`.
    predictions : CrossFitted
    above, below : ndarray of bool, shape (len(CODES),)

    Returns
    -------
    Proportion
        `plain` itself where the correction would save little.

    Notes
    -----
    With the residual e = y - P d of labels and the same g of predictions, the sum over strata of
    ``W λ (mean of g in the frame - mean of g in the sample)`` is added (Särndal et al. 1992, sec. 6.3;
    Angelopoulos et al., Science 2023;382:669-74). Its expectation is 0 whatever is predicted. λ is the
    regression coefficient within strata, 0 to 1 (Cochran 1977, sec. 7.10; arXiv:2311.01453). The part of the
    variance that is saved is λ's squared correlation, lowered for having fitted λ.
    """
    taken = tally.enters
    label = tally.labels[taken]
    seen = int(tally.counts[:, above].sum())
    others = int(tally.counts[:, below].sum()) - seen
    if min(seen, others) < FEWEST_SEEN:
        return plain
    stratum = predictions.plan.stratum[taken].astype(np.int64)
    given = predictions.probabilities[taken]
    share = plain.value
    e = above[label] - share * below[label]
    g = given[:, above].sum(axis=1) - share * given[:, below].sum(axis=1)
    lengths, strata = composition.lengths, len(composition.lengths)
    g_mean = np.bincount(stratum, g, strata) / lengths
    e_mean = np.bincount(stratum, e, strata) / lengths
    e, centred = e - e_mean[stratum], g - g_mean[stratum]
    rest = 1 - lengths / composition.sizes
    factor = composition.weights**2 * rest / (lengths * np.maximum(lengths - 1, 1))
    both, one, other = (
        float((factor * np.bincount(stratum, product, strata)).sum())
        for product in (e * centred, centred * centred, e * e)
    )
    if one <= 1e-15 or other <= 1e-15 or both <= 0:
        return plain
    slope = min(both / one, 1.0)
    saved = (2 * slope * both - slope**2 * one) / other
    saved -= 2 * (1 - saved) / min(seen, others)
    if saved < WORTH:
        return plain
    frame = predictions.means[:, above].sum(axis=1) - share * predictions.means[:, below].sum(axis=1)
    domain = _domain(composition, below)
    value = share + slope * float(composition.weights @ (frame - g_mean)) / domain
    counted = composition.sizes.sum() * domain
    design = sampling_part(plain, composition, below) * (1 - saved)
    return Proportion(min(max(value, 0.0), 1.0), 1 / (1 / counted + design))


def sampling_part(share: Proportion, composition: Composition, below: NDArray[np.bool_]) -> float:
    """Return the part of a share's inverse effective size that is due to reviewing a sample of the frame."""
    return float(1 / share.effective - 1 / (composition.sizes.sum() * _domain(composition, below)))


def _domain(composition: Composition, below: NDArray[np.bool_]) -> float:
    """Return the share of the frame that is below the line."""
    return float(composition.weights @ composition.observed[:, below].sum(axis=1))
