"""The sample review of a case, as the journal says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CountingRules
from napari_bonemarrow.estimation import (
    CrossFitted,
    EstimateError,
    SampleEstimate,
    SamplePlan,
    SampleTally,
    estimate,
)

if TYPE_CHECKING:
    from napari_bonemarrow.review.journal.payloads import SampleGoal
    from napari_bonemarrow.review.state.cell_table import CellTable


class SampleState:
    """A sample review.

    Parameters
    ----------
    plan : SamplePlan
    goal : SampleGoal or None

    Attributes
    ----------
    quotas : list of ndarray of int64
        For each wave, how many cells of each stratum are to be reviewed by its end.
    goal : SampleGoal or None
        The half width that is wanted, and of what.
    widened : bool
        Whether every cell of the frame is reviewed instead.
    """

    def __init__(self, plan: SamplePlan, goal: SampleGoal | None) -> None:
        self.plan, self.goal = plan, goal
        self.quotas: list[NDArray[np.int64]] = []
        self.widened = False

    def tally(self, table: CellTable) -> SampleTally:
        """Return which of its cells are reviewed and which of those enter the estimate."""
        rows = table.rows(self.plan.cell_id)
        given = np.where(table.reviewed[rows], table.given[rows], 0)
        return SampleTally.of_labels(self.plan, given.astype(np.uint8))

    def estimate(
        self,
        table: CellTable,
        rules: CountingRules | None = None,
        predictions: CrossFitted | None = None,
    ) -> SampleEstimate | None:
        """Return the estimated count; None while too few cells enter, or where it was widened."""
        if self.widened:
            return None
        try:
            return estimate(self.plan, self.tally(table), predictions, rules)
        except EstimateError:
            return None
