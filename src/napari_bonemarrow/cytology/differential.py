"""The differential count, its sampling intervals and its notes.

Two rules hold. Thresholds are tested on counts and unrounded intervals, never on printed percentages. And
no percentage, interval, ratio or note is printed that rests on a model which has not learnt every counted
class: a false zero is the worst error here, and a cell of a class that the model cannot name adds to
another one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.classes import CLASSES, TAGS, Lineage, Support
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.cytology.domain import DomainCheck
from napari_bonemarrow.cytology.intervals import (
    CI_METHOD,
    largest_remainder,
    ratio_interval,
    rounded_tenths,
    wilson,
)
from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.cytology.notes import UNLIKE, arising_flags, standing_notes
from napari_bonemarrow.cytology.profiles import CountingProfile, default_profile
from napari_bonemarrow.cytology.profiles.profile import M_TO_E
from napari_bonemarrow.cytology.profiles.rule_texts import class_rule, group_rule, ratio_rule
from napari_bonemarrow.cytology.rows import (
    UNNAMED_TEXT,
    UNRELIABLE_TEXT,
    AdjustedCount,
    ClassCount,
    Flag,
    Ratio,
    SampledCount,
    TagCount,
)
from napari_bonemarrow.cytology.tally import Tally

AUER_ROD = "auer_rod"
"""A tag of `TAGS` with a note of its own."""


@dataclass(frozen=True, slots=True)
class Differential:
    """A differential count of the cells in the frame.

    Attributes
    ----------
    counted, target : int
        Cells in the denominator, and how many are wanted.
    excluded : mapping of str to int
        Cells seen but left out of the denominator, by class.
    classes : tuple of ClassCount
        Every counted class in reading order, also those without a cell.
    groups : tuple of ClassCount
        Totals: blasts, eosinophils with abnormal ones, erythroid cells.
    ratios : mapping of str to Ratio
        ``"m_to_e"``.
    flags : tuple of Flag
        Notes on this count.
    notes : tuple of Flag
        Notes on every count: what the intervals cover, what a blast is.
    tags : tuple of TagCount
        Tags by lineage.
    reviewed, unreviewed : int
        Cells in the frame with and without a reviewer's label, including excluded ones: an artefact in the
        model's view may be a blast.
    unclassified : int
        Cells in the frame without label and prediction; they are not counted.
    profile : CountingProfile
        The rules, the cells to count and the reference ranges.
    imported : int
        Unreviewed cells whose class was imported.
    domain : DomainCheck or None
        Whether the smear looks like the training data; None where that was not checked.
    estimate : SampledCount or None
        In a sample review, the estimate that gives the percentages, intervals and ratios.
    adjust : callable or None
        Computes `adjusted`.
    """

    counted: int
    target: int
    excluded: Mapping[str, int]
    classes: tuple[ClassCount, ...]
    groups: tuple[ClassCount, ...]
    ratios: Mapping[str, Ratio]
    flags: tuple[Flag, ...]
    notes: tuple[Flag, ...]
    tags: tuple[TagCount, ...]
    reviewed: int
    unreviewed: int
    unclassified: int
    profile: CountingProfile
    imported: int = 0
    domain: DomainCheck | None = None
    estimate: SampledCount | None = None
    adjust: Callable[[], AdjustedCount | None] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def compute(
        cls,
        codes: Sequence[str] | NDArray[Any],
        reviewed: Sequence[bool] | NDArray[np.bool_],
        support: Mapping[str, Support],
        rules: CountingRules | CountingProfile | None = None,
        target: int = TARGET,
        tags: Mapping[int, Collection[str]] | None = None,
        doubtful: int = 0,
        unread: int = 0,
        domain: DomainCheck | None = None,
    ) -> Differential:
        """Compute the differential of classified cells.

        Parameters
        ----------
        codes : sequence of str, length n
            The effective class of each cell in the frame; ``""`` is a cell without class.
        reviewed : sequence of bool, length n
            Whether a reviewer has given the cell its class.
        support : mapping of str to Support
            How well the model has learnt each class; a missing class counts as not learnt.
        rules : CountingRules or CountingProfile, optional
            ICSH 2008 by default. Reference ranges are printed by a profile alone.
        target : int
            Cells to count: ICSH 2008 asks for 500 where a percentage matters, else 300.
        tags : mapping of int to collection of str, optional
            Tags of a cell, by position in ``codes``.
        doubtful : int
            Unreviewed cells with a confidence below the model's own threshold.
        unread : int
            Tiles of the slide that could not be read and were not searched.
        domain : DomainCheck, optional
            Comparison of the cells with the training data.

        Returns
        -------
        Differential

        Raises
        ------
        ValueError
            If a code is not a class, or ``codes`` and ``reviewed`` differ in length.
        """
        if len(codes) != len(reviewed):
            raise ValueError(f"{len(codes)} codes for {len(reviewed)} marks of review")
        counts = Counter(codes.tolist() if isinstance(codes, np.ndarray) else codes)
        done = int(np.count_nonzero(np.asarray(reviewed, dtype=bool)))
        tagged: dict[str, Counter[str]] = {}
        for position, cell_tags in (tags or {}).items():
            for tag in cell_tags:
                tagged.setdefault(tag, Counter())[str(codes[position])] += 1
        waiting = len(codes) - done
        return cls.of_counts(counts, waiting, support, rules, target, tagged, doubtful, unread, domain=domain)

    @classmethod
    def of_counts(
        cls,
        counts: Mapping[str, int],
        unreviewed: int,
        support: Mapping[str, Support],
        rules: CountingRules | CountingProfile | None = None,
        target: int = TARGET,
        tagged: Mapping[str, Mapping[str, int]] | None = None,
        doubtful: int = 0,
        unread: int = 0,
        imported: int = 0,
        domain: DomainCheck | None = None,
        estimate: SampledCount | None = None,
        adjust: Callable[[], AdjustedCount | None] | None = None,
    ) -> Differential:
        """Compute the differential of cells already counted by class.

        Parameters
        ----------
        counts : mapping of str to int
            Cells in the frame by effective class; ``""`` for those without one.
        unreviewed : int
            Those without a reviewer's label.
        support, rules, target, doubtful, unread, domain
            As in `compute`.
        tagged : mapping of str to mapping of str to int, optional
            By tag, the cells that carry it by effective class.
        imported : int
            Unreviewed cells whose class was imported.
        estimate : SampledCount, optional
            The estimate of a sample review, in place of figures over all cells.
        adjust : callable, optional
            Computes the adjusted count, where one can be; it is not called here.

        Raises
        ------
        ValueError
            If a code is not a class, or more cells wait for review than there are.
        """
        profile = _profile(rules)
        rules = profile.rules
        tally = Tally.of_counts(counts, unreviewed, support, rules)
        rows = _class_rows(tally, profile)
        groups, ratio = _group_rows(tally, profile, rows), _m_to_e(tally)
        if estimate is not None and not tally.complete:
            rows = tuple(_sampled(row, estimate) for row in rows)
            groups = tuple(_sampled(row, estimate) for row in groups)
            ratio = _sampled_ratio(ratio, estimate)
        tagged = tagged or {}
        return cls(
            counted=tally.counted,
            target=target,
            excluded={code: tally.of[code] for code in rules.excluded if tally.of.get(code)},
            classes=rows,
            groups=groups,
            ratios={M_TO_E: replace(ratio, rule=ratio_rule(rules), references=profile.references(M_TO_E))},
            flags=arising_flags(
                tally,
                target,
                doubtful,
                unread,
                imported,
                domain,
                None if tally.complete else estimate,
                auer_rods=_counted(tally, tagged.get(AUER_ROD, {})),
            ),
            notes=standing_notes(rules),
            tags=_tag_counts(tally, tagged),
            reviewed=tally.reviewed,
            unreviewed=tally.unreviewed,
            unclassified=tally.of.get("", 0),
            profile=profile,
            imported=imported,
            domain=domain,
            estimate=estimate,
            adjust=adjust if estimate is None and not tally.complete and tally.names_all else None,
        )

    @property
    def rules(self) -> CountingRules:
        """Return the counting rules."""
        return self.profile.rules

    @property
    def fully_reviewed(self) -> bool:
        """Return whether a reviewer has classified every cell in the frame."""
        return self.unreviewed == 0 and self.reviewed > 0

    @property
    def is_sampled(self) -> bool:
        """Return whether its percentages are estimated from a random sample of the cells."""
        return self.estimate is not None and not self.fully_reviewed

    @property
    def adjusted(self) -> AdjustedCount | None:
        """Return the count adjusted by the model's errors on held-out cells.

        None once every cell is reviewed, in a sample review, and where the model has not learnt every counted
        class or its errors were not measured. It takes about 0.1 s at first.
        """
        return None if self.adjust is None else self.adjust()

    @property
    def unlike_text(self) -> str:
        """Return the warning before the numbers of a smear unlike the training data, else an empty text."""
        return next((flag.text for flag in self.flags if flag.code == UNLIKE), "")

    def row(self, code: str) -> ClassCount:
        """Return the row of a class or total by its code."""
        return next(row for row in (*self.classes, *self.groups) if row.code == code)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's JSON from ``counted`` to ``unreviewed``, plus groups, notes and rules."""
        return {
            "counted": self.counted,
            "target": self.target,
            "excluded": dict(self.excluded),
            "classes": [row.to_dict() for row in self.classes],
            "groups": [{**row.to_dict(), "codes": list(row.codes)} for row in self.groups],
            "ratios": {name: ratio.to_dict() for name, ratio in self.ratios.items()},
            "flags": [flag.to_dict() for flag in self.flags],
            "notes": [note.to_dict() for note in self.notes],
            "tags": [tag.to_dict() for tag in self.tags],
            "reviewed": self.reviewed,
            "unreviewed": self.unreviewed,
            "unclassified": self.unclassified,
            "imported": self.imported,
            "rules": self.rules.model_dump(mode="json"),
            "profile": self.profile.model_dump(mode="json", exclude={"rules", "reference_ranges"}),
            "domain": None if self.domain is None else self.domain.to_dict(),
            "estimate": None if self.estimate is None else dict(self.estimate.to_dict()),
            "adjusted": None if (adjusted := self.adjusted) is None else dict(adjusted.to_dict()),
        }


