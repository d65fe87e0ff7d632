"""Notes on a differential. They concern counting, never a diagnosis."""

from __future__ import annotations

from napari_bonemarrow.cytology.classes import CLASSES, Support
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.domain import UNCHECKED_TEXT, DomainCheck
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.rows import OF_NAMED_TEXT, UNNAMED_TEXT, UNRELIABLE_TEXT, Flag, SampledCount
from napari_bonemarrow.cytology.tally import Tally

SAMPLING_TEXT = (
    "Intervals are Wilson 95 % intervals (M:E: conditional binomial) and cover only sampling error, "
    "not errors of the classifier or of the reviewer."
)


UNLIKE, UNCHECKED = "unlike_training", "domain_unchecked"
"""Codes of the notes on the domain check."""


def standing_notes(rules: CountingRules) -> tuple[Flag, ...]:
    """Return the notes on every count by these rules."""
    return (
        Flag("sampling_only", SAMPLING_TEXT),
        Flag("blast_definition", rules.blast_definition),
        Flag("m_to_e_definition", f"M:E is {rules.me_definition}."),
        Flag("denominator", f"{', '.join(rules.excluded)} are left out of the count and listed separately."),
    )


def arising_flags(
    tally: Tally,
    target: int,
    doubtful: int = 0,
    unread: int = 0,
    imported: int = 0,
    domain: DomainCheck | None = None,
    estimate: SampledCount | None = None,
) -> tuple[Flag, ...]:
    """Return the notes on this count.

    Until every cell in the frame is reviewed, a note that rests on a class the model has not learnt is
    withheld, and another note says so. In a sample review the notes rest on the sample alone.
    """
    rules = tally.rules
    if estimate is not None:
        sampled = (
            _sample(estimate),
            _shortfall(tally, target),
            _unread(unread),
            _sample_straddle(estimate, "blasts", "blasts", rules.blast_thresholds),
            *(
                _sample_straddle(estimate, "plasma cells", code, rules.plasma_thresholds)
                for code in rules.plasma[:1]
            ),
        )
        return tuple(flag for flag in sampled if flag is not None)
    candidates = (
        _unlike(tally, domain),
        _shortfall(tally, target),
        _unread(unread),
        _unclassified(tally),
        _imported(imported),
        _unlearnt(tally),
        _doubted(tally, doubtful),
        _unidentified(tally),
        _straddle(tally, "blasts", rules.blast_codes, rules.blast_thresholds),
        _straddle(tally, "plasma cells", rules.plasma, rules.plasma_thresholds),
        _blasts_in_ratio(tally),
        _unchecked(tally, domain),
    )
    return tuple(flag for flag in candidates if flag is not None)


def _sample(estimate: SampledCount) -> Flag:
    """Note that the count is estimated from a random sample."""
    return Flag(
        "sample_review",
        f"Percentages are estimates from a random sample: {count_of(estimate.reviewed, 'cell')} of "
        f"{estimate.frame} reviewed. Their 95 % intervals hold the errors of the sample and of the frame.",
    )


def _sample_straddle(estimate: SampledCount, what: str, row: str, limits: tuple[float, ...]) -> Flag | None:
    """Note that the interval of a random sample contains a threshold."""
    share = estimate.row(row)
    low, high = share.ci95
    crossed = tuple(limit for limit in limits if low < limit < high)
    if not crossed:
        return None
    seen = "none was seen" if share.percent is None else f"{share.percent:.1f} %"
    return Flag(
        f"{what.replace(' ', '_')}_straddle",
        f"{what.capitalize()} by random sample: {seen}; the 95 % interval of {low:.1f}–{high:.1f} % contains "
        f"{', '.join(f'{limit:g} %' for limit in crossed)}. Review more of the sample, or all cells.",
        crossed,
    )


def _unlike(tally: Tally, domain: DomainCheck | None) -> Flag | None:
    """Note that the smear looks unlike the training data."""
    if tally.complete or domain is None or not domain.unlike:
        return None
    return Flag(UNLIKE, domain.text)


def _unchecked(tally: Tally, domain: DomainCheck | None) -> Flag | None:
    """Note that the smear was not compared with the training data."""
    if tally.complete or not tally.support or domain is not None:
        return None
    return Flag(UNCHECKED, UNCHECKED_TEXT)


def _shortfall(tally: Tally, target: int) -> Flag | None:
    missing = target - tally.counted
    if missing <= 0:
        return None
    return Flag(
        "below_target",
        f"{count_of(tally.counted, 'cell', of=target)} counted: {missing} fewer than the target.",
    )


def _unread(places: int) -> Flag | None:
    if not places:
        return None
    what = f"{count_of(places, 'tile')} of the slide"
    return Flag("unread_tiles", f"{what} could not be read or searched: copy the slide again.")


