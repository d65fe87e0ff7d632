"""Know a camera's images again, so that the scale that was last used with it can be offered."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_bonemarrow.slides.slide import Slide

_MAKE, _MODEL = 271, 272  # the same numbers in EXIF and in TIFF


def camera_of(slide: Slide) -> str:
    """Return a key that images of one camera share: its make, its model and how large its images are.

    Only a hash of these is returned, so that nothing that a file says can be read from the settings.

    Parameters
    ----------
    slide : Slide
        Of a folder of fields, the first one counts.

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
    """Read who made a camera and what it is called; empty where the file does not say it."""
    from napari_bonemarrow.slides.formats import raster_files

    try:
        with path.open("rb") as file:
            head = file.read(132)
        image = raster_files.open_lazily(path, head)
        if image is None:
            return _of_tiff(path)
        with image:
            exif = image.getexif()
            return str(exif.get(_MAKE, "")).strip(), str(exif.get(_MODEL, "")).strip()
    except Exception:  # a decoder meets damaged tags with anything: the camera is then one that is not named
        return "", ""


def _of_tiff(path: Path) -> tuple[str, str]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        make, model = (str(tags.valueof(tag, default="")).strip() for tag in (_MAKE, _MODEL))
        return make, model
