"""The laboratory heads of this user, as the window shows and uses them (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.learning.head_files import load_head as read_head
from napari_bonemarrow.learning.laboratory_head import learning_curve
from napari_bonemarrow.workflow.teaching.laboratory import (
    HeadInfo,
    default_head,
    forget_case,
    heads,
    heads_folder,
    load_head,
    remember_cases,
    set_default_head,
)

__all__ = [
    "HeadInfo",
    "default_head",
    "forget_case",
    "heads",
    "load_head",
    "next_step",
    "remember_cases",
    "set_default_head",
]

FEWEST_CASES = 4
"""Signed cases from which it is said whether teaching the network itself would pay."""
_FLAT = 0.01
"""Gain of accuracy over the last cases below which more of them hardly help."""


def next_step(name: str) -> str:
    """Return in one line whether teaching the network itself would pay; empty while that is not known.

    It is judged by how much the last cases have added to what a head names in cases that it has not met.
    This takes seconds.
    """
    if not name:
        return ""
    try:
        head = read_head(heads_folder() / name)
    except BoneMarrowError:  # shown in the Model tab, with what to do
        return ""
    if len(head.cases) < FEWEST_CASES:
        return ""
    curve = learning_curve(head)
    before, last = curve[-2], curve[-1]
    cases = count_of(last.cases, "case")
    figures = f"with {before.cases} {before.measured.head:.0%}, with {cases} {last.measured.head:.0%}"
    figures = figures.replace("%", " %")
    if last.measured.head - before.measured.head > _FLAT:
        return (
            f"{name} still gets better with every case ({figures} named rightly): more signed cases help as "
            "much as teaching the network itself."
        )
    return (
        f"{name} hardly gets better with more cases ({figures} named rightly): teaching the network itself "
        "would pay now."
    )
