"""The size of a sample's waves, and the order in which their cells are handed out."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CLASSES
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.estimation.composition import Composition, compose
from napari_bonemarrow.estimation.difference import CrossFitted, corrected, sampling_part
from napari_bonemarrow.estimation.differential import groups_of
from napari_bonemarrow.estimation.proportion import (
    Proportion,
    inverse_sizes,
    mask_of,
    proportions,
    residual_variance,
)
from napari_bonemarrow.estimation.records import SampleEstimate, SamplePlan
from napari_bonemarrow.estimation.tally import SampleTally

PILOT, PILOT_A_STRATUM, WAVE = 40, 2, 40
"""Cells of the pilot and of each later wave, and the fewest of the pilot in each stratum."""
FEWEST_TO_STOP = 100
"""Cells to be reviewed before a sample ends because an interval is narrow enough."""
FLOOR = 0.5
"""Least part of its proportional share that a stratum gets, so that no cell stands for too many."""
FOCUS = 0.5
"""Weight of the class in focus when waves are sized; the rest is that of all classes. With all weight on one
class, strata in which it was not seen by chance get too few cells, and it comes out too low."""
RARE = 0.05
"""Share below which a class is weighted like one of this share when waves are sized."""

Quota = NDArray[np.int64]


def pilot_quota(plan: SamplePlan, size: int = PILOT) -> Quota:
    """Return the number of cells of the first wave by stratum, proportional to its size.

    Returns
    -------
    ndarray of int64, shape (H,)
    """
    return _allotted(plan.sizes.astype(float), plan.sizes, _least(plan, size), size)


def next_quota(
    plan: SamplePlan,
    tally: SampleTally,
    rules: CountingRules | None = None,
    *,
    focus: str | None = None,
    half_width: float | None = None,
    wave: int = WAVE,
    predictions: CrossFitted | None = None,
) -> Quota:
    """Size the next wave by Neyman's rule from the cells that enter at its start.

    Parameters
    ----------
    plan : SamplePlan
    tally : SampleTally
        At the start of the wave. The same tally gives the same quota.
    rules : CountingRules, optional
    focus : str, optional
        A class or group whose interval is to become narrow; all classes by default.
    half_width : float, optional
        Wanted half width of the interval of `focus`, in per cent. The wave is no longer than needed, and
        empty once it is reached.
    wave : int
        Number of cells.
    predictions : CrossFitted, optional
        What the estimate is corrected by; they can make a wave with a `half_width` shorter.

    Returns
    -------
    ndarray of int64, shape (H,)
        Number of cells of each stratum that are to be reviewed in all, those before the wave included.

    Notes
    -----
    Neyman's rule takes cells in proportion to size times deviation (Cochran 1977, eq. 5.26). Deviations are
    smoothed, and no stratum falls below `FLOOR` times its proportional part, so that a class that hides in
    strata thought pure is found.
    """
    rules = rules or CountingRules()
    composition = compose(plan, tally)
    least = np.maximum(_least(plan, tally.total + wave), tally.lengths)
    if focus is not None and half_width is not None:
        needed = cells_needed(plan, tally, focus, half_width, rules, predictions)
        wave = wave if needed is None else min(wave, needed)
    if wave <= 0:
        return least
    return _quota(composition, plan, least, tally.total + wave, rules, focus)


def cells_needed(
    plan: SamplePlan,
    tally: SampleTally,
    focus: str,
    half_width: float,
    rules: CountingRules | None = None,
    predictions: CrossFitted | None = None,
) -> int | None:
    """Estimate how many more cells bring the interval of a class or group to a half width.

    Parameters
    ----------
    focus : str
        A class or group.
    half_width : float
        Per cent.
    predictions : CrossFitted, optional
        What the estimate is corrected by. The forecast assumes that they go on saving the same part of the
        sample's variance.

    Returns
    -------
    int or None
        0 where it is reached; None where all cells of the frame are too few.

    Notes
    -----
    A width is not believed before `FEWEST_TO_STOP` cells, or all, are reviewed: who stops as soon as an
    interval looks narrow stops on those that look so by chance.
    """
    rules = rules or CountingRules()
    composition = compose(plan, tally)
    above, below = focus_masks(focus, rules)
    least = np.maximum(_least(plan, tally.total), tally.lengths)
    now = proportions(composition, above, below) if tally.lengths.min() > 0 else []
    left = 1.0
    if now and predictions is not None:
        plain = now[0]
        now = [corrected(plain, predictions, composition, tally, above[0], below)]
        left = sampling_part(now[0], composition, below) / max(
            sampling_part(plain, composition, below), 1e-12
        )
    if now and 100 * now[0].half_width <= half_width:
        return min(max(FEWEST_TO_STOP - tally.total, 0), len(plan) - tally.total)
    share, domain = residual_variance(composition, above, below)[1:]
    value, counted = now[0].value if now else float(share[0]), domain * len(plan)

    def reached(more: int) -> bool:
        quota = _quota(composition, plan, least, tally.total + more, rules, focus)
        inverse = inverse_sizes(composition, above, below, np.maximum(quota, 1.0), counted)
        size = 1 / counted + left * (float(inverse[0]) - 1 / counted)
        return 100 * Proportion(value, 1 / size).half_width <= half_width

    few, many = 0, len(plan) - tally.total
    if not reached(many):
        return None
    few = min(max(FEWEST_TO_STOP - tally.total - 1, 0), many - 1)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if reached(middle) else (middle, many)
    return many


def reaches(found: SampleEstimate, code: str, half_width: float) -> bool:
    """Return whether the interval of a class or group has a half width, in per cent, or less.

    Never before `FEWEST_TO_STOP` cells, or all, are reviewed, see `cells_needed`.
    """
    low, high = found.row(code).ci95
    return found.reviewed >= min(FEWEST_TO_STOP, found.frame) and high - low <= 2 * half_width


def wave_order(plan: SamplePlan, before: Quota, quota: Quota) -> NDArray[np.int64]:
    """Return the cells of a wave in the order in which they are handed out.

    Strata are interleaved evenly, each in its own order, so that neighbours on the list do not give away
    what was predicted and an unfinished wave has about the right part of each stratum.

    Parameters
    ----------
    before, quota : ndarray of int64, shape (H,)
        Cells of each stratum before and after the wave.

    Returns
    -------
    ndarray of int64
        Cell numbers; ties are broken by `numpy.random.Generator(PCG64([seed, cells before]))`.
    """
    starts = np.cumsum(plan.sizes) - plan.sizes
    generator = np.random.Generator(np.random.PCG64([plan.seed, int(before.sum())]))
    offsets = generator.random(len(quota))
    rows, keys = [], []
    for start, first, last, offset in zip(starts, before, quota, offsets, strict=True):
        count = max(int(last - first), 0)
        rows.append(start + first + np.arange(count))
        keys.append((np.arange(count) + offset) / max(count, 1))
    order = np.argsort(np.concatenate(keys), kind="stable")
    cells: NDArray[np.int64] = plan.cell_id[np.concatenate(rows)[order]]
    return cells


def focus_masks(focus: str, rules: CountingRules) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the classes of a class or group, shape (1, len(CODES)), and those that count."""
    counted = [code for code in CLASSES if code not in rules.excluded]
    members: Collection[str] = groups_of(rules).get(focus, (focus,))
    if not set(members) <= set(counted):
        raise ValueError(f"{focus!r} is no class or group that counts")
    return mask_of(members)[None], mask_of(counted)


