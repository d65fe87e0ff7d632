"""Texts for the window's notices: one line, no tags, time left in words (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.cytology import (
    lines,
)


def doing_text(text: str, seconds_left: float | None) -> str:
    """Say what is done and how long it will take."""
    if seconds_left is None:
        return text
    if seconds_left < 60:
        left = "less than a minute left"
    elif seconds_left < 3600:
        left = f"about {round(seconds_left / 60)} min left"
    else:
        left = f"about {seconds_left / 3600:.1f} h left"
    return f"{text} · {left}"


def one_line(error: BaseException) -> str:
    """Return an error's text on one line."""
    return lines.one_line(str(error))


def toast(text: str) -> str:
    """Return a text for napari's notifications, whose labels would take tags for HTML: no tag is left."""
    return text.replace("<", "‹").replace(">", "›")