def _profile(rules: CountingRules | CountingProfile | None) -> CountingProfile:
    """Return a profile: ICSH 2008 where none is given, one without reference ranges of rules alone."""
    if isinstance(rules, CountingProfile):
        return rules
    return default_profile() if rules is None else CountingProfile(name=rules.name, rules=rules)


def _counted(tally: Tally, counts: Mapping[str, int]) -> int:
    """Return the number of cells of counted classes."""
    return sum(count for code, count in counts.items() if code and code not in tally.rules.excluded)


def _row(
    tally: Tally,
    profile: CountingProfile,
    rule: str,
    code: str,
    name: str,
    codes: tuple[str, ...],
    percent: float | None,
) -> ClassCount:
    reliable = tally.reliable(codes)
    return ClassCount(
        code=code,
        name=name,
        count=tally.total(codes),
        percent=percent if reliable else None,
        ci95=tally.interval(codes),
        ci_method=CI_METHOD,
        support=tally.weakest(codes),
        reliable=reliable,
        codes=codes,
        share_of_named=tally.share_of_named(codes),
        partly_reviewed=tally.partly_reviewed,
        simultaneous_ci95=tally.simultaneous_interval(code) if codes == (code,) else None,
        rule=rule,
        references=profile.references(code),
    )


def _class_rows(tally: Tally, profile: CountingProfile) -> tuple[ClassCount, ...]:
    """Return a row for each counted class; percentages add up to 100.0 once review is complete."""
    codes = [code for code in CLASSES if code not in tally.rules.excluded]
    counts = [tally.of.get(code, 0) for code in codes]
    percents: Sequence[float | None] = [None] * len(codes)
    if tally.counted:
        percents = largest_remainder(counts) if tally.complete else rounded_tenths(counts, tally.counted)
    rule = class_rule(profile.rules)
    return tuple(
        _row(tally, profile, rule, code, CLASSES[code].name, (code,), percent)
        for code, percent in zip(codes, percents, strict=True)
    )


