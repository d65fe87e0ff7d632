"""Hamamatsu VMS and VMU: a text file that names the images of the slide."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.slides.formats.folders import visible_files
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.formats.registry import VMS_HEADING, head_of, is_vms
from napari_bonemarrow.slides.slide import SlideError

_SUFFIXES = (".vms", ".vmu")
_LONGEST = 64 * 2**10
"""Bytes of the text that are read, as in OpenSlide."""


def read(path: Path) -> Opened:
    """Return the slide of a text file.

    Raises
    ------
    SlideError
        As `check`, or if OpenSlide cannot read it.
    """
    check(path)
    return openslide_image.read(path)


def parts(path: Path) -> list[Path]:
    """Return the files that a VMS or VMU names: images, map and macro image.

    Raises
    ------
    OSError
        If the text cannot be read.
    """
    found = {_beside(path, value) for value in _values(path).values()}
    return sorted(file for file in found if file is not None)


def named_parts(path: Path) -> list[tuple[str, Path]]:
    """Return the names and files of a slide."""
    return [("", path), *((part.name, part) for part in parts(path))]


def parts_within(folder: Path) -> set[str]:
    """Return the names of files of a VMS or VMU slide, including its macro image with the label."""
    slides = [file for file in visible_files(folder) if file.suffix.lower() in _SUFFIXES]
    return {part.name for slide in slides if is_vms(head_of(slide)) for part in parts(slide)}


def check(path: Path) -> None:
    """Raise an error for a VMS or VMU on which OpenSlide would end the process.

    OpenSlide assumes that a VMU has colours of 12 bits, and that no image of a VMS exceeds the first.

    Raises
    ------
    SlideError
        If that is wrong.
    OSError
        If the text cannot be read.
    """
    told = _values(path)
    if (told.get("BitsPerPixel"), told.get("PixelOrder")) != ("36", "RGB") and not _is_jpeg(path):
        raise SlideError(
            f"{path}: is a VMU slide whose pixels are not RGB of 36 bits, which OpenSlide does not read; "
            "export it as a tiled TIFF"
        )
    sizes = {key: _size(_beside(path, value)) for key, value in told.items() if key.startswith("ImageFile")}
    width, height = next((sizes[key] for key in _FIRST if key in sizes), (0, 0))
    if width and any(size[0] > width or size[1] > height for size in sizes.values()):
        raise SlideError(f"{path}: the images of this VMS slide do not fit together; copy all of them again")


_FIRST = ("ImageFile", "ImageFile(0)", "ImageFile(0,0)", "ImageFile(0,0,0)")
"""Keys of the upper left image."""


def _values(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        lines = file.read(_LONGEST).decode("latin-1").splitlines()
    pairs = (line.partition("=") for line in lines)
    return {key.strip(): value.strip() for key, _sign, value in pairs}


def _is_jpeg(path: Path) -> bool:
    heading = VMS_HEADING.search(head_of(path)[:128])
    return heading is not None and heading[1] is None


def _beside(path: Path, name: str) -> Path | None:
    """Return a file of the same folder, never one elsewhere."""
    file = path.parent / name
    return file if name and name == Path(name).name and file != path and file.is_file() else None


def _size(image: Path | None) -> tuple[int, int]:
    """Return width and height of a JPEG, 0 where they are unknown."""
    from PIL import JpegImagePlugin

    if image is None:
        return 0, 0
    try:
        with JpegImagePlugin.JpegImageFile(str(image)) as opened:
            return opened.size
    # A decoder raises any error on damaged bytes; OpenSlide then reports what is wrong.
    except Exception:
        return 0, 0