def _least(plan: SamplePlan, total: int) -> Quota:
    """Return the fewest cells of each stratum in a sample of a size."""
    return np.minimum(plan.sizes, min(PILOT_A_STRATUM, max(total // len(plan.names), 1)))


def _quota(
    composition: Composition,
    plan: SamplePlan,
    least: Quota,
    total: int,
    rules: CountingRules,
    focus: str | None,
) -> Quota:
    """Divide a number of cells among the strata by Neyman's rule."""
    counted = [code for code in CLASSES if code not in rules.excluded]
    each, share, _ = residual_variance(
        composition, np.array([mask_of((code,)) for code in counted]), mask_of(counted)
    )
    scale = np.clip(share, RARE, 0.5)
    variance = (1 / (scale * (1 - scale))) @ each
    if focus is not None:
        own = residual_variance(composition, *focus_masks(focus, rules))[0][0]
        whole, part = (max(float(composition.weights @ values), 1e-12) for values in (variance, own))
        variance = (1 - FOCUS) * variance / whole + FOCUS * own / part
    sizes = plan.sizes
    floor = np.minimum(sizes, np.ceil(FLOOR * total * composition.weights)).astype(np.int64)
    wanted = composition.sizes * np.sqrt(variance)
    return _allotted(wanted, sizes, np.maximum(least, floor), total, least)


def _allotted(
    wanted: NDArray[np.float64], most: Quota, least: Quota, total: int, kept: Quota | None = None
) -> Quota:
    """Divide a total in proportion to what is wanted, within limits a stratum, in whole cells.

    Where the floors exceed the total, they give way to `kept`, which alone may exceed it.
    """
    if kept is not None and least.sum() > total:
        least = kept
    total = int(min(max(total, least.sum()), most.sum()))
    wanted = np.maximum(wanted, max(1e-6 * float(wanted.max()), 1e-9))
    low, high = 0.0, float((most / wanted).max()) + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.clip(middle * wanted, least, most).sum() < total:
            low = middle
        else:
            high = middle
    exact = np.clip(high * wanted, least, most)
    quota = np.floor(exact + 1e-9).astype(np.int64)
    quota = np.maximum(quota, least)
    spare = total - int(quota.sum())
    room = np.flatnonzero(quota < most)
    for at in room[np.argsort(-(exact - quota)[room], kind="stable")][: max(spare, 0)]:
        quota[at] += 1
    return quota
