"""Texts for the window's notices: one line, no tags, time left in words (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.cytology import (
    lines,
)
from napari_bonemarrow.cytology.durations import time_left


def doing_text(text: str, seconds_left: float | None) -> str:
    """Say what is done and how long it will take."""
    return text if seconds_left is None else f"{text} · {time_left(seconds_left)}"


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return lines.one_line(str(error))


def toast(text: str) -> str:
    """Return a text for napari's notifications, whose labels would take tags for HTML: no tag is left."""
    return text.replace("<", "‹").replace(">", "›")
