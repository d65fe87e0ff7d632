"""Reader of any image of a smear as a slide, with one-line errors."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

from napari_bonemarrow.slides.file_scale import to_scale
from napari_bonemarrow.slides.formats.fingerprints import fingerprint
from napari_bonemarrow.slides.formats.limits import check_not_tiny
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.registry import format_of
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.extra_levels import with_coarser
from napari_bonemarrow.slides.slide import Scale, ScaleSource, Slide, SlideError


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
    check_not_tiny(path, width, height)
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
    if not path.exists():
        raise SlideError(f"{path}: there is no such file; check the path")
    if not path.is_dir() and path.stat().st_size == 0:
        raise SlideError(f"{path}: the file is empty; copy or export it again")
    return format_of(path).read(path)
