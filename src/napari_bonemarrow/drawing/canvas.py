"""Canvas of a field: red cells, platelets and nucleated cells are drawn on it, each in its own window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.drawing.cell import Anatomy, Painted, paint
from napari_bonemarrow.drawing.erythrocytes import RedCell, paint_platelet, paint_red_cell
from napari_bonemarrow.drawing.geometry import Grid, coverage
from napari_bonemarrow.drawing.optics import film_tint, plasma_film
from napari_bonemarrow.drawing.placement import Placed
from napari_bonemarrow.drawing.stain import Float, Ink, Stain


@dataclass(frozen=True, eq=False)
class Truth:
    """Ground truth of one drawn cell, in pixels of the image."""

    x: float
    y: float
    outline: NDArray[np.float64]
    nuclear_area_um2: float
    cell_area_um2: float
    at_border: bool


class Canvas:
    """Optical density of a field and the ground truth of what is drawn on it.

    Parameters
    ----------
    width, height : int
        Pixels.
    step : float
        µm per pixel.
    stain : Stain
    """

    def __init__(self, width: int, height: int, step: float, stain: Stain) -> None:
        self.width, self.height, self.step = width, height, step
        self.stain = stain
        self.inks = stain.densities()
        self.density: Float = np.zeros((height, width, 3), np.float32)
        self.nuclei: NDArray[np.int32] = np.zeros((height, width), np.int32)
        self.truths: list[Truth] = []
        self._haemoglobin: Float = np.zeros((height, width), np.float32)
        self._bodies: Float = np.zeros((height, width), np.float32)

    def _window(self, at: tuple[float, float], reach: float) -> tuple[int, int, int]:
        """Return left, top and side of the square window around a middle (µm) with a reach (µm)."""
        half = int(np.ceil(reach / self.step)) + 2
        return round(at[0] / self.step) - half, round(at[1] / self.step) - half, 2 * half + 1

    def _clip(self, left: int, top: int, side: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Return the part of a window inside the image: slices of the image, slices of the window."""
        x0, x1 = max(0, left), min(self.width, left + side)
        y0, y1 = max(0, top), min(self.height, top + side)
        if x0 >= x1 or y0 >= y1:
            return None
        inner = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        return (slice(y0, y1), slice(x0, x1)), inner

    def add_red_cells(self, reds: Sequence[RedCell], cells: Sequence[Anatomy], placed: Placed) -> None:
        """Draw red cells that do not lie mostly under a nucleated cell."""
        xs, ys = np.array(placed.x), np.array(placed.y)
        radii = np.array([c.outline.reach for c in cells])
        for red in reds:
            if len(xs) and np.any(np.hypot(xs - red.at[0], ys - red.at[1]) < radii * 0.8):
                continue
            left, top, side = self._window(red.at, red.outline.reach + 0.5)
            where = self._clip(left, top, side)
            if where is None:
                continue
            ink, body = paint_red_cell(red, Grid.window(left, top, side, side, red.at, self.step))
            picture, inner = where
            self._haemoglobin[picture] += ink[inner]
            self._bodies[picture] = np.maximum(self._bodies[picture], body[inner])
            if red.azure:
                self.density[picture] += (red.azure * body[inner])[..., None] * self.inks[Ink.AZURE]

    def add_platelets(
        self,
        platelets: Sequence[tuple[float, float, float]],
        cells: Sequence[Anatomy],
        placed: Placed,
        seed: int,
    ) -> None:
        """Draw platelets between nucleated cells."""
        xs, ys = np.array(placed.x), np.array(placed.y)
        radii = np.array([c.outline.reach for c in cells])
        for k, (x, y, radius) in enumerate(platelets):
            if len(xs) and np.any(np.hypot(xs - x, ys - y) < radii + 0.6 * radius):
                continue
            left, top, side = self._window((x, y), radius * 1.9)
            where = self._clip(left, top, side)
            if where is None:
                continue
            grid = Grid.window(left, top, side, side, (x, y), self.step)
            picture, inner = where
            ink = paint_platelet(radius, grid, np.random.default_rng((seed, 6, k)))
            self.density[picture] += self._developed(ink)[inner]

    def add_cell(self, cell: Anatomy, at: tuple[float, float], number: int) -> None:
        """Draw a nucleated cell and record its ground truth."""
        left, top, side = self._window(at, cell.reach + 2.5 * cell.defocus_um + 0.3)
        grid = Grid.window(left, top, side, side, at, self.step)
        painted = paint(cell, grid)
        self.truths.append(self._truth(painted, left, top))
        where = self._clip(left, top, side)
        if where is None:
            return
        picture, inner = where
        density: Float = self._developed(painted.ink) * _uptake(cell)
        if cell.defocus_um > 0.05:
            density = _defocused(density, cell.defocus_um / self.step)
        self.density[picture] += density[inner]
        # A red cell under a nucleated one is displaced; some still show through.
        pressed = coverage(painted.cell + np.float32(0.3), 0.6)[inner] * np.float32(
            0.5 if number % 7 == 0 else 0.93
        )
        self._haemoglobin[picture] *= 1 - pressed
        self.nuclei[picture][painted.nucleus[inner] < 0] = number

    def _developed(self, ink: Float) -> Float:
        """Return the optical density of inks, shape (h, w, 3)."""
        count, height, width = ink.shape
        made: Float = (ink.reshape(count, -1).T @ self.inks).reshape(height, width, 3)
        return made

    def add_film(self, rng: np.random.Generator) -> None:
        """Add the red cells' haemoglobin and the plasma film, which red cells displace."""
        for channel in range(3):
            self.density[..., channel] += self.inks[Ink.HAEMOGLOBIN, channel] * self._haemoglobin
        # The film is smooth: every second pixel is drawn and repeated.
        grid = Grid.window(0, 0, -(-self.width // 2), -(-self.height // 2), (0.0, 0.0), 2 * self.step)
        sheet = plasma_film(grid.x, grid.y, rng)
        sheet = np.repeat(np.repeat(sheet, 2, axis=0), 2, axis=1)[: self.height, : self.width]
        sheet *= 1 - 0.6 * self._bodies
        tint = film_tint(self.stain)
        for channel in range(3):
            self.density[..., channel] += tint[channel] * sheet

    def _truth(self, painted: Painted, left: int, top: int) -> Truth:
        inside = painted.nucleus < 0
        rows, columns = np.nonzero(inside)
        weight = 1.0 if len(rows) else 0.0
        x = float(columns.mean()) + left if weight else left + inside.shape[1] / 2
        y = float(rows.mean()) + top if weight else top + inside.shape[0] / 2
        outline = _polygon(painted.cell) + np.array([left, top])
        low, high = outline.min(0), outline.max(0)
        crosses = bool(low.min() < 0 or high[0] > self.width - 1 or high[1] > self.height - 1)
        pixel = self.step**2
        return Truth(
            x,
            y,
            outline,
            float(np.count_nonzero(inside)) * pixel,
            float(np.count_nonzero(painted.cell < 0)) * pixel,
            crosses,
        )


def _polygon(distance: Float) -> NDArray[np.float64]:
    """Return the longest closed zero contour of a signed distance, x and y in window pixels."""
    from skimage.measure import find_contours

    stride = max(1, distance.shape[0] // 90)
    lines: list[NDArray[np.float64]] = find_contours(  # type: ignore[no-untyped-call]
        distance[::stride, ::stride], 0.0
    )
    if not lines:
        return np.zeros((1, 2))
    longest: NDArray[np.float64] = max(lines, key=len)[:, ::-1] * stride
    return longest


def _uptake(cell: Anatomy) -> Float:
    """Return the stain uptake of a cell relative to its neighbours, shape (3,)."""
    rng = np.random.default_rng((*cell.seed, 3))
    taken: Float = np.exp(rng.normal(0, 0.05) + rng.normal(0, (0.05, 0.015, 0.06))).astype(np.float32)
    return taken


def _defocused(density: Float, sigma: float) -> Float:
    from scipy import ndimage

    made: Float = ndimage.gaussian_filter(density, (sigma, sigma, 0), truncate=2.5)
    return made
