"""Open one image file as a slide, or say in one line why not."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

import numpy as np

from napari_bonemarrow.slides.plain import Picture
from napari_bonemarrow.slides.scales import to_scale
from napari_bonemarrow.slides.slide import Scale, ScaleSource, Slide, SlideError, fingerprint

SUFFIXES: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""Suffixes that `open_slide` reads, in lower case."""

LARGEST_PIXELS = 250_000_000
"""Largest image that is read whole. As RGB it takes 0.75 GB and twice that while it is decoded, in the
window's process and again in the engine's: about what a computer with 8 GB can give."""

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

SMALLEST_SIDE = 16
"""Shortest side of an image that can show a cell, px."""


def open_slide(path: str | os.PathLike[str], *, microns_per_pixel: float | None = None) -> Slide:
    """Open a field: PNG, JPEG, TIFF, BMP or WebP of any colour mode and up to 16 bits.

    EXIF rotation is applied, transparency is laid on white, and of a TIFF with more than one image the
    largest colour one is taken. Free text of the file (descriptions, authors) is never read into the slide.

    Parameters
    ----------
    path : str or path-like
    microns_per_pixel : float, optional
        µm per pixel, instead of what the file states.

    Returns
    -------
    Slide
        `Slide.scale` is None where neither the file nor the caller gives a plausible one.

    Raises
    ------
    SlideError
        One line: which file, why, what to do.
    ScaleError
        Where `microns_per_pixel` is no number from 0.01 to 5.
    """
    given = None
    if microns_per_pixel is not None:
        given = Scale(float(microns_per_pixel), ScaleSource.USER, basis="given")
    path = Path(path)
    try:
        _check_file(path)
        picture = _decode(path)
        digest = fingerprint(path)
    except SlideError:
        raise
    except PermissionError as error:
        raise SlideError(f"{path}: no permission to read it; ask its owner for read access") from error
    except MemoryError as error:
        raise SlideError(f"{path}: not enough memory to open it; close other programs or crop it") from error
    except OSError as error:
        if error.errno is None:  # how Pillow reports damaged data
            raise _damaged(path, error) from error
        raise SlideError(f"{path}: cannot be read ({error.strerror}); check the disk or network") from error
    # A decoder meets damaged bytes with whatever its parsing ran into: any error is then the file's.
    except Exception as error:
        raise _damaged(path, error) from error
    rgb = np.ascontiguousarray(picture.rgb)
    rgb.flags.writeable = False
    scale = given or to_scale(picture.scale)
    return Slide(path, (rgb,), scale, digest, "plain", MappingProxyType(picture.properties))


def _damaged(path: Path, error: Exception) -> SlideError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return SlideError(f"{path}: the image is damaged or incomplete ({reason}); copy or export it again")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise SlideError(f"{path}: is a folder; choose one image file in it")
    if not path.exists():
        raise SlideError(f"{path}: there is no such file; check the path")
    if path.suffix.lower() not in SUFFIXES:
        raise SlideError(f"{path}: '{path.suffix}' files cannot be read; export it as {', '.join(SUFFIXES)}")
    if path.stat().st_size == 0:
        raise SlideError(f"{path}: the file is empty; copy or export it again")


def _decode(path: Path) -> Picture:
    from napari_bonemarrow.slides import plain

    with path.open("rb") as file:
        head = file.read(32)
    if head[:4] in _TIFF_MAGIC:
        return _decode_tiff(path)
    image = plain.open_lazily(path, head)
    if image is None:
        raise SlideError(f"{path}: is not an image of a known kind, whatever its name says; export it again")
    with image:
        _check_size(path, *image.size)
        return plain.read(image, path, head)


def _decode_tiff(path: Path) -> Picture:
    import tifffile

    from napari_bonemarrow.slides import tiff

    with tifffile.TiffFile(path) as file:
        series = tiff.choose(file)
        _check_size(path, *tiff.size(series))
        return tiff.read(file, series, path)


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > LARGEST_PIXELS:
        raise SlideError(
            f"{path}: {width}×{height} px is too large to read whole (limit {LARGEST_PIXELS // 10**6} "
            "million pixels); export a smaller region"
        )
    if min(width, height) < SMALLEST_SIDE:
        raise SlideError(
            f"{path}: {width}×{height} px is too small to show a cell (at least {SMALLEST_SIDE} px a side); "
            "choose another image"
        )
