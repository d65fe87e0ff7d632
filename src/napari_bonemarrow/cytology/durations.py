"""Times in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return a time in one or two units: ``40 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def time_left(seconds: float) -> str:
    """Return how long something still takes, as a person would say it: ``about 12 min left``."""
    return "less than a minute left" if seconds < 60 else f"about {duration(seconds)} left"
