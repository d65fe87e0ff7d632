"""The result of every reader."""

from __future__ import annotations

from dataclasses import dataclass, field

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
