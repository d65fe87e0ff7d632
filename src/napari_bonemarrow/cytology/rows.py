"""Rows, ratios, notes and tags of a differential, as printed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from napari_bonemarrow.cytology.classes import Support
from napari_bonemarrow.cytology.messages import Message, message
from napari_bonemarrow.cytology.profiles.references import ReferenceRange

UNRELIABLE_TEXT = message("not reliably recognised by this model")
"""Text in place of a figure that would rest on a class the model has not learnt."""

OF_NAMED_TEXT = message("of what the model can name")
"""Name of the denominator of a share where the model lacks classes."""

UNNAMED_TEXT = message("this model cannot name every class of a marrow")
"""Reason for a missing figure where the bundle has learnt this class but lacks others."""

Interval = tuple[float, float]


class SampledShare(Protocol):
    """The share of a class or group that a random sample estimates; see `estimation.EstimatedShare`."""

    @property
    def percent(self) -> float | None:
        """Return the share, None where no cell of it was seen."""
        ...

    @property
    def ci95(self) -> Interval:
        """Return the limits, per cent."""
        ...

    @property
    def seen(self) -> int:
        """Return the cells of it in the sample."""
        ...


class SampledCount(Protocol):
    """The count that a random sample estimates; see `estimation.SampleEstimate`."""

    @property
    def frame(self) -> int:
        """Return the cells of the frame."""
        ...

    @property
    def reviewed(self) -> int:
        """Return the cells that enter the estimate."""
        ...

    @property
    def m_to_e(self) -> float | None:
        """Return the ratio."""
        ...

    @property
    def m_to_e_ci95(self) -> Interval | None:
        """Return its limits."""
        ...

    def row(self, code: str) -> SampledShare:
        """Return the row of a class or group."""
        ...

    def to_dict(self) -> Mapping[str, Any]:
        """Return it as JSON values."""
        ...


class AdjustedShare(Protocol):
    """An adjusted share, per cent; see `estimation.AdjustedShare`."""

    @property
    def percent(self) -> float:
        """Return the share."""

    @property
    def ci95(self) -> Interval:
        """Return its limits."""


class AdjustedCount(Protocol):
    """A count adjusted by a model's errors on held-out cells; see `estimation.AdjustedCount`."""

    @property
    def m_to_e(self) -> float:
        """Return the ratio."""

    @property
    def m_to_e_ci95(self) -> Interval:
        """Return its limits."""

    def row(self, code: str) -> AdjustedShare | None:
        """Return the row of a class or group."""

    def to_dict(self) -> Mapping[str, Any]:
        """Return it as JSON values."""


ADJUSTED_FROM = message("from held-out cells, not this smear")
"""What an adjusted count rests on."""


def adjusted_text(share: AdjustedShare) -> Message:
    """Return an adjusted share as printed next to the raw one."""
    low, high = share.ci95
    return message(
        "adjusted {percent:.1f} % ({low:.1f}–{high:.1f})", percent=share.percent, low=low, high=high
    )


