"""Notes on a differential. They concern counting, never a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

from napari_bonemarrow.cytology.classes import CLASSES, Support
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.domain import UNCHECKED_TEXT, DomainCheck
from napari_bonemarrow.cytology.intervals import cells_to_tell, wilson
from napari_bonemarrow.cytology.messages import Message, counted_message, listed, message
from napari_bonemarrow.cytology.profiles.rule_texts import note_rule
from napari_bonemarrow.cytology.rows import OF_NAMED_TEXT, UNNAMED_TEXT, UNRELIABLE_TEXT, Flag, SampledCount
from napari_bonemarrow.cytology.tally import Tally

SAMPLING_TEXT = message(
    "Intervals are Wilson 95 % intervals (M:E: conditional binomial) and cover only sampling error, "
    "not errors of the classifier or of the reviewer."
)

MOST_TO_TELL = 10_000
"""Cells beyond which nobody counts to tell a share from a threshold."""

UNLIKE, UNCHECKED = "unlike_training", "domain_unchecked"
"""Codes of the notes on the domain check."""


class _Watched(NamedTuple):
    """Cells whose share has thresholds: the beginning of the notes' codes, and their name."""

    key: str
    name: Message
    begins: Message


_BLASTS = _Watched("blasts", message("blasts"), message("Blasts"))
_PLASMA = _Watched("plasma_cells", message("plasma cells"), message("Plasma cells"))


def standing_notes(rules: CountingRules) -> tuple[Flag, ...]:
    """Return the notes on every count by these rules."""
    return (
        Flag("sampling_only", SAMPLING_TEXT),
        Flag("blast_definition", rules.blast_definition),
        Flag("m_to_e_definition", message("M:E is {definition}.", definition=rules.me_definition)),
        Flag(
            "denominator",
            message(
                "{codes} are left out of the count and listed separately.", codes=", ".join(rules.excluded)
            ),
        ),
    )


def arising_flags(
    tally: Tally,
    target: int,
    doubtful: int = 0,
    unread: int = 0,
    imported: int = 0,
    domain: DomainCheck | None = None,
    estimate: SampledCount | None = None,
    auer_rods: int = 0,
) -> tuple[Flag, ...]:
    """Return the notes on this count, each with its rule.

    Until every cell in the frame is reviewed, a note that rests on a class the model has not learnt is
    withheld, and another note says so. In a sample review the notes rest on the sample alone.
    """
    rules = tally.rules
    if estimate is not None:
        sampled = (
            _sample(estimate),
            _shortfall(tally, target),
            _unread(unread),
            _auer_rods(tally, auer_rods),
            _sample_straddle(estimate, _BLASTS, "blasts", rules.blast_thresholds),
            *(
                _sample_straddle(estimate, _PLASMA, code, rules.plasma_thresholds)
                for code in rules.plasma[:1]
            ),
        )
        return _ruled(sampled, rules)
    candidates = (
        _unlike(tally, domain),
        _shortfall(tally, target),
        _unread(unread),
        _unclassified(tally),
        _imported(imported),
        _unlearnt(tally),
        _doubted(tally, doubtful),
        _unidentified(tally),
        _straddle(tally, _BLASTS, rules.blast_codes, rules.blast_thresholds),
        _straddle(tally, _PLASMA, rules.plasma, rules.plasma_thresholds),
        _blasts_in_ratio(tally),
        _auer_rods(tally, auer_rods),
        _unchecked(tally, domain),
    )
    return _ruled(candidates, rules)


def _ruled(flags: Sequence[Flag | None], rules: CountingRules) -> tuple[Flag, ...]:
    """Return the notes that there are, each with its rule."""
    return tuple(replace(flag, rule=note_rule(rules, flag.code)) for flag in flags if flag is not None)


def _sample(estimate: SampledCount) -> Flag:
    """Note that the count is estimated from a random sample."""
    return Flag(
        "sample_review",
        counted_message(
            "Percentages are estimates from a random sample: {n} cell of {frame} reviewed. Their 95 % "
            "intervals hold the errors of the sample and of the frame.",
            "Percentages are estimates from a random sample: {n} cells of {frame} reviewed. Their 95 % "
            "intervals hold the errors of the sample and of the frame.",
            estimate.reviewed,
            frame=estimate.frame,
        ),
    )


