"""Limits on the size of images, checked before anything is decoded or planned."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.slides.slide import SlideError

LONGEST_SIDE = 2_000_000
"""Longest side, px. A slide 50 mm long has 1,000,000 at the 0.05 µm/px of a ×100 objective."""

LARGEST_AREA = 10**12
"""Largest area, px. A slide of 25×50 mm has 5·10¹¹ at 0.05 µm/px."""

DECODED_BYTES = 1_750_000_000
"""Peak memory for decoding a whole image: below 2 GB with the program itself, once in the window's process
and once in the engine's, about the limit of a computer with 8 GB."""

PIECE_BYTES = 64 * 2**20
"""Largest decoded tile, strip or chunk: larger ones delay every pan for seconds, and several are decoded at a
time."""

PIXELS_PER_BYTE = 20_000
"""Most pixels per stored byte in a file of over 10⁹ px: JPEG spends one on 64 empty px, and scanners leave
out unscanned areas, but not 99.9 % of a slide."""

_CHECKED_AREA = 10**9

LARGEST_PIXELS = 250_000_000
"""Largest image that is read whole. As RGB it takes 0.75 GB, twice that while decoding, once in the window's
process and once in the engine's: about the limit of a computer with 8 GB."""

SMALLEST_SIDE = 16
"""Shortest side of an image that can show a cell, px."""


def check_extent(path: Path, width: int, height: int, stored: int | None = None) -> None:
    """Raise an error for a size that no scanner makes, before tiles are listed or searched.

    Parameters
    ----------
    path : Path
    width, height : int
        Size of level 0, px.
    stored : int, optional
        Size of the file in bytes, for a single file.

    Raises
    ------
    SlideError
    """
    area = width * height
    if max(width, height) > LONGEST_SIDE or area > LARGEST_AREA:
        raise SlideError(
            f"{path}: states {width:.6g}×{height:.6g} px, more than any scanner makes: the file is damaged; "
            "copy or export it again"
        )
    if stored is not None and area > max(_CHECKED_AREA, stored * PIXELS_PER_BYTE):
        raise SlideError(
            f"{path}: states {width}×{height} px and has only {stored} bytes: the image is damaged or "
            "incomplete; copy or export it again"
        )


def check_decoded(path: Path, width: int, height: int, bytes_per_pixel: float) -> None:
    """Raise an error for an image that takes too much memory to read whole.

    Parameters
    ----------
    path : Path
    width, height : int
        px.
    bytes_per_pixel : float
        Peak of decoding, including the RGB result.

    Raises
    ------
    SlideError
    """
    needed = width * height * bytes_per_pixel
    if needed > DECODED_BYTES:
        raise SlideError(
            f"{path}: {width}×{height} px is too large to read whole ({needed / 1e9:.3g} GB, limit "
            f"{DECODED_BYTES / 1e9:.3g}); export it as a tiled TIFF, or a smaller region"
        )


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
    check_not_tiny(path, width, height)


def check_not_tiny(path: Path, width: int, height: int) -> None:
    """Raise an error for an image that is too small to show a cell.

    Raises
    ------
    SlideError
    """
    if min(width, height) < SMALLEST_SIDE:
        raise SlideError(
            f"{path}: {width}×{height} px is too small to show a cell (at least {SMALLEST_SIDE} px a side); "
            "choose another image"
        )
