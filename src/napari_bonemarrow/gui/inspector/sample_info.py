"""Texts of the Review tab on a sample review (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.gui.core.sample_figures import SampleFigures, goal_text
from napari_bonemarrow.gui.inspector.cell_models import ProgressInfo
from napari_bonemarrow.review import Case


def sample_progress(
    case: Case, reviewed: int, counted: int, left: int, figures: SampleFigures | None
) -> ProgressInfo:
    """Return the progress of a sample review.

    Parameters
    ----------
    case : Case
    reviewed, counted : int
        Cells of the frame.
    left : int
        Cells of the present wave that are not named.
    figures : SampleFigures or None
        What it said when it was last estimated.
    """
    estimate = "" if figures is None else figures.text
    goal, everything = case.sample.goal, reviewed >= counted
    needed = None if figures is None else figures.needed
    total = counted if needed is None else min(reviewed + needed, counted)
    so_far = f"{reviewed} of {counted:,} by random sample"
    if case.is_signed:
        return ProgressInfo(f"{so_far} · signed", reviewed, counted, sampled=True, estimate=estimate)
    if left:
        text = f"{so_far} · wave {case.sample.wave}, {left} left"
        return ProgressInfo(text, reviewed, total, sampled=True, estimate=estimate)
    if everything:
        text = f"{so_far} · done: count and sign"
    elif goal is None:
        text = f"{so_far} · wave {case.sample.wave} done"
    else:
        text = f"{goal_text(goal)} · done: count and sign"
    return ProgressInfo(text, reviewed, reviewed, True, True, estimate)
