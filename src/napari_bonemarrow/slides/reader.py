"""Reader of any image of a smear as a slide, with one-line errors."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.file_scale import to_scale
from napari_bonemarrow.slides.formats import folders
from napari_bonemarrow.slides.formats.fingerprints import fingerprint
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.raster_files import Picture
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.extra_levels import with_coarser
from napari_bonemarrow.slides.slide import Scale, ScaleSource, Slide, SlideError

SCANNER_SUFFIXES: tuple[str, ...] = (
    ".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".svslide", ".vms", ".vmu", ".czi", ".dcm"
)  # fmt: skip
"""Suffixes of whole slides, in lower case; Philips and Trestle write ``.tiff`` and ``.tif``."""

FOLDER_SUFFIXES: tuple[str, ...] = (".zarr",)
"""Suffixes of folders that are one image, in lower case."""

SUFFIXES: tuple[str, ...] = (*folders.IMAGE_SUFFIXES, *SCANNER_SUFFIXES, *FOLDER_SUFFIXES)
"""Suffixes for file dialogs, in lower case; `open_slide` itself goes by content."""

LARGEST_PIXELS = 250_000_000
"""Largest image that is read whole. As RGB it takes 0.75 GB, twice that while decoding, once in the window's
process and once in the engine's: about the limit of a computer with 8 GB."""

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

SMALLEST_SIDE = 16
"""Shortest side of an image that can show a cell, px."""


def open_slide(path: str | os.PathLike[str], *, microns_per_pixel: float | None = None) -> Slide:
    """Open a field, a whole slide or a folder of fields.

    Whole slides (Aperio, Hamamatsu, MIRAX, Leica, Ventana, Philips, Trestle, Zeiss, DICOM, pyramidal and OME
    TIFF, OME-Zarr) are read a tile at a time; PNG, JPEG, TIFF, BMP and WebP of any colour mode and up to
    16 bits at once. The content decides the format, not the name. A folder is an OME-Zarr, a DICOM series,
    or fields side by side. The last level is at most 4096 px long: coarser levels are added where the file
    has none. EXIF rotation is applied to images that are read at once, and transparency becomes white.
    Labels, macro images and free text (descriptions, authors) never get into the slide.

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
        If `microns_per_pixel` is not a number from 0.01 to 5.
    """
    given = None
    if microns_per_pixel is not None:
        given = Scale(float(microns_per_pixel), ScaleSource.USER, basis="given")
    path = Path(path)
    try:
        opened = _open(path)
        digest = fingerprint(path)
    except SlideError:
        raise
    except PermissionError as error:
        raise SlideError(f"{path}: no permission to read it; ask its owner for read access") from error
    except MemoryError as error:
        raise SlideError(f"{path}: not enough memory to open it; close other programs or crop it") from error
    except OSError as error:
        if error.errno is None:  # Pillow's errors on damaged data
            raise _damaged(path, error) from error
        raise SlideError(f"{path}: cannot be read ({error.strerror}); check the disk or network") from error
    # A decoder raises any error on damaged bytes: it is the file's.
    except Exception as error:
        raise _damaged(path, error) from error
    height, width = opened.levels[0].shape[:2]
    _check_not_tiny(path, width, height)
    return Slide(
        path,
        with_coarser(path.name, opened.levels),
        given or to_scale(opened.scale),
        digest,
        opened.vendor,
        MappingProxyType(opened.properties),
        opened.fields,
        opened.warnings,
    )


def _damaged(path: Path, error: Exception) -> SlideError:
    return SlideError(
        f"{path}: the image is damaged or incomplete ({reason(error)}); copy or export it again"
    )


def _open(path: Path) -> Opened:
    if path.is_dir():
        return _open_folder(path)
    if not path.exists():
        raise SlideError(f"{path}: there is no such file; check the path")
    if path.stat().st_size == 0:
        raise SlideError(f"{path}: the file is empty; copy or export it again")
    return _open_file(path)


def _open_folder(path: Path) -> Opened:
    kind = folders.kind_of(path)
    if kind is folders.Kind.ZARR:
        from napari_bonemarrow.slides.formats.zarr import ome_zarr

        return ome_zarr.read(path)
    if kind is folders.Kind.DICOM:
        from napari_bonemarrow.slides.formats.openslide import openslide_image

        return openslide_image.read(folders.dicom_series(path)[0][1])
    from napari_bonemarrow.slides.formats import field_folder

    return field_folder.read(path)


