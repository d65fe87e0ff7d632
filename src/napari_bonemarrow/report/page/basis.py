"""The basis of a count: which cells it rests on, in the same words in the window and the report."""

from __future__ import annotations

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.messages import Message, counted_message, message
from napari_bonemarrow.review import Case


def basis_text(case: Case, counted: Differential) -> Message:
    """Return which count this is, in lower case."""
    text = which_count(counted)
    if counted.is_sampled:
        text = message("estimated from a {sample}", sample=text)
    if case.signature is not None:
        return message("signed by {name} · {basis}", name=case.signature.name, basis=text)
    return text


def which_count(counted: Differential) -> Message:
    """Return the basis of a count: reviewed cells alone, a sample, or how many reviewed ones among all."""
    total = counted.reviewed + counted.unreviewed
    if counted.is_sampled and counted.estimate is not None:
        reviewed, frame = counted.estimate.reviewed, counted.estimate.frame
        return message("random sample: {reviewed:,} of {frame:,} cells", reviewed=reviewed, frame=frame)
    if not counted.unreviewed:
        return message("all {total:,} reviewed", total=total)
    if counted.reviewed:
        return message("{reviewed:,} of {total:,} reviewed", reviewed=counted.reviewed, total=total)
    return counted_message("model alone, {n:,} cell", "model alone, {n:,} cells", total)
