"""How much a file may ask for: sides, bytes to decode, told before anything is decoded or planned."""

from __future__ import annotations

from pathlib import Path

from napari_bonemarrow.slides.slide import SlideError

LONGEST_SIDE = 2_000_000
"""px. A slide 50 mm long has 1,000,000 at the 0.05 µm/px of a ×100 objective."""

LARGEST_AREA = 10**12
"""px. All of a slide of 25×50 mm has 5·10¹¹ at 0.05 µm/px."""

DECODED_BYTES = 1_750_000_000
"""Most that decoding an image which is read whole may hold at its peak: below 2 GB with the program itself,
in the window's process and again in the engine's, which is about what a computer with 8 GB can give."""

PIECE_BYTES = 64 * 2**20
"""Most that one tile, strip or chunk may have once it is decoded: larger ones make every pan wait for
seconds, and several are decoded at a time."""

PIXELS_PER_BYTE = 20_000
"""A file of over 10⁹ px holds at least one byte for so many of them: JPEG spends one on 64 px of nothing, and
scanners leave out what they did not scan, but not 99.9 % of it."""

_CHECKED_AREA = 10**9


def check_extent(path: Path, width: int, height: int, stored: int | None = None) -> None:
    """Refuse a slide that no scanner makes, before tiles are listed or searched.

    Parameters
    ----------
    path : Path
    width, height : int
        Of level 0, px.
    stored : int, optional
        Bytes of the file, where it is one file.

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
    """Refuse an image that takes too much memory to read whole.

    Parameters
    ----------
    path : Path
    width, height : int
        px.
    bytes_per_pixel : float
        That decoding holds at its peak, the RGB result included.

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
