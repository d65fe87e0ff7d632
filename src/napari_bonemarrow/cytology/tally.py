"""Cells by class, and which figures may be printed from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from napari_bonemarrow.cytology.classes import CLASSES, Support
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.cytology.rows import Interval


@dataclass(frozen=True, slots=True)
class Tally:
    """What rows, ratios and notes are made from.

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
    """

    of: Mapping[str, int]
    counted: int
    reviewed: int
    unreviewed: int
    support: Mapping[str, Support]
    rules: CountingRules

    @classmethod
    def of_counts(
        cls,
        counts: Mapping[str, int],
        unreviewed: int,
        support: Mapping[str, Support],
        rules: CountingRules,
    ) -> Tally:
        """Take cells that were counted by class already; see `Differential.of_counts`."""
        unknown = [code for code in counts if code and code not in CLASSES]
        if unknown:
            raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
        of = {code: int(count) for code, count in counts.items() if count}
        cells = sum(of.values())
        if not 0 <= unreviewed <= cells:
            raise ValueError(f"{unreviewed} of {cells} cells cannot wait for review")
        left_out = sum(of.get(code, 0) for code in ("", *rules.excluded))
        return cls(of, cells - left_out, cells - unreviewed, unreviewed, support, rules)

    @property
    def complete(self) -> bool:
        """Whether no cell in the frame waits for review, those of excluded classes among them."""
        return self.unreviewed == 0

    @property
    def partly_reviewed(self) -> bool:
        """Whether some cells in the frame are reviewed and others wait."""
        return self.reviewed > 0 and not self.complete

    def total(self, codes: Collection[str]) -> int:
        """Add up some classes."""
        return sum(self.of.get(code, 0) for code in codes)

    @property
    def names_all(self) -> bool:
        """Whether the model has learnt every class of the 21 that is counted.

        Where it has not, cells of the others lie among those it names, so that no share of cells that it
        named is a percentage of the smear.
        """
        return not self.unlearnt

    @property
    def unlearnt(self) -> tuple[str, ...]:
        """The counted classes of the 21 that the model has not learnt from marrow."""
        return tuple(
            code
            for code, cell in CLASSES.items()
            if cell.predicted
            and code not in self.rules.excluded
            and self.support.get(code) is not Support.TRAINED
        )

    def learnt(self, codes: Collection[str]) -> bool:
        """Tell whether the model has learnt those of some codes that a model predicts.

        Codes that only a reviewer gives do not hold back a sum: the model has called such cells something
        else, and review will tell.
        """
        needed = [code for code in codes if CLASSES[code].predicted] or codes
        return all(self.support.get(code) is Support.TRAINED for code in needed)

    def reliable(self, codes: Collection[str]) -> bool:
        """Tell whether a figure over these codes may be printed.

        It may once every cell is reviewed. Before that the model must have learnt these codes and every
        other counted class: a cell of a class that it cannot name is given to one that it can.
        """
        return self.complete or (self.names_all and self.learnt(codes))

    def share_of_named(self, codes: Collection[str]) -> float | None:
        """Return the share of the counted cells that these codes have where no percentage stands.

        Returns
        -------
        float or None
            Per cent, whole; one decimal below 1, so that cells which were seen do not read 0. None where a
            percentage stands, nothing was counted, or the model has not learnt one of the codes.
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
        """Return the Wilson interval in per cent, None where none may be printed."""
        if not self.counted or not self.reliable(codes):
            return None
        low, high = wilson(self.total(codes), self.counted)
        return 100 * low, 100 * high
