"""The share of some classes among others from a stratified sample, and its interval."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CODES
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.estimation.composition import STRENGTH, Composition

SCARCE, FEWEST_SEEN = 6.0, 4
"""Raise the variance of a class that was seen few times, see `inverse_sizes`; chosen by simulation."""
_INDEX = {code: index for index, code in enumerate(CODES)}


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share with the number of cells that a plain sample of the same certainty would have.

    Attributes
    ----------
    value : float
        Estimate, 0 to 1.
    effective : float
        Effective sample size: a plain random sample of this number of counted cells from the marrow has the
        same variance (Kish, *Survey Sampling*, 1965, sec. 8.2).
    """

    value: float
    effective: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval: Wilson's with the effective sample size.

        Korn & Graubard, Survey Methodology 1998;24:193-201, put the effective size into an exact interval;
        Franco et al., J Surv Stat Methodol 2019;7:334-64, find Wilson's closer to 95 %.
        """
        low, high = wilson(self.value * self.effective, self.effective)
        return max(low, 0.0), min(high, 1.0)

    @property
    def half_width(self) -> float:
        """Return half the width of the interval."""
        low, high = self.interval
        return (high - low) / 2


def mask_of(codes: Collection[str]) -> NDArray[np.bool_]:
    """Return which indices of `CODES` are among some codes."""
    mask = np.zeros(len(CODES), dtype=bool)
    mask[[_INDEX[code] for code in codes]] = True
    return mask


def residual_variance(
    composition: Composition, above: NDArray[np.bool_], below: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the variance of the residual of each share by stratum, from the smoothed shares.

    For one cell let y say whether it is of the classes above and d whether it is of those below the line.
    The residual of the share P is y - P d (Cochran 1977, eq. 6.13), and in a stratum with a share t above
    and u below the line its variance is ``t (1 - t) - 2 P t (1 - u) + P² u (1 - u)``.

    Parameters
    ----------
    above : ndarray of bool, shape (T, len(CODES))
        Classes above the line, a share a row.
    below : ndarray of bool, shape (len(CODES),)

    Returns
    -------
    ndarray of float64, shape (T, H)
        Variance a cell.
    ndarray of float64, shape (T,)
        P.
    float
        Share of the frame that is below the line.
    """
    top = above @ composition.smoothed.T
    base = composition.smoothed @ below
    domain = float(composition.weights @ base)
    share = np.minimum(top @ composition.weights / domain, 1.0)
    part = share[:, None]
    variance = top * (1 - top) - 2 * part * top * (1 - base) + part**2 * base * (1 - base)
    return np.maximum(variance, 0.0), share, domain


def inverse_sizes(
    composition: Composition,
    above: NDArray[np.bool_],
    below: NDArray[np.bool_],
    taken: NDArray[np.float64],
    counted: float,
) -> NDArray[np.float64]:
    """Return the inverse effective sample size of each share, shape (T,).

    A stratum's ``t (1 - t)`` comes out too low from few cells: with s cells' worth of smoothing its
    expectation is ``1 - n / (n + s)²`` times the truth where the smoothing is right, and is divided by that.
    Where cells stand for different numbers of others, the variance of a class that was seen x times is known
    the less the smaller x is: it is raised by ``SCARCE / x²`` of itself (x at least `FEWEST_SEEN`) times the
    probability that two cells of the frame lie in different strata, which is 0 with one stratum.

    Parameters
    ----------
    taken : ndarray of float64, shape (H,)
        Cells reviewed in each stratum.
    counted : float
        Cells of the frame below the line.
    """
    variance, share, domain = residual_variance(composition, above, below)
    rest = 1 - taken / composition.sizes
    rest = rest / (1 - taken / (taken + STRENGTH) ** 2)
    design = variance @ (composition.weights**2 * rest / taken) / domain**2
    apart = 1 - float((composition.weights**2).sum())
    design = design * (1 + SCARCE * apart / np.maximum(above @ composition.seen, FEWEST_SEEN) ** 2)
    spread = share * (1 - share)
    return 1 / counted + np.divide(design, spread, out=np.zeros_like(design), where=spread > 0)


def proportions(
    composition: Composition, above: NDArray[np.bool_], below: NDArray[np.bool_]
) -> list[Proportion]:
    """Estimate the shares of some classes among others.

    Parameters
    ----------
    composition : Composition
        At least one cell of each stratum enters.
    above : ndarray of bool, shape (T, len(CODES))
        Classes above the line, a share a row; they are among those below.
    below : ndarray of bool, shape (len(CODES),)
        Classes below the line.

    Returns
    -------
    list of Proportion
        Empty if no cell below the line was seen.

    Notes
    -----
    The estimate is the separate means of the strata, weighted by their sizes, one sum divided by the other
    (Cochran 1977, sec. 5.3 and 6.11). Its variance is that of the sample given the frame plus that of the
    frame given the marrow, ``P (1 - P) / (N D)``, with D the part of the frame that counts (Särndal et al.
    1992, ch. 9, two phases; Cochran 1977, eq. 12.2). With all N reviewed only the second is left, and the
    interval is Wilson's of the plain count.
    """
    weights = composition.weights
    base = float(weights @ (composition.observed @ below))
    if base <= 0:
        return []
    values = np.minimum(above @ (composition.observed.T @ weights) / base, 1.0)
    values[(below & ~above) @ composition.seen == 0] = 1.0  # not a rounding error less
    counted = float(composition.sizes.sum()) * base
    sizes = 1 / inverse_sizes(composition, above, below, composition.lengths, counted)
    return [Proportion(value, size) for value, size in zip(values.tolist(), sizes.tolist(), strict=True)]
