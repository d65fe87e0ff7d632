"""Pace of a fit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Progress and speed of a fit.

    Attributes
    ----------
    epoch, epochs : int
        Completed epochs, and all.
    part : float
        Completed part of the present epoch, 0 to 1.
    images_per_second : float
        Speed in the present epoch, all processes together.
    seconds_left : float
        Estimated from the pixels of each epoch, since large inputs come last.
    """

    epoch: int
    epochs: int
    part: float
    images_per_second: float
    seconds_left: float
