"""What travels between the program and the engine's child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError, Field, ModelReference, Support

if TYPE_CHECKING:
    from napari_bonemarrow.slides import Slide


class EngineError(BoneMarrowError):
    """The engine's child process could not do what it was asked."""


@dataclass(frozen=True, slots=True)
class SlideSource:
    """Where the child finds the pixels: it opens the slide itself, so that no image is sent.

    Attributes
    ----------
    path : Path
        The field or whole slide.
    microns_per_pixel : float
        µm per level-0 pixel that the reviewer has confirmed.
    fingerprint : str
        Of the slide as the program opened it. The child refuses another one; empty for whatever lies there.
    fields : tuple of Field
        Where the program has laid a folder's photographs.
    """

    path: Path
    microns_per_pixel: float
    fingerprint: str = ""
    fields: tuple[Field, ...] = ()

    @classmethod
    def of(cls, slide: Slide) -> SlideSource:
        """Tell where the child finds an opened slide, and that it shall be the same one.

        Raises
        ------
        ScaleError
            If the slide's scale is unknown.
        """
        return cls(slide.path, slide.known_scale(), slide.fingerprint, slide.fields)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What serves once a bundle is loaded.

    Attributes
    ----------
    device : str
        The device that really serves, such as ``cuda:0`` or ``cpu``.
    model : ModelReference
    classes : tuple of str
        The bundle's codes in column order.
    support : mapping of str to Support
    input_size : int
        Side of a crop, pixels.
    microns_per_pixel : float
        Scale of a crop, µm per pixel.
    seconds_per_crop : float
        Measured once on loading; chunks are sized by it until cells of a slide have been measured.
    """

    device: str
    model: ModelReference
    classes: tuple[str, ...]
    support: Mapping[str, Support]
    input_size: int
    microns_per_pixel: float
    seconds_per_crop: float = 0.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a bundle's network sees of some cells, as it comes from the last layer's input.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
    values : ndarray of float16, shape (n, f)
    model : ModelReference
    """

    cell_id: NDArray[np.int64]
    values: NDArray[np.float16]
    model: ModelReference
