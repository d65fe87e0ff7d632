"""Texts of the window's notices: one line, no tags, remaining time in words (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.cytology import lines
from napari_bonemarrow.cytology.durations import time_left


def doing_text(text: str, seconds_left: float | None) -> str:
    """Return a text with the current work and its remaining time."""
    return text if seconds_left is None else f"{text} · {time_left(seconds_left)}"


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return lines.one_line(str(error))


def toast(text: str) -> str:
    """Return a text without tags for napari's notifications, whose labels would treat them as HTML."""
    return text.replace("<", "‹").replace(">", "›")
