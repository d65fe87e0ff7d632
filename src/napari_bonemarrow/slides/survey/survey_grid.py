"""Grid of the quality map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides.slide import Slide
from napari_bonemarrow.slides.survey.patch_measures import PATCH_UM

CELL_UM = 100.0
"""Approximate side of a grid cell: a field under an oil objective."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid over a slide, its cells about 100 µm per side.

    Attributes
    ----------
    width, height : int
        The slide at level 0, px.
    rows, columns : int
    microns_per_pixel : float
    """

    width: int
    height: int
    rows: int
    columns: int
    microns_per_pixel: float

    @classmethod
    def over(cls, slide: Slide) -> Grid:
        """Return the grid of a slide.

        Raises
        ------
        ScaleError
            If the slide has no scale.
        """
        scale = slide.known_scale()
        rows, columns = (max(1, round(side * scale / CELL_UM)) for side in (slide.height, slide.width))
        return cls(slide.width, slide.height, rows, columns, scale)

    @property
    def cell_width(self) -> float:
        """Return the width of a grid cell, level-0 px."""
        return self.width / self.columns

    @property
    def cell_height(self) -> float:
        """Return the height of a grid cell, level-0 px."""
        return self.height / self.rows

    def boxes(self, which: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the patches in the middle of some grid cells: left, top, right, bottom, level-0 px.

        Parameters
        ----------
        which : ndarray of int64, shape (n,)
            Cells counted row by row.

        Returns
        -------
        ndarray of int64, shape (n, 4)
        """
        row, column = np.divmod(which, self.columns)
        half = PATCH_UM / 2 / self.microns_per_pixel
        x, y = (column + 0.5) * self.cell_width, (row + 0.5) * self.cell_height
        box = np.stack([x - half, y - half, x + half, y + half], axis=1)
        bounds = (self.width, self.height, self.width, self.height)
        return np.asarray(np.clip(np.rint(box), 0, bounds), np.int64)

    def region(self, row: int, column: int, rows: int, columns: int) -> Region:
        """Return a rectangle of grid cells, level-0 px."""
        left, right = (round(at * self.cell_width) for at in (column, column + columns))
        top, bottom = (round(at * self.cell_height) for at in (row, row + rows))
        return Region(left, top, right - left, bottom - top)
