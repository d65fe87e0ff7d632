"""A TIFF of any kind: a scanner's read by OpenSlide, others as a pyramid or as one image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tifffile

from napari_bonemarrow.slides.formats.limits import check_not_tiny
from napari_bonemarrow.slides.formats.opened_image import Opened
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.formats.tiff import tiff_image, tiff_pyramid, tiff_truncation
from napari_bonemarrow.slides.slide import SlideError


def read(path: Path) -> Opened:
    """Return a scanner's TIFF read by OpenSlide; others, and those that it fails on, by tifffile.

    In a truncated slide often only coarser levels are lost.
    """
    failed: SlideError | None = None
    if openslide_image.vendor_of(path) not in (None, openslide_image.GENERIC):
        try:
            return openslide_image.read(path)
        except SlideError as error:
            failed = error
    try:
        opened = _read(path)
    except Exception as error:
        if failed is not None:
            raise failed from error
        raise
    if isinstance(failed, openslide_image.DamagedError):
        return replace(opened, warnings=opened.warnings or (f"{failed}; what can be read of it is shown",))
    return opened


def _read(path: Path) -> Opened:
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
        check_not_tiny(path, width, height)
        levels = tiff_pyramid.pages_of(series)
        if tiff_pyramid.is_pyramid(levels) or not tiff_image.fits_memory(series.keyframe):
            opened = tiff_pyramid.read(file, levels, path)
        else:
            opened = tiff_image.read(file, series, path).opened()
        if cut:
            line = f"{path}: the file is cut: some of its images or levels are missing; copy it again"
            return replace(opened, warnings=(line,))
        return opened
