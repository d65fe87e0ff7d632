"""Messages between the program and the engine's child process."""

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
    """A failure of the engine's child process."""


@dataclass(frozen=True, slots=True)
class SlideSource:
    """A slide that the child opens itself, so that no image is sent.

    Attributes
    ----------
    path : Path
        The field or whole slide.
    microns_per_pixel : float
        µm per level-0 pixel that the reviewer has confirmed.
    fingerprint : str
        Fingerprint of the opened slide. The child rejects another one; empty accepts any.
    fields : tuple of Field
        Fields of a folder, with the program's layout.
    """

    path: Path
    microns_per_pixel: float
    fingerprint: str = ""
    fields: tuple[Field, ...] = ()

    @classmethod
    def of(cls, slide: Slide) -> SlideSource:
        """Return the source of an opened slide, with its fingerprint.

        Raises
        ------
        ScaleError
            If the slide's scale is unknown.
        """
        return cls(slide.path, slide.known_scale(), slide.fingerprint, slide.fields)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Status of the engine with a loaded bundle.

    Attributes
    ----------
    device : str
        The actual device, such as ``cuda:0`` or ``cpu``.
    model : ModelReference
    classes : tuple of str
        The bundle's codes in column order.
    support : mapping of str to Support
    input_size : int
        Side of a crop, pixels.
    microns_per_pixel : float
        Scale of a crop, µm per pixel.
    seconds_per_crop : float
        Measured on loading; it sets the size of chunks until cells of a slide have been timed.
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
    """Feature vectors of some cells, the input of the network's last layer.

    Attributes
    ----------
    cell_id : ndarray of int64, shape (n,)
    values : ndarray of float16, shape (n, f)
    model : ModelReference
    """

    cell_id: NDArray[np.int64]
    values: NDArray[np.float16]
    model: ModelReference