def _group_rows(
    tally: Tally, profile: CountingProfile, rows: tuple[ClassCount, ...]
) -> tuple[ClassCount, ...]:
    """Return the totals; in a reviewed count a total is the sum of its printed rows."""
    rules = tally.rules
    groups = (
        ("blasts", message("blasts (promonocytes not included)"), rules.blast_codes),
        ("eosinophils", message("eosinophils, abnormal ones included"), rules.eosinophils),
        ("erythroid", message("erythroid cells"), rules.erythroid),
    )
    printed = {row.code: row.percent for row in rows}
    made = []
    for code, name, codes in groups:
        percent: float | None = None
        if tally.counted and tally.complete:
            percent = round(sum(printed[member] or 0.0 for member in codes), 1)
        elif tally.counted:
            percent = rounded_tenths([tally.total(codes)], tally.counted)[0]
        made.append(_row(tally, profile, group_rule(rules, codes), code, name, codes, percent))
    return tuple(made)


def _sampled(row: ClassCount, estimate: SampledCount) -> ClassCount:
    """Return a row with the figures of a random sample."""
    share = estimate.row(row.code)
    return replace(
        row,
        percent=None if share.percent is None else round(share.percent, 1),
        ci95=share.ci95,
        ci_method="sample",
        reliable=True,
        share_of_named=None,
        seen=share.seen,
        simultaneous_ci95=None,
    )