def _open_file(path: Path) -> Opened:
    from napari_bonemarrow.slides.formats import raster_files, vms
    from napari_bonemarrow.slides.formats.openslide import openslide_image

    with path.open("rb") as file:
        head = file.read(132)
    if head[:4] in _TIFF_MAGIC:
        return _open_tiff(path)
    if path.suffix.lower() == ".mrxs":  # the file itself is a small JPEG
        if path.suffix != ".mrxs":
            raise SlideError(f"{path}: OpenSlide knows MIRAX by .mrxs in small letters; rename it")
        if not path.with_suffix("").is_dir():
            raise SlideError(f"{path}: its folder {path.stem} is missing; copy it beside the file")
        return openslide_image.read(path)
    image = raster_files.open_lazily(path, head)
    if image is not None:
        with image:
            check_size(path, *image.size)
            return _whole(raster_files.read(image, path, head))
    if vms.is_vms(path):
        vms.check(path)
        return openslide_image.read(path)
    told = head[128:] == b"DICM" or head.startswith(b"ZISRAWFILE")
    if told or openslide_image.vendor_of(path) is not None:
        return openslide_image.read(path)
    raise SlideError(
        f"{path}: cannot be read: it is not an image of a known kind, whatever its name says; "
        f"export it as {', '.join(folders.IMAGE_SUFFIXES)}"
    )


def _open_tiff(path: Path) -> Opened:
    """Return a scanner's TIFF read by OpenSlide; others, and those that it fails on, by tifffile.

    In a truncated slide often only coarser levels are lost.
    """
    from napari_bonemarrow.slides.formats.openslide import openslide_image

    failed: SlideError | None = None
    if openslide_image.vendor_of(path) not in (None, openslide_image.GENERIC):
        try:
            return openslide_image.read(path)
        except SlideError as error:
            failed = error
    try:
        opened = _read_tiff(path)
    except Exception as error:
        if failed is not None:
            raise failed from error
        raise
    if isinstance(failed, openslide_image.DamagedError):
        return replace(opened, warnings=opened.warnings or (f"{failed}; what can be read of it is shown",))
    return opened


def _read_tiff(path: Path) -> Opened:
    import tifffile

    from napari_bonemarrow.slides.formats.openslide import openslide_image
    from napari_bonemarrow.slides.formats.tiff import tiff_image, tiff_pyramid, tiff_truncation

    with tifffile.TiffFile(path) as file:
        scanner = tiff_image.put_together_by(file)
        if scanner is not None:  # OpenSlide does not know the format, or is not installed
            why = (
                "is damaged or incomplete; copy it again"
                if openslide_image.is_installed()
                else openslide_image.NEEDED
            )
            raise SlideError(f"{path}: is a {scanner} slide, which {why}")
        cut = not file.is_ndpi and tiff_truncation.is_cut(path)
        series = tiff_image.choose(file)
        width, height = tiff_image.size(series)
        _check_not_tiny(path, width, height)
        levels = tiff_pyramid.pages_of(series)
        if tiff_pyramid.is_pyramid(levels) or not tiff_image.fits_memory(series.keyframe):
            opened = tiff_pyramid.read(file, levels, path)
        else:
            opened = _whole(tiff_image.read(file, series, path))
        if cut:
            line = f"{path}: the file is cut: some of its images or levels are missing; copy it again"
            return replace(opened, warnings=(line,))
        return opened


def decode(path: Path) -> NDArray[np.uint8]:
    """Return one image that is not a whole slide; uint8 of shape (h, w, 3).

    Raises
    ------
    Exception
        Any error of the decoder.
    """
    return np.asarray(_open_file(path).levels[0])


def _whole(picture: Picture) -> Opened:
    rgb = np.ascontiguousarray(picture.rgb)
    rgb.flags.writeable = False
    return Opened((rgb,), picture.scale, "plain", picture.properties)


def check_size(path: Path, width: int, height: int) -> None:
    """Raise an error for an image that cannot be read whole.

    Raises
    ------
    SlideError
        If it is too large or too small.
    """
    if width * height > LARGEST_PIXELS:
        raise SlideError(
            f"{path}: {width}×{height} px is too large to read whole (limit {LARGEST_PIXELS // 10**6} "
            "million pixels); export it as a tiled TIFF, or a smaller region"
        )
    _check_not_tiny(path, width, height)


def _check_not_tiny(path: Path, width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE:
        raise SlideError(
            f"{path}: {width}×{height} px is too small to show a cell (at least {SMALLEST_SIDE} px a side); "
            "choose another image"
        )
