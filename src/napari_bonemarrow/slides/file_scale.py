"""The physical scale in a file's metadata, where it is plausible for a microscope."""

from __future__ import annotations

from typing import NamedTuple

from napari_bonemarrow.slides.slide import Scale, ScaleSource, is_plausible

_SQUARE = 0.02
"""Largest relative difference of x and y: beyond it pixels are not square and the value is ignored."""

MICRONS = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "\\u00b5m": 1.0,
    "nm": 1e-3,
    "inch": 25_400.0,
}
"""µm in a unit, as OME-XML and ImageJ spell them, in lower case (ImageJ escapes its µ)."""


class FileScale(NamedTuple):
    """µm per pixel from a file's metadata, and the name of the field."""

    microns_per_pixel: float
    basis: str


def from_sizes(x: float, y: float, basis: str) -> FileScale | None:
    """Return the scale of µm per pixel along x and y; None where it is implausible or not square."""
    if not (is_plausible(x) and is_plausible(y)) or abs(x - y) > _SQUARE * max(x, y):
        return None
    return FileScale((x + y) / 2, basis)


def from_density(x: float, y: float, unit_microns: float, basis: str) -> FileScale | None:
    """Return the scale of a density of pixels per unit (in µm), None where it is implausible."""
    if not (x > 0 and y > 0):
        return None
    return from_sizes(unit_microns / float(x), unit_microns / float(y), basis)


def to_scale(stated: FileScale | None) -> Scale | None:
    """Return the scale with the file as its source."""
    return None if stated is None else Scale(stated.microns_per_pixel, ScaleSource.FILE, basis=stated.basis)
