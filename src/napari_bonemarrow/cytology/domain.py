"""Whether a smear looks like what its model was taught with, judged over its cells before any number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.intervals import binomial_tail

LIMIT = 0.95
"""A cell is strange where it lies farther from what the model was taught with than this share of held-out
crops of the same data sets do."""

USUAL_STRANGE = 0.20
"""Share of strange cells up to which a smear is taken for one of the model's own domain: four times the 5 %
that held-out crops have by construction. Classes differ (5 to 17 % of held-out crops of the starter's single
classes), and so will slides."""

USUAL_DOUBTFUL = 0.25
"""The same for cells below the model's confidence: 10 % of its calibration crops, up to 21 % in one class."""

LEVEL = 0.005
"""Chance at most, a test, that a smear with the usual share alarms; two tests together 1 %."""

FEWEST = 20
"""Cells below which nothing can be told: even half of them strange may be chance."""

UNLIKE_TEXT = "This smear looks unlike what the model has learnt"
UNCHECKED_TEXT = "No out-of-domain check: the model's bundle holds no statistics of what it was taught with."


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """How many cells of a smear look unlike what the model was taught with.

    Attributes
    ----------
    cells : int
        Cells in the frame that were looked at, those of excluded classes among them.
    strange : int
        Cells beyond `LIMIT`.
    doubtful : int or None
        Cells whose confidence lies below the model's threshold; None where it has none.
    """

    cells: int
    strange: int
    doubtful: int | None = None

    @classmethod
    def of_cells(
        cls,
        strangeness: NDArray[np.float32],
        confidence: NDArray[np.float32],
        abstain_below: float | None = None,
    ) -> DomainCheck | None:
        """Look at the cells of a smear.

        Parameters
        ----------
        strangeness : ndarray of float32, shape (n,)
            Of each cell the share of held-out crops that lie closer to what the model was taught with, 0 to
            1; NaN where it was not measured.
        confidence : ndarray of float32, shape (n,)
        abstain_below : float, optional

        Returns
        -------
        DomainCheck or None
            None where no cell was measured.
        """
        known = ~np.isnan(strangeness)
        if not known.any():
            return None
        doubtful = None
        if abstain_below is not None:
            doubtful = int(np.count_nonzero(confidence[known] < abstain_below))
        return cls(int(np.count_nonzero(known)), int(np.count_nonzero(strangeness[known] > LIMIT)), doubtful)

    @property
    def too_few(self) -> bool:
        """Whether there are too few cells to tell anything."""
        return self.cells < FEWEST

    @property
    def unlike(self) -> bool:
        """Whether the smear looks unlike what the model was taught with.

        Either share is tested against what is usual by the exact one-sided binomial test at `LEVEL`.
        """
        if self.too_few:
            return False
        doubtful = self.doubtful or 0
        return (
            binomial_tail(self.strange, self.cells, USUAL_STRANGE) < LEVEL
            or binomial_tail(doubtful, self.cells, USUAL_DOUBTFUL) < LEVEL
        )

    @property
    def text(self) -> str:
        """One sentence for people."""
        if self.too_few:
            return f"Too few cells to compare the smear with what the model was taught with ({self.cells})."
        figures = (
            f"{_share(self.strange, self.cells)} lie farther from what it was taught with than "
            f"{LIMIT:.0%} of its held-out crops (up to {USUAL_STRANGE:.0%} is usual)"
        )
        if self.doubtful is not None:
            figures += (
                f", and {_share(self.doubtful, self.cells)} below its confidence threshold (up to "
                f"{USUAL_DOUBTFUL:.0%})"
            )
        figures = figures.replace("%", " %")
        if self.unlike:
            return f"{UNLIKE_TEXT}: {figures}. Its classes are guesses: review every cell."
        return f"The smear looks like what the model was taught with: {figures}."

    @property
    def short_text(self) -> str:
        """The same without figures; empty where the smear does not look unlike."""
        return f"{UNLIKE_TEXT}: its classes are guesses, review every cell." if self.unlike else ""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures and the rule for JSON."""
        return {
            "unlike_training": self.unlike,
            "cells": self.cells,
            "strange": self.strange,
            "strange_limit": LIMIT,
            "usual_strange": USUAL_STRANGE,
            "doubtful": self.doubtful,
            "usual_doubtful": USUAL_DOUBTFUL,
            "false_alarm_rate": 2 * LEVEL,
            "too_few": self.too_few,
            "text": self.text,
        }


def _share(count: int, total: int) -> str:
    return f"{count} of {total} cells ({count / total:.0%})"
