"""Measures of small patches of a slide, from which the quality map is made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.detection.nucleus_segments import nuclear_stain
from napari_bonemarrow.slides.pixels.colour import optical_density, resized
from napari_bonemarrow.slides.pixels.working_grid import WORKING_MICRONS
from napari_bonemarrow.slides.slide import Slide, SlideError

PATCH_UM = 48.0
"""Side of a patch: six red cells, and in a cellular area about five to twenty nucleated cells."""

COVERED = 0.1
"""Green absorbance (natural log) above a patch's clearest from which a pixel belongs to a cell."""

NUCLEAR = 0.35
"""Smoothed nuclear stain (see `nuclear_stain`) of a nucleus; red cells and blue cytoplasm have less."""

_FINE_UM, _COARSE_UM = 0.35, 0.9
_LEAST_SLOPE = 0.06
_FEWEST_EDGES = 60
_LEAST_NUCLEUS_UM2 = 14.0
"""Least area of a nucleus, above a platelet of 4 µm."""
_USUAL_NUCLEUS_UM2 = 75.0
_RING_UM = (0.6, 1.6)
_RING = 0.08
_PALE = 0.55
_LONGEST = 3.0
_PEN_DARK = 0.5


@dataclass(frozen=True, slots=True)
class PatchMeasures:
    """Measures of n patches, arrays of float32 and shape (n,); NaN where unknown.

    Attributes
    ----------
    blur_um : ndarray
        Standard deviation of the blur at the steepest edges, µm.
    density : ndarray
        Nucleated cells per mm².
    covered : ndarray
        Part of the area covered by cells of any kind, 0 to 1.
    veil : ndarray
        Green absorbance of the clearest twentieth: a veil over the whole patch.
    dark : ndarray
        Mean green absorbance, natural log.
    nuclear : ndarray
        Part of the area covered by nuclear stain, 0 to 1.
    smudged : ndarray
        Part of the nuclear stain in bare, pale, spread or streaked nuclei, 0 to 1.
    stain : ndarray
        Green absorbance of the nuclei, natural log.
    red, blue : ndarray
        Their absorbance of red and of blue light over that of green: the hue.
    pen : ndarray
        Part of the area with an ink's colour and no structure, 0 to 1.
    """

    blur_um: NDArray[np.float32]
    density: NDArray[np.float32]
    covered: NDArray[np.float32]
    veil: NDArray[np.float32]
    dark: NDArray[np.float32]
    nuclear: NDArray[np.float32]
    smudged: NDArray[np.float32]
    stain: NDArray[np.float32]
    red: NDArray[np.float32]
    blue: NDArray[np.float32]
    pen: NDArray[np.float32]

    @classmethod
    def from_table(cls, table: NDArray[np.float32]) -> PatchMeasures:
        """Return the measures of a table of shape (n, 11), one column per measure in the order above."""
        return cls(*np.ascontiguousarray(np.asarray(table, np.float32).T))


MEASURES = tuple(field.name for field in fields(PatchMeasures))


