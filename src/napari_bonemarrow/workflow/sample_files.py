"""Files of a sample review: the next cells to review, ready to be filled in and imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.report.files import write_text
from napari_bonemarrow.report.tables import table
from napari_bonemarrow.review import Case

COLUMNS = ("cell_id", "x_px", "y_px", "predicted", "label")


@dataclass(frozen=True, slots=True)
class SampleStep:
    """Where a sample review stands after cells were handed out.

    Attributes
    ----------
    frame, reviewed : int
        Cells of the frame, and those that enter the estimate.
    handed_out : int
        Cells written.
    waiting : int
        Cells reviewed out of order: they enter once those before them are reviewed.
    seed, wave : int
    goal : dict or None
        ``of`` and ``width``, the wanted half width in per cent.
    goal_reached : bool
    needed : int or None
        About how many more cells reach the goal; None without one, or if the frame is too small.
    """

    frame: int
    reviewed: int
    handed_out: int
    waiting: int
    seed: int
    wave: int
    goal: dict[str, Any] | None
    goal_reached: bool
    needed: int | None

    @property
    def text(self) -> str:
        """Return it in one line."""
        parts = [
            f"{count_of(self.handed_out, 'cell')} handed out",
            f"{self.reviewed} of {self.frame} in the estimate",
        ]
        if self.goal is not None:
            goal = f"{self.goal['of']} within ±{self.goal['width']:g} %"
            if self.goal_reached:
                parts.append(f"{goal} reached")
            elif self.reviewed == self.frame:
                parts.append(f"all cells reviewed without {goal}")
            elif self.needed is not None:
                parts.append(f"about {self.needed} more for {goal}")
            else:
                parts.append(f"{goal} is out of reach: the frame has too few cells")
        return ", ".join(parts)


def write_next(case: Case, count: int, out: Path) -> SampleStep:
    """Write the next cells of a sample review as a table with an empty column ``label``.

    Parameters
    ----------
    case : Case
        With a sample review in progress.
    count : int
        Most cells to write. Fewer are written where the goal is reached or the frame is done.
    out : Path

    Raises
    ------
    CaseError
        If no sample is reviewed.
    ReportError
        If the file cannot be written.
    """
    sample = case.sample
    tally = sample.tally  # an error without a sample
    sample.ensure(count)
    ids = sample.next(count)
    cells, codes = case.cells, case.effective_codes()
    rows = [
        {
            "cell_id": int(cells.cell_id[at]),
            "x_px": f"{cells.x[at]:.2f}",
            "y_px": f"{cells.y[at]:.2f}",
            "predicted": codes[at],
            "label": "",
        }
        for at in rows_of(cells.cell_id, np.asarray(ids)).tolist()
    ]
    write_text(out, table(COLUMNS, rows))
    plan, goal = sample.plan, sample.goal
    assert plan is not None
    return SampleStep(
        frame=len(plan),
        reviewed=tally.total,
        handed_out=len(rows),
        waiting=len(tally.waiting),
        seed=plan.seed,
        wave=sample.wave,
        goal=None if goal is None else dict(goal),
        goal_reached=sample.goal_reached,
        needed=None if goal is None else sample.cells_needed(goal),
    )
