"""Slide: pixels, physical scale and fingerprint of a smear."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_bonemarrow.cytology import BoneMarrowError, Field, Region, ScaleError, images_at

FINEST_MICRONS_PER_PIXEL = 0.01
COARSEST_MICRONS_PER_PIXEL = 5.0
"""Bounds of a plausible scale. A ×100 objective with a small camera pixel gives about 0.02 µm/px and
a ×4 overview about 2.5; the 72, 96 and 300 dpi that image programs write are 353, 265 and 85 µm/px."""

_SAME_MAGNIFICATION = 1.01
"""Levels are whole numbers of pixels, so a level at half the size may be slightly more than half."""


class SlideError(BoneMarrowError):
    """An image that cannot be opened, one line: which file, why, what to do."""


class ScaleSource(StrEnum):
    """The source of the µm per pixel."""

    FILE = "file"
    USER = "user"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class Scale:
    """The physical size of a level-0 pixel.

    Attributes
    ----------
    microns_per_pixel : float
        µm per level-0 pixel, the same along x and y.
    source : ScaleSource
    low, high : float or None
        95 % interval of an estimate, µm per pixel.
    basis : str
        Its basis, for people: the metadata's name, or the measured cells.

    Raises
    ------
    ScaleError
        If the value is not a number between 0.01 and 5.
    """

    microns_per_pixel: float
    source: ScaleSource
    low: float | None = None
    high: float | None = None
    basis: str = ""

    def __post_init__(self) -> None:
        if not is_plausible(self.microns_per_pixel):
            raise ScaleError(
                f"a scale of {self.microns_per_pixel:g} µm per pixel is not possible: "
                f"give a number from {FINEST_MICRONS_PER_PIXEL:g} to {COARSEST_MICRONS_PER_PIXEL:g} "
                "(fields under oil immersion have 0.03 to 0.25)"
            )


def is_plausible(microns_per_pixel: float) -> bool:
    """Return whether a microscope could have this scale (NaN is not plausible)."""
    return bool(FINEST_MICRONS_PER_PIXEL <= microns_per_pixel <= COARSEST_MICRONS_PER_PIXEL)


@runtime_checkable
class Level(Protocol):
    """RGB pixels of one magnification: an array in memory, or one that reads its tiles on demand.

    Indexing with slices returns an ndarray of uint8; it may raise a `SlideError` that names file and tile.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Return height, width and 3."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return uint8."""
        ...

    @property
    def ndim(self) -> int:
        """Return 3."""
        ...

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part."""


@dataclass(frozen=True, eq=False)
class Slide:
    """An opened field or slide.

    Attributes
    ----------
    path : Path
        The file; the current folder for a slide made in memory.
    levels : tuple of Level, each of shape (h, w, 3)
        RGB, level 0 first, read-only; whole slides read their tiles lazily.
    scale : Scale or None
        None while unknown.
    fingerprint : str
        64 hexadecimal digits that identify the file after it was moved.
    vendor : str
        ``"plain"`` for an ordinary image file, ``"array"`` for one made in memory.
    properties : mapping of str to str
        Technical facts (format, colour mode, bit depth). Free text of the file is never copied,
        since descriptions and authors can contain a patient's name.
    fields : tuple of Field
        The images of a folder of fields, side by side with a gap; empty for one image. Each has its own
        border, background and margin, and nothing lies between them.
    warnings : tuple of str
        One line for each part left out, such as an unreadable file in a folder of fields.
    """

    path: Path
    levels: tuple[Level, ...]
    scale: Scale | None
    fingerprint: str
    vendor: str = "plain"
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    fields: tuple[Field, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def microns_per_pixel(self) -> float | None:
        """Return µm per level-0 pixel, or None."""
        return None if self.scale is None else self.scale.microns_per_pixel

    @property
    def width(self) -> int:
        """Return the width at level 0, px."""
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        """Return the height at level 0, px."""
        return int(self.levels[0].shape[0])

    @property
    def downsamples(self) -> tuple[float, ...]:
        """Return the level-0 pixels per pixel of each level."""
        return tuple(self.width / int(level.shape[1]) for level in self.levels)

    @property
    def images(self) -> tuple[Region, ...]:
        """Return the images with a photographed border: the whole slide, or each field."""
        if self.fields:
            return tuple(each.region for each in self.fields)
        return (Region(0, 0, self.width, self.height),)

    def images_at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.intp]:
        """Return the number in `images` of each point's image: the one it lies in, else the nearest.

        Nothing around a point is read beyond its image: in a folder of fields that is another photograph.

        Parameters
        ----------
        x, y : array-like of float, shape (n,)
            Level-0 pixels.

        Returns
        -------
        ndarray of intp, shape (n,)
            Numbers from 0.
        """
        images = self.images
        found = images_at(images, x, y)
        for at in np.flatnonzero(found < 0):
            place = float(np.atleast_1d(x)[at]), float(np.atleast_1d(y)[at])
            found[at] = np.argmin([_distance(image, *place) for image in images])
        return found

    def level_for(self, microns_per_pixel: float) -> int:
        """Return the coarsest level that is fine enough, else level 0.

        Raises
        ------
        ScaleError
            If the scale is unknown.
        """
        asked = microns_per_pixel / self.known_scale() * _SAME_MAGNIFICATION
        return max((i for i, each in enumerate(self.downsamples) if each <= asked), default=0)

    def with_scale(self, scale: Scale | None) -> Slide:
        """Return the slide with another scale."""
        return replace(self, scale=scale)

    def known_scale(self) -> float:
        """Return µm per level-0 pixel.

        Raises
        ------
        ScaleError
            If the scale is unknown.
        """
        if self.scale is None:
            name = self.path.name or "this image"
            raise ScaleError(
                f"{name} does not say its scale: give the µm per pixel, or have it estimated from red cells"
            )
        return self.scale.microns_per_pixel


def _distance(image: Region, x: float, y: float) -> float:
    """Return the distance of a point from an image, px."""
    across = max(image.x - x, x - (image.x + image.width - 1), 0.0)
    down = max(image.y - y, y - (image.y + image.height - 1), 0.0)
    return math.hypot(across, down)


def slide_from_array(
    rgb: NDArray[np.uint8], microns_per_pixel: float | None, path: Path | None = None
) -> Slide:
    """Return a slide of an image in memory.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
    microns_per_pixel : float or None
    path : Path, optional
        Its file, if any.

    Returns
    -------
    Slide

    Raises
    ------
    SlideError
        If the array is not an RGB image of 8 bits.
    ScaleError
        If the scale is absurd.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
        raise SlideError(
            f"an array of shape {rgb.shape} and type {rgb.dtype} is not an 8-bit RGB image (height, width, 3)"
        )
    pixels = np.ascontiguousarray(rgb).view()
    pixels.flags.writeable = False
    scale = None if microns_per_pixel is None else Scale(microns_per_pixel, ScaleSource.USER, basis="given")
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.data)
    return Slide(path or Path(), (pixels,), scale, digest.hexdigest(), vendor="array")
