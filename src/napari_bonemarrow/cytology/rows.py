"""The printed parts of a differential: rows, ratios, notes and tags."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology.classes import Support

UNRELIABLE_TEXT = "not reliably recognised by this model"
"""What stands in place of a figure that would rest on a class the model has not learnt."""

OF_NAMED_TEXT = "of what the model can name"
"""What a share is of where the model lacks classes."""

UNNAMED_TEXT = "this model cannot name every class of a marrow"
"""Why no figure stands where a bundle lacks classes, though it has learnt the one at hand."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One row of a differential: a class, or the common total of several.

    Attributes
    ----------
    code, name : str
        ``name`` is the field's own.
    count : int
        Cells in the frame with this effective class.
    percent : float or None
        Of all counted cells, one decimal; None where it would not be reliable or nothing was counted.
    ci95 : tuple of float or None
        Wilson 95 % interval in per cent, unrounded; sampling error alone.
    ci_method : str
        ``"wilson"``.
    support : Support
        How well the model has learnt it; the weakest of its members for a common total.
    reliable : bool
        False while cells are unreviewed and the model has not learnt this class, or another that is counted.
    codes : tuple of str
        What it adds up: itself for a class.
    share_of_named : float or None
        Where no percentage stands though the model has learnt this class: its share of the counted cells,
        per cent, whole (one decimal below 1). It is no percentage of the smear.
    partly_reviewed : bool
        Whether some cells in the frame are reviewed and others are not.
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

    @property
    def percent_text(self) -> str:
        """The percentage as printed; a class that was seen never reads 0.0."""
        if not self.reliable:
            return self.share_text or UNRELIABLE_TEXT
        if self.percent is None:
            return "–"
        return "< 0.1 %" if self.count and self.percent == 0 else f"{self.percent:.1f} %"

    @property
    def zero_tells(self) -> bool:
        """Whether no cell of this class is a finding: the model has learnt it, or a reviewer has seen all."""
        return self.reliable or self.share_of_named is not None

    @property
    def share_text(self) -> str:
        """What is said, small, where no percentage stands; empty where there is not even a share."""
        if self.share_of_named is None:
            return ""
        return f"{self._share} % {'so far, partly reviewed' if self.partly_reviewed else OF_NAMED_TEXT}"

    @property
    def short_share_text(self) -> str:
        """The same where there is little room."""
        if self.share_of_named is None:
            return ""
        return f"{self._share} % {'so far' if self.partly_reviewed else 'of what it can name'}"

    @property
    def _share(self) -> str:
        share = self.share_of_named or 0.0
        return f"{share:.0f}" if share >= 1 or not self.count else "< 1"

    @property
    def ci_text(self) -> str:
        """The interval as printed, empty where there is none."""
        return "" if self.ci95 is None else f"{self.ci95[0]:.1f}–{self.ci95[1]:.1f} %"

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the contract's JSON has it."""
        ci = None if self.ci95 is None else [round(bound, 2) for bound in self.ci95]
        return {
            "code": self.code,
            "name": self.name,
            "count": self.count,
            "percent": self.percent,
            "ci95": ci,
            "ci_method": self.ci_method,
            "support": str(self.support),
            "share_of_named": self.share_of_named,
        }


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two counts.

    Attributes
    ----------
    value : float or None
        Unrounded; None where it is not reliable or nothing lies below the line.
    ci95 : tuple of float or None
        95 % interval from the conditional binomial; the upper bound may be infinite.
    definition : str
        Which codes stand above and below, and whether monocytes are in.
    text : str
        As printed.
    """

    value: float | None
    ci95: Interval | None
    definition: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as the contract's JSON has it; an infinite bound is null."""
        value = None if self.value is None else round(self.value, 3)
        ci = None
        if self.ci95 is not None:
            ci = [round(bound, 3) if math.isfinite(bound) else None for bound in self.ci95]
        return {"value": value, "ci95": ci, "definition": self.definition, "text": self.text}


@dataclass(frozen=True, slots=True)
class Flag:
    """A note beside a count; never a diagnosis.

    Attributes
    ----------
    code : str
        For programs, e.g. ``"blasts_straddle"``.
    text : str
        One sentence for people.
    thresholds : tuple of float
        Per cent that the note is about, if any.
    """

    code: str
    text: str
    thresholds: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as the contract's JSON has it."""
        entry: dict[str, Any] = {"code": self.code, "text": self.text}
        return entry | ({"thresholds": list(self.thresholds)} if self.thresholds else {})


@dataclass(frozen=True, slots=True)
class TagCount:
    """How many cells of a lineage carry a tag.

    Attributes
    ----------
    tag, name, lineage : str
    count, of : int
        Tagged cells, and all cells of the lineage that are counted.
    percent : float or None
        Of the lineage, one decimal; None until every cell in the frame has been reviewed, since only a
        reviewer gives tags and a cell that nobody has looked at is not a cell without the tag.
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
        """Return it for JSON."""
        ci = None if self.ci95 is None else [round(bound, 2) for bound in self.ci95]
        return {
            "tag": self.tag,
            "name": self.name,
            "lineage": self.lineage,
            "count": self.count,
            "of": self.of,
            "percent": self.percent,
            "ci95": ci,
        }
