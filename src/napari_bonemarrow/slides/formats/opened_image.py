"""What a reader returns of any format."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_bonemarrow.cytology import Field
from napari_bonemarrow.slides.file_scale import FileScale
from napari_bonemarrow.slides.slide import Level


@dataclass(frozen=True)
class Opened:
    """A file's own levels with its own scale and technical facts.

    Attributes
    ----------
    levels : tuple of Level
        Finest first, as far as the file has them.
    scale : FileScale or None
    vendor : str
    properties : dict of str to str
    fields : tuple of Field
        Of a folder of fields.
    warnings : tuple of str
        One line for each part that was left out.
    """

    levels: tuple[Level, ...]
    scale: FileScale | None
    vendor: str
    properties: dict[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    warnings: tuple[str, ...] = ()