def _sample_straddle(
    estimate: SampledCount, what: _Watched, row: str, limits: tuple[float, ...]
) -> Flag | None:
    """Note that the interval of a random sample contains a threshold."""
    share = estimate.row(row)
    low, high = share.ci95
    crossed = tuple(limit for limit in limits if low < limit < high)
    if not crossed:
        return None
    seen = message("none was seen")
    if share.percent is not None:
        seen = message("{percent:.1f} %", percent=share.percent)
    text = message(
        "{what} by random sample: {seen}; the 95 % interval of {low:.1f}–{high:.1f} % contains {limits}. "
        "Review more of the sample, or all cells.",
        what=what.begins,
        seen=seen,
        low=low,
        high=high,
        limits=listed(message("{limit:g} %", limit=limit) for limit in crossed),
    )
    return Flag(f"{what.key}_straddle", text, crossed)


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
        counted_message(
            "{counted} of {n} cell counted: {missing} fewer than the target.",
            "{counted} of {n} cells counted: {missing} fewer than the target.",
            target,
            counted=tally.counted,
            missing=missing,
        ),
    )


def _unread(places: int) -> Flag | None:
    if not places:
        return None
    return Flag(
        "unread_tiles",
        counted_message(
            "{n} tile of the slide could not be read or searched: copy the slide again.",
            "{n} tiles of the slide could not be read or searched: copy the slide again.",
            places,
        ),
    )


def _unclassified(tally: Tally) -> Flag | None:
    count = tally.of.get("", 0)
    if not count:
        return None
    return Flag(
        "unclassified",
        counted_message(
            "{n} cell in the frame without a class: not counted yet.",
            "{n} cells in the frame without a class: not counted yet.",
            count,
        ),
    )


