"""Cells by class, and which figures may be printed from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    def of_cells(
        cls,
        codes: Sequence[str] | NDArray[Any],
        reviewed: Sequence[bool] | NDArray[np.bool_],
        support: Mapping[str, Support],
        rules: CountingRules,
    ) -> Tally:
        """Count cells by class; see `Differential.compute`."""
        if len(codes) != len(reviewed):
            raise ValueError(f"{len(codes)} codes for {len(reviewed)} marks of review")
        of = Counter(codes.tolist() if isinstance(codes, np.ndarray) else codes)
        unknown = [code for code in of if code and code not in CLASSES]
        if unknown:
            raise ValueError(f"no class has the code {', '.join(map(repr, unknown))}")
        left_out = sum(of[code] for code in ("", *rules.excluded))
        done = int(np.count_nonzero(np.asarray(reviewed, dtype=bool)))
        return cls(of, len(codes) - left_out, done, len(codes) - done, support, rules)

    @property
    def complete(self) -> bool:
        """Whether no cell in the frame waits for review, those of excluded classes among them."""
        return self.unreviewed == 0

    def total(self, codes: Collection[str]) -> int:
        """Add up some classes."""
        return sum(self.of.get(code, 0) for code in codes)

    def reliable(self, codes: Collection[str]) -> bool:
        """Tell whether a figure over these codes may be printed.

        A figure needs those of its codes that a model predicts. Codes that only a reviewer gives do not
        hold back a sum: the model has called such cells something else, and review will tell.
        """
        needed = [code for code in codes if CLASSES[code].predicted] or codes
        return self.complete or all(self.support.get(code) is Support.TRAINED for code in needed)

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
