"""Tally of cells by class, and which figures may be printed from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from napari_bonemarrow.cytology.classes import CLASSES, Support
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.intervals import goodman, wilson
from napari_bonemarrow.cytology.rows import Interval


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers that rows, ratios and notes are computed from.

    Attributes
    ----------
    of : mapping of str to int
        Cells by effective class, ``""`` for those without one.
    counted : int
        Cells in the denominator.
    reviewed, unreviewed : int
        Cells with and without a reviewer's label.
    support : mapping of str to Support
    rules : CountingRules
    unlearnt : tuple of str
        The counted classes of the 21 that the model has not learnt from marrow. Each figure asks for them.
    """

    of: Mapping[str, int]
    counted: int
    reviewed: int
    unreviewed: int
    support: Mapping[str, Support]
    rules: CountingRules
    unlearnt: tuple[str, ...]

    @classmethod
    def of_counts(
        cls,
        counts: Mapping[str, int],
        unreviewed: int,
        support: Mapping[str, Support],
        rules: CountingRules,
    ) -> Tally:
        """Make a tally of cells already counted by class; see `Differential.of_counts`."""
        unknown = [code for code in counts if code and code not in CLASSES]
        if unknown:
            raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
        of = {code: int(count) for code, count in counts.items() if count}
        cells = sum(of.values())
        if not 0 <= unreviewed <= cells:
            raise ValueError(f"{unreviewed} of {cells} cells cannot wait for review")
        left_out = sum(of.get(code, 0) for code in ("", *rules.excluded))
        unlearnt = tuple(
            code
            for code, cell in CLASSES.items()
            if cell.predicted and code not in rules.excluded and support.get(code) is not Support.TRAINED
        )
        return cls(of, cells - left_out, cells - unreviewed, unreviewed, support, rules, unlearnt)

    @property
    def complete(self) -> bool:
        """Return whether every cell in the frame is reviewed, including excluded classes."""
        return self.unreviewed == 0

    @property
    def partly_reviewed(self) -> bool:
        """Return whether some cells in the frame are reviewed and others not."""
        return self.reviewed > 0 and not self.complete

    def total(self, codes: Collection[str]) -> int:
        """Return the number of cells of some classes."""
        return sum(self.of.get(code, 0) for code in codes)

    @property
    def names_all(self) -> bool:
        """Return whether the model has learnt every counted class of the 21.

        Where it has not, cells of the missing classes are counted under others, so no share is a percentage
        of the smear.
        """
        return not self.unlearnt

    def learnt(self, codes: Collection[str]) -> bool:
        """Return whether the model has learnt the predictable classes among some codes.

        Codes that only a reviewer gives do not withhold a sum: the model gives such cells another class until
        they are reviewed.
        """
        needed = [code for code in codes if CLASSES[code].predicted] or codes
        return all(self.support.get(code) is Support.TRAINED for code in needed)

    def reliable(self, codes: Collection[str]) -> bool:
        """Return whether a figure over these codes may be printed.

        It may once every cell is reviewed. Before that the model must have learnt these codes and every
        other counted class: a cell of an unknown class is counted under a known one.
        """
        return self.complete or (self.names_all and self.learnt(codes))

    def share_of_named(self, codes: Collection[str]) -> float | None:
        """Return the share of these codes among the counted cells where no percentage is printed.

        Returns
        -------
        float or None
            Per cent, whole; one decimal below 1, so that a class that was seen does not read 0. None where a
            percentage is printed, nothing was counted, or the model has not learnt one of the codes.
        """
        if not self.counted or self.reliable(codes) or not self.learnt(codes):
            return None
        percent = 100 * self.total(codes) / self.counted
        return float(round(percent)) if percent >= 1 else max(round(percent, 1), 0.1 if percent else 0.0)

    def weakest(self, codes: Collection[str]) -> Support:
        """Return the poorest support among some classes."""
        order = (Support.NONE, Support.TRANSFERRED, Support.FEW, Support.TRAINED)
        return min((self.support.get(code, Support.NONE) for code in codes), key=order.index)

    def interval(self, codes: Collection[str]) -> Interval | None:
        """Return the Wilson interval in per cent, None where it may not be printed."""
        if not self.counted or not self.reliable(codes):
            return None
        low, high = wilson(self.total(codes), self.counted)
        return 100 * low, 100 * high

    def simultaneous_interval(self, code: str) -> Interval | None:
        """Return Goodman's interval of a class among all counted ones, per cent; None as in `interval`."""
        if not self.counted or not self.reliable((code,)):
            return None
        classes = sum(each not in self.rules.excluded for each in CLASSES)
        low, high = goodman(self.total((code,)), self.counted, classes)
        return 100 * low, 100 * high