def survey_tile(slide: Slide, boxes: NDArray[np.int64], background: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return measures of some patches of a slide.

    Parameters
    ----------
    slide : Slide
        With its scale.
    boxes : ndarray of int64, shape (n, 4)
        Left, top, right and bottom of each patch, level-0 pixels, half-open, inside the slide.
    background : ndarray of uint8, shape (3,)
        The slide's background colour.

    Returns
    -------
    ndarray of float32, shape (n, 11)
        One row per patch, in the order of `MEASURES`; an unreadable patch is all NaN.

    Raises
    ------
    ScaleError
        If the slide has no scale.
    """
    table = np.full((len(boxes), len(MEASURES)), np.nan, np.float32)
    for row, box in enumerate(boxes):
        try:
            patch = read_patch(slide, *(int(side) for side in box))
        except (SlideError, OSError):
            continue
        table[row] = measure_patch(patch, background)
    return table


def read_patch(slide: Slide, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """Return a box of level-0 pixels at 0.25 µm per pixel, from the coarsest level that is fine enough."""
    number = slide.level_for(WORKING_MICRONS)
    level, factor = slide.levels[number], slide.downsamples[number]
    y0, x0 = int(top / factor), int(left / factor)
    y1, x1 = max(y0 + 1, round(bottom / factor)), max(x0 + 1, round(right / factor))
    pixels: NDArray[np.uint8] = np.asarray(level[y0:y1, x0:x1])
    shrink = factor * slide.known_scale() / WORKING_MICRONS
    return resized(pixels, max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))


def measure_patch(rgb: NDArray[np.uint8], background: NDArray[np.uint8]) -> tuple[float, ...]:
    """Return the measures of one patch.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (h, w, 3)
        At 0.25 µm per pixel.
    background : ndarray of uint8, shape (3,)

    Returns
    -------
    tuple of float
        In the order of `MEASURES`.
    """
    from scipy import ndimage as ndi

    density = optical_density(rgb, background)
    green = density[..., 1]
    veil = float(np.percentile(green, 5))
    smooth = ndi.gaussian_filter(nuclear_stain(density), 0.35 / WORKING_MICRONS)
    covered = float((ndi.uniform_filter(green, 3) > max(veil, 0.0) + COVERED).mean())
    return (
        blur_of(green),
        *_nuclei(smooth, density, covered, max(veil, 0.0)),
    )


def blur_of(green: NDArray[np.float32]) -> float:
    """Return the blur at the steepest edges of a patch.

    An edge blurred by σ and smoothed by s has a slope of contrast / √(2π(σ² + s²)). The ratio of its
    slopes after two smoothings gives σ whatever the contrast, so stain, light and the number of cells do
    not matter (re-blurring after Zhuo & Sim, Pattern Recognition 44:1852, 2011).

    Parameters
    ----------
    green : ndarray of float32, shape (h, w)
        Absorbance at 0.25 µm per pixel.

    Returns
    -------
    float
        Standard deviation, µm; NaN without an edge.
    """
    from scipy import ndimage as ndi

    fine, coarse = (
        ndi.gaussian_gradient_magnitude(green, sigma / WORKING_MICRONS) / WORKING_MICRONS
        for sigma in (_FINE_UM, _COARSE_UM)
    )
    edges = coarse >= max(_LEAST_SLOPE, 0.6 * float(np.percentile(coarse, 98)))
    if edges.sum() < _FEWEST_EDGES:
        return float("nan")
    # The ratio is highest on the edge line and lower next to it: the upper part is the edge.
    ratio = float(np.percentile(fine[edges] / coarse[edges], 75))
    squared = ratio * ratio
    if squared <= 1.0 + 1e-3:
        return 10.0
    return float(min(np.sqrt(max(_COARSE_UM**2 - squared * _FINE_UM**2, 0.0) / (squared - 1.0)), 10.0))


def _nuclei(
    smooth: NDArray[np.float32], density: NDArray[np.float32], covered: float, veil: float
) -> tuple[float, ...]:
    """Return the measures of a patch's nuclei: all but the blur."""
    from scipy import ndimage as ndi

    labels, count = ndi.label(smooth > NUCLEAR)
    nan = float("nan")
    mm2 = smooth.size * WORKING_MICRONS**2 / 1e6
    pen = float(ink(density).mean())
    dark = float(density[..., 1].mean())
    nothing = (0.0, covered, veil, dark, 0.0, nan, nan, nan, nan, pen)
    if count == 0:
        return nothing
    shapes = _Shapes.of(labels, count, density)
    nuclei = shapes.area >= _LEAST_NUCLEUS_UM2
    if not nuclei.any():
        return nothing
    area = shapes.area[nuclei]
    cells = float(np.maximum(1, np.round(area / _USUAL_NUCLEUS_UM2)).sum())
    spoilt = shapes.spoilt(veil)[nuclei]
    green = float(np.average(shapes.green[nuclei], weights=area))
    return (
        cells / mm2,
        covered,
        veil,
        dark,
        float(area.sum() / (mm2 * 1e6)),
        float(area[spoilt].sum() / area.sum()),
        green,
        float(np.average(shapes.red[nuclei], weights=area)) / max(green, 0.05),
        float(np.average(shapes.blue[nuclei], weights=area)) / max(green, 0.05),
        pen,
    )


def ink(density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels of pen ink: dark, and not in a stain's order green over red over blue.

    Black ink absorbs all colours alike, blue and green ink absorb red most, red ink absorbs blue as
    much as green and hardly any red.

    Parameters
    ----------
    density : ndarray of float32, shape (h, w, 3)
        Absorbance.

    Returns
    -------
    ndarray of bool, shape (h, w)
    """
    from scipy import ndimage as ndi

    red, green, blue = (ndi.uniform_filter(density[..., c], 5) for c in range(3))
    most, least = (f(f(red, green), blue) for f in (np.maximum, np.minimum))
    bluish = red > 1.15 * green
    reddish = (blue > 0.8 * green) & (red < 0.35 * green)
    return np.asarray((most > _PEN_DARK) & ((least > 0.8 * most) | bluish | reddish))


@dataclass(frozen=True, slots=True)
class _Shapes:
    """Blobs of nuclear stain, arrays of float64 and shape (n,)."""

    area: NDArray[Any]
    long: NDArray[Any]
    short: NDArray[Any]
    red: NDArray[Any]
    green: NDArray[Any]
    blue: NDArray[Any]
    ring: NDArray[Any]

    @classmethod
    def of(cls, labels: NDArray[np.int32], count: int, density: NDArray[np.float32]) -> _Shapes:
        from scipy import ndimage as ndi

        rows, columns = np.nonzero(labels)
        which = labels[rows, columns] - 1
        number = np.bincount(which, minlength=count).astype(float)

        def mean(values: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(np.bincount(which, values, count) / number)

        y, x = rows - mean(rows)[which], columns - mean(columns)[which]
        yy, xx, xy = mean(y * y) + 1 / 12, mean(x * x) + 1 / 12, mean(x * y)
        spread = np.hypot((xx - yy) / 2, xy)
        middle = (xx + yy) / 2
        planes = density[rows, columns]
        away, nearest = ndi.distance_transform_edt(labels == 0, return_indices=True)
        inside = (away * WORKING_MICRONS > _RING_UM[0]) & (away * WORKING_MICRONS <= _RING_UM[1])
        owner = labels[nearest[0][inside], nearest[1][inside]] - 1
        ring_count = np.maximum(np.bincount(owner, minlength=count), 1)
        ring = np.bincount(owner, density[..., 1][inside], count) / ring_count
        return cls(
            number * WORKING_MICRONS**2,
            4 * np.sqrt(middle + spread) * WORKING_MICRONS,
            4 * np.sqrt(np.maximum(middle - spread, 1 / 12)) * WORKING_MICRONS,
            mean(planes[:, 0]),
            mean(planes[:, 1]),
            mean(planes[:, 2]),
            ring,
        )

    def spoilt(self, veil: float) -> NDArray[np.bool_]:
        """Return which nuclei are bare (nothing around them), pale and spread, or streaks."""
        bare = self.ring < veil + _RING
        pale = (self.area > 110.0) & (self.green < _PALE)
        streak = (self.long > _LONGEST * self.short) & (self.long > 9.0)
        return np.asarray(bare | pale | streak)