def _sampled_ratio(ratio: Ratio, estimate: SampledCount) -> Ratio:
    value, ci95 = estimate.m_to_e, estimate.m_to_e_ci95
    if value is None or ci95 is None:
        text = message("no myeloid and erythroid cells in the sample")
        return Ratio(None, None, ratio.definition, text, sampled=True)
    low, high = ci95
    if not math.isfinite(value):
        text = message("no erythroid cells in the sample (95 % interval above {low:.1f} : 1)", low=low)
        return Ratio(None, ci95, ratio.definition, text, sampled=True)
    if math.isfinite(high):
        text = message(
            "{value:.1f} : 1 (95 % interval {low:.1f}–{high:.1f}, from a random sample)",
            value=value,
            low=low,
            high=high,
        )
    else:
        text = message(
            "{value:.1f} : 1 (95 % interval above {low:.1f}, from a random sample)", value=value, low=low
        )
    return Ratio(value, ci95, ratio.definition, text, sampled=True)


def _m_to_e(tally: Tally) -> Ratio:
    rules = tally.rules
    definition = rules.me_definition
    above, below = tally.total(rules.me_numerator), tally.total(rules.erythroid)
    both = rules.me_numerator + rules.erythroid
    if not tally.reliable(both):
        return Ratio(None, None, definition, UNNAMED_TEXT if tally.learnt(both) else UNRELIABLE_TEXT)
    if not above + below:
        return Ratio(None, None, definition, message("no myeloid and no erythroid cells counted"))
    low, high = ratio_interval(above, below)
    if not below:
        text = message("no erythroid cells counted (95 % interval above {low:.1f} : 1)", low=low)
        return Ratio(None, (low, high), definition, text)
    value = above / below
    text = message("{value:.1f} : 1 (95 % interval {low:.1f}–{high:.1f})", value=value, low=low, high=high)
    return Ratio(value, (low, high), definition, text)


def _tag_counts(tally: Tally, tagged: Mapping[str, Mapping[str, int]]) -> tuple[TagCount, ...]:
    """Return the tags by lineage, among counted cells."""
    of_lineage: Counter[Lineage] = Counter()
    for code, count in tally.of.items():
        if code and code not in tally.rules.excluded:
            of_lineage[CLASSES[code].lineage] += count
    seen: Counter[tuple[str, Lineage]] = Counter()
    for tag, codes in tagged.items():
        for code, count in codes.items():
            if code and count and code not in tally.rules.excluded:
                seen[tag, CLASSES[code].lineage] += count
    rows = []
    for (tag, lineage), count in sorted(seen.items()):
        total = of_lineage[lineage]
        percent, ci95 = None, None
        if tally.complete:
            low, high = wilson(count, total)
            percent, ci95 = rounded_tenths([count], total)[0], (100 * low, 100 * high)
        rows.append(TagCount(tag, TAGS.get(tag, tag), str(lineage), count, total, percent, ci95))
    return tuple(rows)
