"""PNG, JPEG, BMP and WebP files, read by Pillow, and 16-bit PNG, read by imagecodecs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from napari_bonemarrow.slides.file_scale import FileScale, from_density
from napari_bonemarrow.slides.formats.colour_modes import bands, to_rgb, to_uint8, upright
from napari_bonemarrow.slides.formats.limits import check_decoded, check_size
from napari_bonemarrow.slides.formats.opened_image import Opened, Picture
from napari_bonemarrow.slides.formats.registry import format_of, head_of

_ORIENTATION = 274
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


_PLUGINS: Mapping[str, Callable[[str], Image.Image]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}
"""By the name of the format. `PIL.Image.open` knows forty more formats, and refuses or warns about large
images before their size is known."""


def open_lazily(path: Path) -> Image.Image | None:
    """Return an image, not decoded; None for another kind of file.

    Raises
    ------
    Exception
        As `read`.
    """
    plugin = _PLUGINS.get(format_of(path).name)
    return None if plugin is None else plugin(str(path))


def read(path: Path) -> Opened:
    """Return an image as a slide of one level.

    Raises
    ------
    SlideError
        If it is too large or too small.
    Exception
        Any error of the decoder on damaged data.
    """
    with _PLUGINS[format_of(path).name](str(path)) as image:
        check_size(path, *image.size)
        return _decoded(image, path).opened()


def _decoded(image: Image.Image, path: Path) -> Picture:
    deep = image.format == "PNG" and head_of(path)[24] == 16
    check_decoded(path, *image.size, _peak(image, deep))
    orientation = int(image.getexif().get(_ORIENTATION, 1))  # in a PNG it may follow the pixels: decode it
    check_decoded(path, *image.size, _peak(image, deep) + (0 if orientation == 1 else 3))
    # Byte 24 of a PNG is its bit depth; Pillow drops the low byte of 16-bit colour.
    if deep:
        rgb, bits = _read_deep_png(path), 16
    else:
        image.load()
        rgb, bits = _from_pillow(image), 8
    properties = {
        "format": str(image.format),
        "mode": image.mode,
        "bits": str(bits),
        "orientation": str(orientation),
    }
    return Picture(upright(rgb, orientation), scale_of(image), properties)


def _read_deep_png(path: Path) -> NDArray[np.uint8]:
    import imagecodecs

    samples: NDArray[Any] = imagecodecs.png_decode(path.read_bytes())
    return to_rgb(to_uint8(samples))


def _from_pillow(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        return to_rgb(to_uint8(np.asarray(image)))
    clear = image.mode in _WITH_ALPHA or "transparency" in image.info
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    for band in bands(height, rgb.nbytes):
        part = image.crop((0, band.start, width, band.stop))
        rgb[band] = to_rgb(np.asarray(part.convert("RGBA" if clear else "RGB")))
    return rgb


def _peak(image: Image.Image, deep: bool) -> float:
    """Return the peak bytes per pixel of decoding, including 3 of the RGB result.

    Pillow keeps 4 bytes for each pixel of any colour mode. WebP's decoder has two canvases and returns a
    third; JPEG's keeps the coefficients of a progressive image, 16 bits each.
    """
    if deep:
        samples = {"I": 1, "I;16": 1, "LA": 2, "RGB": 3}.get(image.mode, 4)
        return 3 * samples + 3 + 6  # the file and Pillow's image are also in memory
    stored = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    if image.mode.startswith("I") or image.mode == "F":
        return 3 * stored + 4
    if image.format == "WEBP":
        return 19
    progressive = 2 * len(image.getbands()) if image.info.get("progressive") else 0
    return stored + progressive + 3


def scale_of(image: Image.Image) -> FileScale | None:
    """Return the plausible scale in a PNG's or JPEG's header."""
    if image.format == "PNG" and "dpi" in image.info:  # only where the unit of pHYs is the metre
        across, down = image.info["dpi"]
        return from_density(across, down, 25_400.0, "PNG pixels per metre")
    if image.format == "JPEG" and image.info.get("jfif_unit") in (1, 2):
        unit = 25_400.0 if image.info["jfif_unit"] == 1 else 10_000.0
        across, down = image.info["jfif_density"]
        return from_density(across, down, unit, "JPEG density")
    return None
