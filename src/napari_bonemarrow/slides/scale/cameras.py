"""Cameras, recognised from their images, so that the last scale can be offered again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_bonemarrow.slides.slide import Slide

_MAKE, _MODEL = 271, 272  # the same tag numbers in EXIF and TIFF


def camera_of(slide: Slide) -> str:
    """Return a key of the camera: a hash of make, model and image size.

    Only a hash is returned, so that the settings contain no text of a file.

    Parameters
    ----------
    slide : Slide
        In a folder of fields the first field is used.

    Returns
    -------
    str
        24 hexadecimal digits; empty for whole slides, whose scanners state the scale.
    """
    if slide.vendor not in ("plain", "fields"):
        return ""
    path, box = slide.path, slide.images[0]
    if slide.fields:
        path = path / slide.fields[0].name
    size = f"{box.width:.0f}x{box.height:.0f}"
    return hashlib.sha256("|".join((*_make_and_model(path), size)).encode()).hexdigest()[:24]


def _make_and_model(path: Path) -> tuple[str, str]:
    """Return make and model of the camera; empty where the file states none."""
    from napari_bonemarrow.slides.formats import raster_files

    try:
        image = raster_files.open_lazily(path)
        if image is None:
            return _of_tiff(path)
        with image:
            exif = image.getexif()
            return str(exif.get(_MAKE, "")).strip(), str(exif.get(_MODEL, "")).strip()
    except Exception:  # a decoder raises any error on damaged tags: the camera is then unknown
        return "", ""


def _of_tiff(path: Path) -> tuple[str, str]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        make, model = (str(tags.valueof(tag, default="")).strip() for tag in (_MAKE, _MODEL))
        return make, model
