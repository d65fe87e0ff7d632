"""Cases of smears that are laid out as a grid of drawn crops, reviewed as a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, open_slide

from .drawn_crops import SIZE, draw_blob

MICRONS = 0.3
COLUMNS = 10


def write_case(
    folder: Path,
    name: str,
    codes: Sequence[str],
    *,
    first: int = 0,
    labels: Mapping[int, str] | None = None,
    reviewer: str = "Anna Ash",
) -> Path:
    """Draw a smear with a crop of each class in a grid, and review it.

    ``labels`` gives a cell number (from 1) its class; by default each cell gets what was drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tiles = [draw_blob(code, first + at)[0] for at, code in enumerate(codes)]
    rows = -(-len(tiles) // COLUMNS)
    pixels = np.full((rows * SIZE, COLUMNS * SIZE, 3), 228, np.uint8)
    for at, tile in enumerate(tiles):
        row, column = divmod(at, COLUMNS)
        pixels[row * SIZE : (row + 1) * SIZE, column * SIZE : (column + 1) * SIZE] = tile
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    slide = open_slide(path).with_scale(Scale(MICRONS, ScaleSource.USER, basis="given"))
    index = np.arange(len(tiles))
    cells = Cells(
        index + 1,
        (index % COLUMNS) * SIZE + (SIZE - 1) / 2,
        (index // COLUMNS) * SIZE + (SIZE - 1) / 2,
        np.full(len(tiles), 9.0, np.float32),
        np.full(len(tiles), 0.9, np.float32),
        np.ones(len(tiles), bool),
    )
    said = dict(enumerate(codes, 1)) if labels is None else labels
    with Case.create(folder / f"{name}.bmcase", slide, reviewer=reviewer) as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height, 0.0))
        case.detection.record(cells)
        for code in dict.fromkeys(said.values()):
            case.set_label([cell for cell, each in said.items() if each == code], code)
    return folder / f"{name}.bmcase"
