"""The result of every reader."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Field
from napari_bonemarrow.slides.file_scale import FileScale
from napari_bonemarrow.slides.slide import Level


@dataclass(frozen=True)
class Opened:
    """The levels of a file, with its scale and technical facts.

    Attributes
    ----------
    levels : tuple of Level
        The file's levels, finest first.
    scale : FileScale or None
    vendor : str
    properties : dict of str to str
    fields : tuple of Field
        The fields of a folder.
    warnings : tuple of str
        One line for each part left out.
    """

    levels: tuple[Level, ...]
    scale: FileScale | None
    vendor: str
    properties: dict[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """The pixels of an image that is read whole, with its scale and technical facts."""

    rgb: NDArray[np.uint8]
    scale: FileScale | None
    properties: dict[str, str] = field(default_factory=dict)

    def opened(self) -> Opened:
        """Return it as a slide of one level, whose pixels cannot be written."""
        rgb = np.ascontiguousarray(self.rgb)
        rgb.flags.writeable = False
        return Opened((rgb,), self.scale, "plain", self.properties)
