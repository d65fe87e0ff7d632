"""How far a fit is, and how fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a fit is, and how fast.

    Attributes
    ----------
    epoch, epochs : int
        Whole epochs done, and all.
    part : float
        Of the present epoch that is done, 0 to 1.
    images_per_second : float
        In the present epoch, of all processes together.
    seconds_left : float
        If each epoch takes as long as its pixels: large inputs come last.
    """

    epoch: int
    epochs: int
    part: float
    images_per_second: float
    seconds_left: float