def _imported(count: int) -> Flag | None:
    """Note that classes were imported and the cells not reviewed."""
    if not count:
        return None
    return Flag(
        "imported",
        counted_message(
            "{n} cell has its class from imported data, not confirmed by a reviewer: they count as "
            "unreviewed.",
            "{n} cells have their classes from imported data, not confirmed by a reviewer: they count as "
            "unreviewed.",
            count,
        ),
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
    said = message(
        "{waiting} The model gives cells of classes that it has not learnt from marrow ({codes}) to those it "
        "has",
        waiting=counted_message("{n} cell waits for review.", "{n} cells wait for review.", tally.unreviewed),
        codes=", ".join(unlearnt),
    )
    if tally.names_all:  # it lacks only classes that are not counted
        return Flag("unlearnt_classes", message("{said}, whose percentages are then too high.", said=said))
    if tally.partly_reviewed:
        shares = message("shares so far are of a partly reviewed count")
    else:
        shares = message("shares are {of_named}", of_named=OF_NAMED_TEXT)
    return Flag(
        "unlearnt_classes",
        message(
            "{said}: {shares}, and no percentage stands until every cell has been reviewed.",
            said=said,
            shares=shares,
        ),
    )


def _doubted(tally: Tally, doubtful: int) -> Flag | None:
    """Note how many predictions lie below the model's confidence threshold."""
    if not doubtful:
        return None
    return Flag(
        "below_confidence",
        counted_message(
            "{n} cell of the {waiting} that wait for review lies below the model's confidence threshold: "
            "review them first.",
            "{n} cells of the {waiting} that wait for review lie below the model's confidence threshold: "
            "review them first.",
            doubtful,
            waiting=tally.unreviewed,
        ),
    )


def _unidentified(tally: Tally) -> Flag | None:
    """Note that a large share of cells could not be identified."""
    rules = tally.rules
    names = _and(rules.unidentified)
    if not tally.reliable(rules.unidentified):
        what = message("share of {names}", names=names)
        return _withheld(tally, "unidentified_withheld", what, rules.unidentified)
    count = tally.total(rules.unidentified)
    total = tally.counted + count
    if not count or _compared(count, total, rules.unidentified_limit) <= 0:
        return None
    return Flag(
        "unidentified",
        counted_message(
            "{count} of {n} nucleated cell are {names}, more than {limit:g} %: leaving them out inflates the "
            "other percentages.",
            "{count} of {n} nucleated cells are {names}, more than {limit:g} %: leaving them out inflates "
            "the other percentages.",
            total,
            count=count,
            names=names,
            limit=rules.unidentified_limit,
        ),
        (rules.unidentified_limit,),
    )


def _straddle(tally: Tally, what: _Watched, codes: tuple[str, ...], limits: tuple[float, ...]) -> Flag | None:
    """Note that sampling alone could put a count on the other side of a threshold."""
    if not tally.counted:
        return None
    if not tally.reliable(codes):
        return _withheld(
            tally, f"{what.key}_withheld", message("thresholds of {what}", what=what.name), codes
        )
    count = tally.total(codes)
    low, high = wilson(count, tally.counted)
    crossed = tuple(limit for limit in limits if 100 * low < limit < 100 * high)
    if not crossed:
        return None
    sides = listed(
        message("{limit:g} % (below it as counted)", limit=limit)
        if _compared(count, tally.counted, limit) < 0
        else message("{limit:g} % (at or above it as counted)", limit=limit)
        for limit in crossed
    )
    text = counted_message(
        "{count} of {n} cell are {what}: the 95 % interval of {low:.1f}–{high:.1f} % contains {sides}. "
        "Sampling error alone could tell otherwise: count more cells.",
        "{count} of {n} cells are {what}: the 95 % interval of {low:.1f}–{high:.1f} % contains {sides}. "
        "Sampling error alone could tell otherwise: count more cells.",
        tally.counted,
        count=count,
        what=what.name,
        low=100 * low,
        high=100 * high,
        sides=sides,
    )
    more = (_more_cells(count, tally.counted, limit) for limit in crossed)
    return Flag(f"{what.key}_straddle", listed((text, *more), " "), crossed)


def _compared(count: int, total: int, limit: float) -> Fraction:
    """Return by how much a count is above a limit, exactly: in floats 33 of 3000 would be below 1.1 %."""
    return 100 * count - Fraction(str(limit)) * total


def _more_cells(count: int, counted: int, limit: float) -> Message:
    """Return how many more cells would tell a share from a threshold, if it stays as it is."""
    share, needed = count / counted, cells_to_tell(count / counted, limit / 100)
    if needed > MOST_TO_TELL:
        return message(
            "At a share of {share:.1f} % not even {most} cells would tell it from {limit:g} %: counting "
            "cannot settle it.",
            share=100 * share,
            most=MOST_TO_TELL,
            limit=limit,
        )
    return message(
        "If the share stays {share:.1f} %, about {more} more cells would tell it from {limit:g} % (in 4 of 5 "
        "smears, at 95 %).",
        share=100 * share,
        more=10 * math.ceil((needed - counted) / 10),
        limit=limit,
    )


def _blasts_in_ratio(tally: Tally) -> Flag | None:
    """Note that blasts, which have no lineage here, are in the numerator of M:E."""
    rules = tally.rules
    codes = rules.blast_codes
    if not tally.counted or not tally.reliable(codes):
        return None
    count = tally.total(codes)
    if _compared(count, tally.counted, rules.me_blast_limit) < 0:
        return None
    return Flag(
        "m_to_e_blasts",
        counted_message(
            "{count} of {n} cell are blasts ({limit:g} % or more): M:E takes all of them as myeloid, though "
            "the class has no lineage.",
            "{count} of {n} cells are blasts ({limit:g} % or more): M:E takes all of them as myeloid, though "
            "the class has no lineage.",
            tally.counted,
            count=count,
            limit=rules.me_blast_limit,
        ),
        (rules.me_blast_limit,),
    )


def _auer_rods(tally: Tally, count: int) -> Flag | None:
    """Note that reviewers tagged Auer rods, which classifications weigh apart from the percentage."""
    if not count:
        return None
    limit = tally.rules.auer_rod_limit
    text = counted_message(
        "{n} counted cell carries the tag Auer rod: where blasts are below {limit:g} %, Auer rods weigh "
        "apart from the percentage (WHO 2022).",
        "{n} counted cells carry the tag Auer rod: where blasts are below {limit:g} %, Auer rods weigh "
        "apart from the percentage (WHO 2022).",
        count,
        limit=limit,
    )
    return Flag("auer_rods", text, (limit,))


def _withheld(tally: Tally, code: str, what: str, codes: tuple[str, ...]) -> Flag:
    why = UNNAMED_TEXT if tally.learnt(codes) else UNRELIABLE_TEXT
    text = message("No note on the {what}: {why}, until every cell has been reviewed.", what=what, why=why)
    return Flag(code, text)


def _and(codes: Sequence[str]) -> str:
    """Return codes as a text: ``NIF and OTH``."""
    return reduce(lambda one, other: message("{one} and {other}", one=one, other=other), codes)
