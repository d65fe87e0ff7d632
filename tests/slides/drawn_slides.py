"""Slides composed of drawn smears, with places that must be chosen and places that must not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.drawing import draw_smear

MPP = 0.25
TILE = 640
"""160 µm."""

GLASS = (238, 234, 240)
MIXED = {"LYT": 8, "NGS": 12, "EBO": 10, "MYB": 6, "MMZ": 5, "BLA": 3}


@cache
def drawn(kind: str, seed: int = 0) -> NDArray[np.uint8]:
    """One tile of 160 µm of a kind of place."""
    if kind == "glass":
        noise = np.random.default_rng(seed).normal(0, 1.5, (TILE, TILE, 3))
        return np.clip(np.array(GLASS) + noise, 0, 255).astype(np.uint8)
    if kind == "pen":
        noise = np.random.default_rng(seed).normal(0, 2, (TILE, TILE, 3))
        return np.clip(np.array((30, 40, 110)) + noise, 0, 255).astype(np.uint8)
    if kind == "blurred":
        sharp = drawn("good", seed).astype(np.float32)
        return np.clip(ndi.gaussian_filter(sharp, (4, 4, 0)), 0, 255).astype(np.uint8)  # σ 1 µm
    if kind == "thick":  # three layers of cells
        light = np.ones((TILE, TILE, 3))
        for layer in range(3):
            light *= np.rot90(drawn("good", seed), layer) / np.array(GLASS)
        return np.clip(light * GLASS, 0, 255).astype(np.uint8)
    cells = {"good": MIXED, "blood": {}, "smudged": {"KSC": 24, "LYT": 2}}[kind]
    return draw(seed, cells, 0.013)


def draw(seed: int, cells: dict[str, int], red: float) -> NDArray[np.uint8]:
    return draw_smear(
        seed, width=TILE, height=TILE, microns_per_pixel=MPP, cells_per_class=cells, red_cells_per_um2=red
    ).image


@dataclass(frozen=True)
class Composed:
    """A drawn slide and which kind each of its tiles is."""

    image: NDArray[np.uint8]
    kinds: NDArray[np.str_]

    def share(self, region: Region, kind: str) -> float:
        """Part of a region's area that is of a kind."""
        rows = np.arange(int(region.y), int(region.y + region.height)) // TILE
        columns = np.arange(int(region.x), int(region.x + region.width)) // TILE
        return float((self.kinds[np.ix_(rows, columns)] == kind).mean())


NAMES = {"g": "good", "r": "blood", "b": "blurred", "t": "thick", "p": "pen", "s": "smudged", ".": "glass"}


LAYOUT = (
    "..........",
    ".ggggrrrr.",
    ".ggggrrrr.",
    ".ggggrrrr.",
    ".ttttbbbb.",
    ".ttttbbbb.",
    ".sssggggg.",
    ".sssggggp.",
    ".sssggggp.",
    "..........",
)
"""2.6 mm², of which 0.6 mm² are good."""


def compose(*rows: str) -> Composed:
    """Lay out a slide, a letter of `NAMES` a tile; tiles of a kind are turned, so that neighbours differ."""
    kinds = np.array([[NAMES[letter] for letter in row] for row in rows])
    image = np.empty((TILE * kinds.shape[0], TILE * kinds.shape[1], 3), np.uint8)
    for (row, column), kind in np.ndenumerate(kinds):
        number = row * kinds.shape[1] + column
        tile = np.rot90(drawn(str(kind)), number)
        tile = tile[:, ::-1] if number % 8 > 3 else tile
        image[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = tile
    return Composed(image, kinds)


def write_slide(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write a tiled TIFF that states its scale."""
    import tifffile

    per_cm = 1e4 / MPP
    tifffile.imwrite(
        path,
        image,
        photometric="rgb",
        tile=(256, 256),
        compression="deflate",
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )
    return path
