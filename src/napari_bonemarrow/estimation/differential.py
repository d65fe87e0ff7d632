"""The differential count of a smear from a sample review."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from napari_bonemarrow.cytology.classes import CLASSES
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.estimation.composition import compose
from napari_bonemarrow.estimation.difference import CrossFitted, corrected
from napari_bonemarrow.estimation.errors import EstimateError
from napari_bonemarrow.estimation.proportion import Proportion, mask_of, proportions
from napari_bonemarrow.estimation.records import EstimatedShare, SampleEstimate, SamplePlan
from napari_bonemarrow.estimation.tally import SampleTally

METHOD_TEXT = message(
    "stratified random sample, Wilson 95 % intervals with the effective sample size; they hold the error of "
    "the sample and that of the frame"
)
CORRECTED_TEXT = message(
    "{method}; corrected by cross-fitted predictions where that narrows them", method=METHOD_TEXT
)


def estimate(
    plan: SamplePlan,
    codes: Mapping[int, str] | SampleTally,
    predictions: CrossFitted | None = None,
    rules: CountingRules | None = None,
) -> SampleEstimate:
    """Estimate the differential count.

    Parameters
    ----------
    plan : SamplePlan
    codes : mapping of int to str, or SampleTally
        The class of each reviewed cell by its number. Only cells whose predecessors in the order of their
        stratum are all reviewed enter, see `SampleTally`.
    predictions : CrossFitted, optional
        Correct the shares by them where that clearly narrows the intervals, see `corrected`.
    rules : CountingRules, optional

    Returns
    -------
    SampleEstimate

    Raises
    ------
    EstimateError
        If no cell of a stratum enters yet, or none that counts.
    ValueError
        If a code is not a class.
    """
    rules = rules or CountingRules()
    tally = codes if isinstance(codes, SampleTally) else SampleTally.of(plan, codes)
    _check(plan, tally)
    composition = compose(plan, tally)

    counted = tuple(code for code in CLASSES if code not in rules.excluded)
    if not tally.counts[:, mask_of(counted)].any():
        raise EstimateError(
            f"None of the {tally.total} cells that enter the sample is of a class that counts: "
            "nothing can be estimated yet."
        )

    def shares(members: Sequence[Collection[str]], others: Collection[str]) -> list[Proportion]:
        above, below = np.array([mask_of(codes) for codes in members]), mask_of(others)
        found = proportions(composition, above, below)
        if predictions is None:
            return found
        return [
            corrected(each, predictions, composition, tally, codes, below)
            for each, codes in zip(found, above, strict=True)
        ]

    def rows(members: Mapping[str, Collection[str]]) -> tuple[EstimatedShare, ...]:
        return tuple(
            _row(code, share, int(tally.counts[:, mask_of(members[code])].sum()))
            for code, share in zip(members, shares(list(members.values()), counted), strict=True)
        )

    ratio = shares([rules.me_numerator], rules.me_numerator + rules.erythroid)
    value, limits = _ratio(ratio[0]) if ratio else (None, None)
    return SampleEstimate(
        method=METHOD_TEXT if predictions is None else CORRECTED_TEXT,
        frame=len(plan),
        reviewed=tally.total,
        seed=plan.seed,
        classes=rows({code: (code,) for code in counted}),
        groups=rows(groups_of(rules)),
        m_to_e=value,
        m_to_e_ci95=limits,
    )


def groups_of(rules: CountingRules) -> dict[str, tuple[str, ...]]:
    """Return the classes of each group of a differential by its code."""
    return {"blasts": rules.blast_codes, "eosinophils": rules.eosinophils, "erythroid": rules.erythroid}


def _check(plan: SamplePlan, tally: SampleTally) -> None:
    missing = [name for name, length in zip(plan.names, tally.lengths, strict=True) if not length]
    if len(missing) == len(plan.names):
        raise EstimateError("No cell enters the sample yet: review the cells that it hands out.")
    if missing:
        shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise EstimateError(
            f"No cell enters yet from {len(missing)} of {len(plan.names)} strata ({shown}): "
            "review the cells that the sample hands out, skipped ones included."
        )


def _row(code: str, share: Proportion, seen: int) -> EstimatedShare:
    low, high = share.interval
    return EstimatedShare(
        code=code,
        percent=100 * share.value if seen else None,
        ci95=(100 * low, 100 * high),
        seen=seen,
    )


def _ratio(share: Proportion) -> tuple[float | None, tuple[float, float]]:
    """Return M:E and its interval from the share of myeloid cells among both, as `ratio_interval` does."""
    low, high = share.interval
    value = share.value / (1 - share.value) if share.value < 1 else None
    return value, (_odds(low), _odds(high))


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else float("inf")