def adjusted_ratio_text(adjusted: AdjustedCount) -> Message:
    """Return the adjusted M:E as printed next to the raw one."""
    low, high = adjusted.m_to_e_ci95
    if math.isinf(high):
        return message("adjusted {value:.1f} : 1 (above {low:.1f})", value=adjusted.m_to_e, low=low)
    return message(
        "adjusted {value:.1f} : 1 ({low:.1f}–{high:.1f})", value=adjusted.m_to_e, low=low, high=high
    )


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One row of a differential: a class, or the total of several.

    Attributes
    ----------
    code, name : str
        ``name`` is the usual name.
    count : int
        Cells in the frame with this effective class.
    percent : float or None
        Of all counted cells, one decimal; None where it is not reliable or nothing was counted.
    ci95 : tuple of float or None
        Wilson 95 % interval in per cent, unrounded; sampling error alone.
    ci_method : str
        ``"wilson"``.
    support : Support
        How well the model has learnt it; for a total, the weakest of its classes.
    reliable : bool
        False while cells are unreviewed and the model has not learnt every counted class.
    codes : tuple of str
        The classes in it: itself for a class.
    share_of_named : float or None
        Share of the counted cells where the model has learnt this class but lacks others: per cent, whole
        (one decimal below 1). It is not a percentage of the smear.
    partly_reviewed : bool
        Whether some cells in the frame are reviewed and others are not.
    seen : int or None
        In a sample review, the cells of it among those that enter the estimate. `percent` and `ci95` are then
        the sample's.
    simultaneous_ci95 : tuple of float or None
        Goodman's interval in per cent, unrounded, for comparing classes with each other: those of all counted
        classes hold together. None for a total, and in a sample review.
    rule : str
        The rule that the percentage follows.
    references : tuple of ReferenceRange
        By the counting profile, one a source.
    """

    code: str
    name: str
    count: int
    percent: float | None
    ci95: Interval | None
    ci_method: str
    support: Support
    reliable: bool
    codes: tuple[str, ...]
    share_of_named: float | None = None
    partly_reviewed: bool = False
    seen: int | None = None
    simultaneous_ci95: Interval | None = None
    rule: str = ""
    references: tuple[ReferenceRange, ...] = ()

    @property
    def percent_text(self) -> str:
        """Return the printed percentage; a class that was seen never reads 0.0."""
        if not self.reliable:
            return self.share_text or UNRELIABLE_TEXT
        if self.percent is None:
            return "–" if self.seen is None else message("none seen")
        if self.count and self.percent < 0.05:
            return message("< {least:.1f} %", least=0.1)
        return message("{percent:.1f} %", percent=self.percent)

    @property
    def zero_tells(self) -> bool:
        """Return whether 0 cells is a finding: the model has learnt the class, or every cell is reviewed."""
        return self.reliable or self.share_of_named is not None

    @property
    def known_count(self) -> int | None:
        """Return the cells, None instead of a 0 for what the model cannot name: a false zero."""
        return self.count if self.count or self.zero_tells else None

    @property
    def count_text(self) -> str:
        """Return the printed number of cells."""
        return "–" if self.known_count is None else str(self.known_count)

    @property
    def share_text(self) -> str:
        """Return the share printed in place of a percentage; empty without one."""
        if self.share_of_named is None:
            return ""
        if self.partly_reviewed:
            return message("{share} % so far, partly reviewed", share=self._share)
        return message("{share} % {of_named}", share=self._share, of_named=OF_NAMED_TEXT)

    @property
    def short_share_text(self) -> str:
        """Return a shorter `share_text`."""
        if self.share_of_named is None:
            return ""
        if self.partly_reviewed:
            return message("{share} % so far", share=self._share)
        return message("{share} % of what it can name", share=self._share)

    @property
    def _share(self) -> str:
        share = self.share_of_named or 0.0
        return f"{share:.0f}" if share >= 1 or not self.count else "< 1"

    @property
    def ci_text(self) -> str:
        """Return the printed interval; empty without one."""
        return (
            ""
            if self.ci95 is None
            else message("{low:.1f}–{high:.1f} %", low=float(self.ci95[0]), high=float(self.ci95[1]))
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON values; figures of a sample stand apart, see `Differential.to_dict`."""
        sampled = self.seen is not None
        ci = None if sampled else _rounded(self.ci95)
        return {
            "code": self.code,
            "name": self.name,
            "count": self.count,
            "percent": None if sampled else self.percent,
            "ci95": ci,
            "ci_method": self.ci_method,
            "support": str(self.support),
            "share_of_named": self.share_of_named,
            "simultaneous_ci95": _rounded(self.simultaneous_ci95),
            "rule": self.rule,
            "reference_ranges": [each.to_dict() for each in self.references],
        }


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two counts.

    Attributes
    ----------
    value : float or None
        Unrounded; None where it is not reliable or the denominator is 0.
    ci95 : tuple of float or None
        95 % interval from the conditional binomial; the upper bound may be infinite.
    definition : str
        Codes above and below the line, and whether monocytes are included.
    text : str
        As printed.
    sampled : bool
        Whether it is estimated from a random sample.
    rule : str
        The rule that it follows.
    references : tuple of ReferenceRange
    """

    value: float | None
    ci95: Interval | None
    definition: str
    text: str
    sampled: bool = False
    rule: str = ""
    references: tuple[ReferenceRange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the ratio as JSON values; an infinite bound is null."""
        value = None if self.value is None or self.sampled else round(self.value, 3)
        ci = None
        if self.ci95 is not None and not self.sampled:
            ci = [round(bound, 3) if math.isfinite(bound) else None for bound in self.ci95]
        return {
            "value": value,
            "ci95": ci,
            "definition": self.definition,
            "text": self.text,
            "rule": self.rule,
            "reference_ranges": [each.to_dict() for each in self.references],
        }


@dataclass(frozen=True, slots=True)
class Flag:
    """A note on a count; never a diagnosis.

    Attributes
    ----------
    code : str
        For programs, e.g. ``"blasts_straddle"``.
    text : str
        One sentence for people.
    thresholds : tuple of float
        Percentages that the note is about, if any.
    rule : str
        The rule with its thresholds, where the note follows from one.
    """

    code: str
    text: str
    thresholds: tuple[float, ...] = ()
    rule: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the note as JSON values."""
        entry: dict[str, Any] = {"code": self.code, "text": self.text}
        if self.thresholds:
            entry["thresholds"] = list(self.thresholds)
        return entry | ({"rule": self.rule} if self.rule else {})


@dataclass(frozen=True, slots=True)
class TagCount:
    """The number of cells of a lineage that carry a tag.

    Attributes
    ----------
    tag, name, lineage : str
    count, of : int
        Tagged cells, and all counted cells of the lineage.
    percent : float or None
        Of the lineage, one decimal; None until every cell in the frame is reviewed, since only a reviewer
        gives tags.
    ci95 : tuple of float or None
        Wilson 95 % interval in per cent, unrounded.
    """

    tag: str
    name: str
    lineage: str
    count: int
    of: int
    percent: float | None
    ci95: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """Return the tag count as JSON values."""
        ci = _rounded(self.ci95)
        return {
            "tag": self.tag,
            "name": self.name,
            "lineage": self.lineage,
            "count": self.count,
            "of": self.of,
            "percent": self.percent,
            "ci95": ci,
        }


def _rounded(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(bound, 2) for bound in interval]
