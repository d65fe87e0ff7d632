"""Saved scales of cameras and microscopes (no Qt)."""

from __future__ import annotations

from contextlib import suppress

from pydantic import ValidationError

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.slides.scale.microscopes import Microscope
from napari_bonemarrow.slides.slide import is_plausible

_CAMERAS, _MICROSCOPES = "cameras", "microscopes"
_MOST_CAMERAS = 50


def last_scale(camera: str) -> float | None:
    """Return the last confirmed µm per pixel of a camera's images; see `camera_of`."""
    known = settings.kept(_CAMERAS)
    value = known.get(camera) if isinstance(known, dict) else None
    return float(value) if isinstance(value, int | float) and is_plausible(value) else None


def remember_scale(camera: str, microns_per_pixel: float) -> None:
    """Save the scale of a camera's images; the oldest of many cameras are dropped."""
    known = settings.kept(_CAMERAS)
    others = {key: value for key, value in known.items() if key != camera} if isinstance(known, dict) else {}
    settings.keep(_CAMERAS, dict(list({**others, camera: microns_per_pixel}.items())[-_MOST_CAMERAS:]))


def microscopes() -> tuple[Microscope, ...]:
    """Return the user's named microscopes and cameras, without unreadable entries."""
    known = settings.kept(_MICROSCOPES)
    found = []
    for each in known if isinstance(known, list) else ():
        with suppress(ValidationError):
            found.append(Microscope.model_validate(each))
    return tuple(found)


def keep_microscope(microscope: Microscope) -> None:
    """Save a microscope under its name, instead of one of the same name."""
    others = [each for each in microscopes() if each.name != microscope.name]
    settings.keep(_MICROSCOPES, [each.model_dump() for each in (*others, microscope)])


def forget_microscope(name: str) -> None:
    """Delete a microscope."""
    settings.keep(_MICROSCOPES, [each.model_dump() for each in microscopes() if each.name != name])
