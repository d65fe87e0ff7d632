"""A drawn field of marrow with exact ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, Cells, Frame
from napari_bonemarrow.drawing.canvas import Canvas
from napari_bonemarrow.drawing.cell import Anatomy, conceive
from napari_bonemarrow.drawing.erythrocytes import scatter_platelets, scatter_red_cells
from napari_bonemarrow.drawing.optics import photograph
from napari_bonemarrow.drawing.placement import DrawingError, place
from napari_bonemarrow.drawing.stain import Stain

SAMPLE_COUNTS: Mapping[str, int] = MappingProxyType(
    {
        "NGS": 16,
        "EBO": 17,
        "LYT": 12,
        "NGB": 9,
        "MMZ": 8,
        "MYB": 8,
        "PMO": 5,
        "BLA": 5,
        "MON": 5,
        "EOS": 5,
        "PLM": 5,
        "PEB": 3,
        "BAS": 3,
        "HAC": 3,
        "LYI": 3,
        "KSC": 3,
        "NIF": 3,
        "ART": 3,
        "ABE": 2,
        "FGC": 2,
        "OTH": 2,
    }
)
"""Cells of each class on the sample smear: as in a reactive marrow, with two or three of each rare class."""


@dataclass(frozen=True, eq=False)
class DrawnSmear:
    """A drawn field and its ground truth.

    Attributes
    ----------
    image : ndarray of uint8, shape (h, w, 3)
    microns_per_pixel : float
    cells : Cells
        ``x, y`` is the centroid of the whole nucleus, all lobes together; score 1.
    codes : tuple of str
        Class of each cell.
    outlines : tuple of ndarray of float64, shape (m, 2)
        Closed polygon of each cell's border, x and y in level-0 pixels; may cross the image's border.
    nuclei : ndarray of int32, shape (h, w)
        0, or the ``cell_id`` whose nucleus covers the pixel.
    lobes : ndarray of int64, shape (n,)
        Number of segments of each nucleus.
    cell_diameter_um : ndarray of float64, shape (n,)
        Diameter of the circle with the whole cell's area.
    nuclear_fraction : ndarray of float64, shape (n,)
        Nuclear area divided by the cell's area.
    at_border : ndarray of bool, shape (n,)
        Whether the image's border cuts the cell.
    debris : ndarray of bool, shape (n,)
        Artefacts without a nucleus: precipitated stain.
    touching : tuple of (int, int)
        Pairs of ``cell_id`` whose borders meet.
    """

    image: NDArray[np.uint8]
    microns_per_pixel: float
    cells: Cells
    codes: tuple[str, ...]
    outlines: tuple[NDArray[np.float64], ...]
    nuclei: NDArray[np.int32]
    lobes: NDArray[np.int64]
    cell_diameter_um: NDArray[np.float64]
    nuclear_fraction: NDArray[np.float64]
    at_border: NDArray[np.bool_]
    debris: NDArray[np.bool_]
    touching: tuple[tuple[int, int], ...]


def draw_smear(
    seed: int = 0,
    *,
    width: int = 2560,
    height: int = 1920,
    microns_per_pixel: float = 0.08,
    cells_per_class: Mapping[str, int] | None = None,
    stain: Stain | None = None,
    red_cells_per_um2: float = 0.013,
    platelets_per_um2: float = 0.0018,
    noise: float = 2.4,
) -> DrawnSmear:
    """Draw a field of bone-marrow smear.

    The geometry is in micrometres: the same seed and area at another scale give the same cells in the
    same places.

    Parameters
    ----------
    seed : int
    width, height : int
        Pixels.
    microns_per_pixel : float
        0.02 to 0.5.
    cells_per_class : mapping of str to int, optional
        Cells of each of the 21 codes; by default `SAMPLE_COUNTS` in proportion to the area.
    stain : Stain, optional
    red_cells_per_um2, platelets_per_um2 : float
    noise : float
        Sensor noise, see `optics.photograph`.

    Returns
    -------
    DrawnSmear

    Raises
    ------
    DrawingError
        If a code is unknown, a size or scale absurd, or the cells do not fit.
    """
    if not (0.02 <= microns_per_pixel <= 0.5 and min(width, height) >= 16 and width * height <= 2**28):
        raise DrawingError(
            f"drawn smear: {width} × {height} px at {microns_per_pixel:g} µm/px cannot be drawn; "
            "ask for 0.02 to 0.5 µm/px and at least 16 px a side"
        )
    stain = stain or Stain()
    width_um, height_um = width * microns_per_pixel, height * microns_per_pixel
    counts = _counts(cells_per_class, width_um * height_um)
    codes = [code for code in sorted(counts) for _ in range(counts[code])]
    cells = [conceive(code, (seed, 1, k)) for k, code in enumerate(codes)]
    placed = place(cells, width_um, height_um, np.random.default_rng((seed, 2)))
    rng = np.random.default_rng((seed, 3))
    canvas = Canvas(width, height, microns_per_pixel, stain)
    reds = scatter_red_cells(width_um, height_um, red_cells_per_um2, rng)
    canvas.add_red_cells(reds, cells, placed)
    canvas.add_platelets(scatter_platelets(width_um, height_um, platelets_per_um2, rng), cells, placed, seed)
    for k, cell in enumerate(cells):
        canvas.add_cell(cell, (placed.x[k], placed.y[k]), k + 1)
    canvas.add_film(np.random.default_rng((seed, 4)))
    image = photograph(
        canvas.density, stain, microns_per_pixel, np.random.default_rng((seed, 5)), noise=noise
    )
    return _with_truth(image, microns_per_pixel, canvas, cells, codes, placed.touching)


def _counts(asked: Mapping[str, int] | None, area_um2: float) -> dict[str, int]:
    if asked is None:
        part = area_um2 / (2560 * 1920 * 0.08**2)
        return {code: round(n * part) for code, n in SAMPLE_COUNTS.items()}
    unknown = sorted(set(asked) - set(BMC21))
    if unknown:
        raise DrawingError(f"drawn smear: no class {', '.join(unknown)}; use the codes {', '.join(BMC21)}")
    return dict(asked)


def _with_truth(
    image: NDArray[np.uint8],
    microns_per_pixel: float,
    canvas: Canvas,
    cells: list[Anatomy],
    codes: list[str],
    touching: list[tuple[int, int]],
) -> DrawnSmear:
    height, width = image.shape[:2]
    truths = canvas.truths
    x = np.array([t.x for t in truths], np.float64)
    y = np.array([t.y for t in truths], np.float64)
    nuclear_area = np.array([t.nuclear_area_um2 for t in truths], np.float64)
    cell_area = np.array([t.cell_area_um2 for t in truths], np.float64)
    frame = Frame.whole_field(width, height)
    found = Cells(
        cell_id=np.arange(1, len(cells) + 1, dtype=np.int64),
        x=x,
        y=y,
        diameter_um=(2 * np.sqrt(nuclear_area / np.pi)).astype(np.float32),
        score=np.ones(len(cells), np.float32),
        in_frame=frame.contains(x, y, microns_per_pixel),
    )
    return DrawnSmear(
        image=image,
        microns_per_pixel=microns_per_pixel,
        cells=found,
        codes=tuple(codes),
        outlines=tuple(t.outline for t in truths),
        nuclei=canvas.nuclei,
        lobes=np.array([c.nucleus.lobes for c in cells], np.int64),
        cell_diameter_um=2 * np.sqrt(cell_area / np.pi),
        nuclear_fraction=nuclear_area / np.maximum(cell_area, 1e-9),
        at_border=np.array([t.at_border for t in truths], bool),
        debris=np.array([c.debris for c in cells], bool),
        touching=tuple((a + 1, b + 1) for a, b in touching),
    )
