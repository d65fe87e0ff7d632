"""What a sample so far says of the composition of each stratum, for variances and the size of waves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CODES
from napari_bonemarrow.estimation.records import SamplePlan
from napari_bonemarrow.estimation.tally import SampleTally

STRENGTH = 1.5
"""Number of cells that what is known of all strata counts for in each; chosen by simulation."""
ERRORS = 4.0
"""Number of wrongly predicted cells that the classes of all cells count for among the wrong ones."""

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """Shares of the classes in each stratum, observed and smoothed.

    Attributes
    ----------
    sizes, lengths : ndarray of float64, shape (H,)
        Cells of each stratum in the frame, and those that enter.
    observed : ndarray of float64, shape (H, C)
        Shares among the cells that enter, by index of `CODES`; 0 where none enters.
    seen : ndarray of int64, shape (C,)
        Cells that enter, by class.
    smoothed : ndarray of float64, shape (H, C)
        The same with what is known of all strata added as `STRENGTH` cells, see `compose`. It is only used
        for variances: a stratum whose few reviewed cells are all of one class is not taken for pure.
    """

    sizes: NDArray[np.float64]
    lengths: NDArray[np.float64]
    observed: Shares
    seen: NDArray[np.int64]
    smoothed: Shares

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the part of the frame in each stratum, shape (H,)."""
        parts: Shares = self.sizes / self.sizes.sum()
        return parts


def compose(plan: SamplePlan, tally: SampleTally) -> Composition:
    """Estimate the composition of each stratum.

    The smoothed shares are the mean of a Dirichlet distribution whose prior mean is ``a`` times the classes
    predicted in the stratum plus ``1 - a`` times the classes of all cells predicted wrongly, with ``a`` the
    part of all reviewed cells that were predicted rightly (empirical Bayes: Morris, J Am Stat Assoc
    1983;78:47-55).

    Returns
    -------
    Composition
    """
    strata, width = len(plan.names), len(CODES)
    sizes, lengths = plan.sizes.astype(float), tally.lengths.astype(float)
    foretold = np.bincount(
        plan.stratum.astype(np.int64) * width + plan.predicted, minlength=strata * width
    ).reshape(strata, width)
    foretold = foretold / sizes[:, None]
    seen = tally.counts.sum(axis=0)
    missed = tally.missed + ERRORS * seen / max(tally.total, 1)
    missed[1:] += 1.0 / (width - 1)
    wrong = missed / missed.sum()
    errors = tally.foretold - (tally.total - tally.missed.sum())
    accuracy = 1 - (errors + 0.5) / (tally.foretold + 1.0)
    prior = accuracy * foretold
    prior[:, 0] = 0.0
    prior += (1 - prior.sum(axis=1, keepdims=True)) * wrong
    smoothed = (tally.counts + STRENGTH * prior) / (lengths + STRENGTH)[:, None]
    observed = tally.counts / np.maximum(lengths, 1.0)[:, None]
    return Composition(sizes, lengths, observed, seen, smoothed)
