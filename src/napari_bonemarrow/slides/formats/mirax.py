"""MIRAX: a file, and a folder of the same name that holds the slide."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.slides.formats.folders import files_below
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.slide import SlideError


def read(path: Path) -> Opened:
    """Return the slide of a file.

    Raises
    ------
    SlideError
        If its folder is missing or OpenSlide cannot read it.
    """
    if path.suffix != ".mrxs":
        raise SlideError(f"{path}: OpenSlide knows MIRAX by .mrxs in small letters; rename it")
    if not path.with_suffix("").is_dir():
        raise SlideError(f"{path}: its folder {path.stem} is missing; copy it next to the file")
    return openslide_image.read(path)


def parts(path: Path) -> list[tuple[str, Path]]:
    """Return the names and files of a slide."""
    return [("", path), *files_below(path.with_suffix(""))]
