"""Images with known geometry, drawn in the colours of a May-Grünwald-Giemsa stain."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

BACKGROUND = (214, 208, 220)
NUCLEUS = (92, 40, 130)
CYTOPLASM = (190, 170, 205)
BLUE_CYTOPLASM = (110, 120, 190)
RED_CELL = (205, 165, 165)
PALLOR = (212, 190, 195)
PLATELET = (150, 110, 170)
INK = (20, 20, 22)


def blank(width_um: float = 60, height_um: float = 50, microns_per_pixel: float = 0.1) -> np.ndarray:
    """An empty field, float (h, w, 3)."""
    shape = round(height_um / microns_per_pixel), round(width_um / microns_per_pixel), 3
    return np.full(shape, BACKGROUND, float)


def disc(
    image: np.ndarray,
    x_um: float,
    y_um: float,
    diameter_um: float,
    colour: tuple[int, int, int],
    microns_per_pixel: float = 0.1,
    stretch: float = 1.0,
) -> None:
    """Draw an anti-aliased disc, or an ellipse `stretch` times as wide, centred on level-0 pixels."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    radius = diameter_um / 2 / microns_per_pixel
    distance = np.hypot((x - x_um / microns_per_pixel) / stretch, y - y_um / microns_per_pixel)
    weight = np.clip(radius - distance + 0.5, 0, 1)[..., None]
    image += weight * (np.array(colour, float) - image)


def red_cell(image: np.ndarray, x_um: float, y_um: float, microns_per_pixel: float = 0.1) -> None:
    """Draw a red cell of 7.35 µm with its pallor."""
    disc(image, x_um, y_um, 7.35, RED_CELL, microns_per_pixel)
    disc(image, x_um, y_um, 2.4, PALLOR, microns_per_pixel)


def cell(
    image: np.ndarray,
    x_um: float,
    y_um: float,
    nucleus_um: float = 8.0,
    cell_um: float = 13.0,
    cytoplasm: tuple[int, int, int] = CYTOPLASM,
    microns_per_pixel: float = 0.1,
) -> None:
    """Draw a mononuclear cell."""
    disc(image, x_um, y_um, cell_um, cytoplasm, microns_per_pixel)
    disc(image, x_um, y_um, nucleus_um, NUCLEUS, microns_per_pixel)


def finished(image: np.ndarray, microns_per_pixel: float = 0.1, blur_um: float = 0.12) -> np.ndarray:
    """Blur as an objective does, add a camera's noise, and round."""
    blurred = ndi.gaussian_filter(image, (blur_um / microns_per_pixel, blur_um / microns_per_pixel, 0))
    noisy = blurred + np.random.default_rng(7).normal(0, 2, image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
