"""What is hidden in written slides: words of a patient, and a label whose colour no smear has."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

MARK = "PLANTED"
"""Every planted word begins with it, so that one search finds any of them."""

NAME, BARCODE, ACCESSION, BIRTH = (f"{MARK}-{word}" for word in ("NAME", "BARCODE-4711", "ACC-4711", "BORN"))

LABEL_COLOUR = (255, 0, 255)


@dataclass(frozen=True)
class Written:
    """A written slide and what must be seen on opening it.

    Attributes
    ----------
    path : Path
        The file to open.
    levels : tuple of ndarray of uint8, shape (h, w, 3)
        The file's own levels, white where nothing was scanned.
    offset : tuple of int
        Where the drawing's upper left corner lies, px at level 0.
    """

    path: Path
    levels: tuple[np.ndarray, ...]
    offset: tuple[int, int] = (0, 0)


def label(height: int = 120, width: int = 160) -> np.ndarray:
    """A label, or a macro image that shows one."""
    return np.full((height, width, 3), LABEL_COLOUR, np.uint8)


def jpeg(rgb: np.ndarray, **options: object) -> bytes:
    """Encode without subsampling of colours."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=95, subsampling=0, **options)
    return file.getvalue()


def words() -> tuple[bytes, ...]:
    """The bytes that betray a planted word: as text in any of two encodings, and as base64."""
    wide = MARK.encode("utf-16-le")
    coded = (base64.b64encode(text.encode())[:8] for text in (NAME, BARCODE, ACCESSION, BIRTH))
    return (MARK.encode(), wide, *coded)


def betrays(data: bytes) -> bool:
    """Tell whether bytes hold a planted word."""
    return any(word in data for word in words())


def has_label(rgb: np.ndarray) -> bool:
    """Tell whether any pixel is near the label's colour."""
    red, green, blue = (rgb[..., channel].astype(int) for channel in range(3))
    return bool(((red > 180) & (blue > 180) & (green < 80)).any())


def padded(rgb: np.ndarray, height: int, width: int, top: int = 0, left: int = 0) -> np.ndarray:
    """Lay an image on white."""
    canvas = np.full((height, width, 3), 255, np.uint8)
    canvas[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return canvas


def with_overlaps(rgb: np.ndarray, tile: int, step: int) -> np.ndarray:
    """Lay out the tiles of a camera that moves by `step`: what two of them show is there twice."""
    rows = [rgb[top : top + tile] for top in _starts(rgb.shape[0], tile, step)]
    tall = np.concatenate(rows)
    return np.concatenate([tall[:, left : left + tile] for left in _starts(rgb.shape[1], tile, step)], axis=1)


def _starts(length: int, tile: int, step: int) -> range:
    return range(0, max(1, length - tile + step), step)


def whole_tiles(rgb: np.ndarray, tile: int, overlap: int) -> np.ndarray:
    """Cut off what is left over where tiles overlap, so that all are whole."""
    step = tile - overlap
    height, width = ((side - overlap) // step * step + overlap for side in rgb.shape[:2])
    return rgb[:height, :width]


def halves(rgb: np.ndarray) -> np.ndarray:
    """The means of two by two pixels."""
    height, width = rgb.shape[:2]
    return rgb.reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3)).round().astype(np.uint8)