def _unclassified(tally: Tally) -> Flag | None:
    count = tally.of.get("", 0)
    if not count:
        return None
    return Flag("unclassified", f"{count_of(count, 'cell')} in the frame without a class: not counted yet.")


def _imported(count: int) -> Flag | None:
    """Note that classes were imported and the cells not reviewed."""
    if not count:
        return None
    verb = "has its class" if count == 1 else "have their classes"
    return Flag(
        "imported",
        f"{count_of(count, 'cell')} {verb} from imported data, not confirmed by a reviewer: they count as "
        "unreviewed.",
    )


def _unlearnt(tally: Tally) -> Flag | None:
    """Note that cells of classes the model has not learnt are counted under other classes."""
    if tally.complete or not tally.support:
        return None
    unlearnt = [
        code
        for code, cell in CLASSES.items()
        if cell.predicted and tally.support.get(code) is not Support.TRAINED
    ]
    if not unlearnt:
        return None
    verb = "waits" if tally.unreviewed == 1 else "wait"
    waiting = f"{count_of(tally.unreviewed, 'cell')} {verb}"
    said = (
        f"{waiting} for review. The model gives cells of classes that it has not learnt from marrow "
        f"({', '.join(unlearnt)}) to those it has"
    )
    if tally.names_all:  # it lacks only classes that are not counted
        return Flag("unlearnt_classes", f"{said}, whose percentages are then too high.")
    shares = (
        "shares so far are of a partly reviewed count"
        if tally.partly_reviewed
        else f"shares are {OF_NAMED_TEXT}"
    )
    return Flag(
        "unlearnt_classes", f"{said}: {shares}, and no percentage stands until every cell has been reviewed."
    )


def _doubted(tally: Tally, doubtful: int) -> Flag | None:
    """Note how many predictions lie below the model's confidence threshold."""
    if not doubtful:
        return None
    verb = "lies" if doubtful == 1 else "lie"
    return Flag(
        "below_confidence",
        f"{count_of(doubtful, 'cell')} of the {tally.unreviewed} that wait for review {verb} below the "
        "model's confidence threshold: review them first.",
    )


def _unidentified(tally: Tally) -> Flag | None:
    """Note that a large share of cells could not be identified."""
    rules = tally.rules
    names = " and ".join(rules.unidentified)
    if not tally.reliable(rules.unidentified):
        return _withheld(tally, "unidentified_withheld", f"share of {names}", rules.unidentified)
    count = tally.total(rules.unidentified)
    total = tally.counted + count
    if not count or 100 * count <= rules.unidentified_limit * total:
        return None
    return Flag(
        "unidentified",
        f"{count_of(count, 'nucleated cell', of=total)} are {names}, more than "
        f"{rules.unidentified_limit:g} %: leaving them out inflates the other percentages.",
        (rules.unidentified_limit,),
    )


def _straddle(tally: Tally, what: str, codes: tuple[str, ...], limits: tuple[float, ...]) -> Flag | None:
    """Note that sampling alone could put a count on the other side of a threshold."""
    key = what.replace(" ", "_")
    if not tally.counted:
        return None
    if not tally.reliable(codes):
        return _withheld(tally, f"{key}_withheld", f"thresholds of {what}", codes)
    count = tally.total(codes)
    low, high = wilson(count, tally.counted)
    crossed = tuple(limit for limit in limits if 100 * low < limit < 100 * high)
    if not crossed:
        return None
    sides = [
        f"{limit:g} % ({'below' if 100 * count < limit * tally.counted else 'at or above'} it as counted)"
        for limit in crossed
    ]
    return Flag(
        f"{key}_straddle",
        f"{count_of(count, 'cell', of=tally.counted)} are {what}: the 95 % interval of "
        f"{100 * low:.1f}–{100 * high:.1f} % contains {', '.join(sides)}. Sampling error alone could tell "
        "otherwise: count more cells.",
        crossed,
    )


def _blasts_in_ratio(tally: Tally) -> Flag | None:
    """Note that blasts, which have no lineage here, are in the numerator of M:E."""
    rules = tally.rules
    codes = rules.blast_codes
    if not tally.counted or not tally.reliable(codes):
        return None
    count = tally.total(codes)
    if 100 * count < rules.me_blast_limit * tally.counted:
        return None
    return Flag(
        "m_to_e_blasts",
        f"{count_of(count, 'cell', of=tally.counted)} are blasts "
        f"({rules.me_blast_limit:g} % or more): M:E takes all of them as myeloid, though the class has no "
        "lineage.",
        (rules.me_blast_limit,),
    )


def _withheld(tally: Tally, code: str, what: str, codes: tuple[str, ...]) -> Flag:
    why = UNNAMED_TEXT if tally.learnt(codes) else UNRELIABLE_TEXT
    return Flag(code, f"No note on the {what}: {why}, until every cell has been reviewed.")
