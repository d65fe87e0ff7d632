"""Pace of a long task, and the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

MEMORY_SECONDS = 20.0
"""Averaging time of the rate, s: long enough that one dense tile does not make the time left jump, short
enough to follow a slide that becomes denser."""


class Pace:
    """An exponentially moving rate.

    Parameters
    ----------
    total : float
        Total work, in a unit of about constant time, such as mm².
    clock : callable, optional
        Returns seconds.
    """

    def __init__(self, total: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0.0
        self.rate = 0.0
        self._clock = clock
        self._start = self._last = clock()
        self._since = 0.0

    def advance(self, amount: float) -> None:
        """Add completed work."""
        self.done += amount
        self._since += amount
        now = self._clock()
        passed = now - self._last
        if passed <= 0:
            return
        # Until the averaging time has passed it is the plain mean, which one early tile does not dominate.
        known = min(self._last - self._start, MEMORY_SECONDS)
        weight = max(passed / (known + passed), 1 - math.exp(-passed / MEMORY_SECONDS))
        self.rate += weight * (self._since / passed - self.rate)
        self._last, self._since = now, 0.0

    @property
    def part(self) -> float:
        """Return the completed part, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Return the seconds left at this rate, None before there is one."""
        if self.done >= self.total:
            return 0.0
        if self.rate <= 0:
            return None
        # Time without progress counts too.
        waited = self._clock() - self._last
        return max(0.0, (self.total - self.done) / self.rate - waited)
