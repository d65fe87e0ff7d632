"""Domain check: whether a smear looks like the training data of its model, judged before any number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.intervals import binomial_tail
from napari_bonemarrow.cytology.messages import Message, message

LIMIT = 0.95
"""A cell is strange where it lies farther from the training data than this share of held-out crops of the
same data sets."""

USUAL_STRANGE = 0.20
"""Share of strange cells up to which a smear belongs to the model's domain: four times the 5 % that held-out
crops have by construction. Classes differ (5 to 17 % of held-out crops in single classes of the starter),
and slides will too."""

USUAL_DOUBTFUL = 0.25
"""The same for cells below the model's confidence: 10 % of its calibration crops, up to 21 % in one class."""

LEVEL = 0.005
"""Largest chance that a test raises an alarm on a smear with the usual share; 1 % for both tests."""

FEWEST = 20
"""Fewest cells for a decision: of fewer, even half may be strange by chance."""

UNLIKE_TEXT = message("This smear looks unlike what the model has learnt")
UNCHECKED_TEXT = message("No out-of-domain check: the model's bundle has no statistics of its training data.")


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """Numbers of cells of a smear that look unlike the training data.

    Attributes
    ----------
    cells : int
        Measured cells in the frame, including excluded classes.
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
        """Compare the cells of a smear with the training data.

        Parameters
        ----------
        strangeness : ndarray of float32, shape (n,)
            Share of held-out crops that lie closer to the training data than the cell, 0 to 1; NaN where it
            was not measured.
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
        """Return whether there are too few cells for a decision."""
        return self.cells < FEWEST

    @property
    def unlike(self) -> bool:
        """Return whether the smear looks unlike the training data.

        Each share is tested against the usual one by the exact one-sided binomial test at `LEVEL`.
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
        """Return the result in one sentence."""
        if self.too_few:
            return message(
                "Too few cells to compare the smear with the model's training data ({cells}).",
                cells=self.cells,
            )
        if self.unlike:
            return message(
                "{unlike}: {figures}. Its classes are guesses: review every cell.",
                unlike=UNLIKE_TEXT,
                figures=self._figures,
            )
        return message("The smear looks like the model's training data: {figures}.", figures=self._figures)

    @property
    def _figures(self) -> Message:
        """Return the shares of strange and doubtful cells with the usual ones."""
        strange = message(
            "{count} of {cells} cells ({share:.0f} %) lie farther from its training data than {limit:.0f} % "
            "of its held-out crops (up to {usual:.0f} % is usual)",
            count=self.strange,
            cells=self.cells,
            share=100 * (self.strange / self.cells),
            limit=100 * LIMIT,
            usual=100 * USUAL_STRANGE,
        )
        if self.doubtful is None:
            return strange
        doubtful = message(
            "{count} of {cells} cells ({share:.0f} %) below its confidence threshold (up to {usual:.0f} %)",
            count=self.doubtful,
            cells=self.cells,
            share=100 * (self.doubtful / self.cells),
            usual=100 * USUAL_DOUBTFUL,
        )
        return message("{strange}, and {doubtful}", strange=strange, doubtful=doubtful)

    @property
    def short_text(self) -> str:
        """Return the result without figures; empty where the smear looks like the training data."""
        if not self.unlike:
            return ""
        return message("{unlike}: its classes are guesses, review every cell.", unlike=UNLIKE_TEXT)

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
