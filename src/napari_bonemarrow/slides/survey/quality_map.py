"""Quality map of a slide: where it is thin, sharp, cellular and well stained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.survey.patch_measures import PATCH_UM, PatchMeasures
from napari_bonemarrow.slides.survey.survey_grid import Grid

METHOD = 1
"""Version, raised when the same slide gets another map or ranking."""


class Reason(IntEnum):
    """The reason to avoid a place."""

    NONE = 0
    BLANK = 1
    THICK = 2
    THIN = 3
    FOCUS = 4
    SMUDGED = 5
    BLOOD = 6
    STAIN = 7
    PEN = 8
    UNREADABLE = 9

    @property
    def code(self) -> str:
        """Return a short name for files."""
        return _TEXTS[self][0]

    @property
    def text(self) -> str:
        """Return a short sentence for people."""
        return _TEXTS[self][1]


_TEXTS = {
    Reason.NONE: ("", ""),
    Reason.BLANK: ("blank", "Nothing on the glass"),
    Reason.THICK: ("thick", "Too thick, cells overlap"),
    Reason.THIN: ("thin", "Few cells"),
    Reason.FOCUS: ("out of focus", "Out of focus"),
    Reason.SMUDGED: ("smudged", "Bare or smudged nuclei"),
    Reason.BLOOD: ("blood only", "Red cells only"),
    Reason.STAIN: ("stain", "Stained unlike the rest"),
    Reason.PEN: ("pen", "Pen mark"),
    Reason.UNREADABLE: ("unreadable", "Cannot be read"),
}

# For each measure: where it begins to lower the score, and where the place is avoided.
_FOCUS = (0.85, 0.50)
_BLURRED_UM = 1.2
_DENSITY = (150.0, 1500.0)
_BESIDE = 6.0
_NUCLEAR = (0.42, 0.58)
_COVERED = (0.78, 0.87)
_VEIL = (0.10, 0.28)
_DARK = (0.45, 0.60)
_SMUDGED = (0.30, 0.60)
_PALER = (0.30, 0.70)
_HUE = (0.15, 0.40)
_INK = 0.25
_BARE = (0.30, 0.75)
_EMPTY, _SPARSE = 0.02, 0.15
_SHARP_UM = 0.3
_FOCUS_FLOOR_UM = 0.15
_FEWEST_NUCLEI = 3


@dataclass(frozen=True, eq=False)
class QualityMap:
    """The quality of each place of a slide for counting, independent of any class.

    Attributes
    ----------
    grid : Grid
    measured : ndarray of bool, shape (rows, columns)
        Whether a patch was read there; elsewhere only the overview was used.
    score : ndarray of float32, shape (rows, columns)
        0 where a place is avoided, to 1; NaN where it was not measured.
    reason : ndarray of uint8, shape (rows, columns)
        A `Reason`.
    focus : ndarray of float32, shape (rows, columns)
        0 to 1, the slide's sharpest places 1; NaN where unknown.
    density : ndarray of float32, shape (rows, columns)
        Nucleated cells per mm².
    overlap : ndarray of float32, shape (rows, columns)
        0 a single layer, 1 thick enough to be avoided.
    smudged : ndarray of float32, shape (rows, columns)
        Part of the nuclear stain in bare, spread or streaked nuclei.
    stain : ndarray of float32, shape (rows, columns)
        Strength of the nuclear stain relative to the slide's median.
    particle : ndarray of bool, shape (rows, columns)
        Dark in the overview: marrow particles and their densest trails.
    """

    grid: Grid
    measured: NDArray[np.bool_]
    score: NDArray[np.float32]
    reason: NDArray[np.uint8]
    focus: NDArray[np.float32]
    density: NDArray[np.float32]
    overlap: NDArray[np.float32]
    smudged: NDArray[np.float32]
    stain: NDArray[np.float32]
    particle: NDArray[np.bool_]

    def avoided(self) -> dict[str, int]:
        """Return the number of avoided grid cells by the reason's code."""
        return {r.code: int((self.reason == r).sum()) for r in Reason if r and (self.reason == r).any()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to store in a case."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "grid"}

    @classmethod
    def from_arrays(
        cls, width: int, height: int, microns_per_pixel: float, arrays: Mapping[str, NDArray[Any]]
    ) -> QualityMap:
        """Return the map stored in a case.

        Parameters
        ----------
        width, height : int
            The slide at level 0, px.
        microns_per_pixel : float
        arrays : mapping of str to ndarray, shape (rows, columns)
            As `arrays` returns them; others, of a later version, are ignored.

        Raises
        ------
        ValueError
            If one is missing or their shapes differ.
        """
        names = [each.name for each in fields(cls) if each.name != "grid"]
        shapes: set[tuple[int, ...]] = {np.shape(arrays[name]) if name in arrays else () for name in names}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"arrays of a quality map are missing or differ in shape: {sorted(arrays)}")
        rows, columns = shapes.pop()
        grid = Grid(width, height, rows, columns, microns_per_pixel)
        return cls(grid, **{name: arrays[name] for name in names})


def judge(
    grid: Grid,
    which: NDArray[np.int64],
    measures: PatchMeasures,
    glanced: NDArray[np.uint8],
    particle: NDArray[np.bool_],
    empty: NDArray[np.float32],
) -> QualityMap:
    """Return the map of measured patches.

    Parameters
    ----------
    grid : Grid
    which : ndarray of int64, shape (n,)
        The measured grid cells, counted row by row.
    measures : PatchMeasures
        Measures of n patches.
    glanced : ndarray of uint8, shape (rows, columns)
        The `Reason` from the overview.
    particle : ndarray of bool, shape (rows, columns)
    empty : ndarray of float32, shape (rows, columns)
        Part of each grid cell that is bare glass in the overview.

    Returns
    -------
    QualityMap
        The score is the product of the factors for focus, density, overlap, smudges and stain, each 0 to
        1.
    """
    shape = (grid.rows, grid.columns)

    def laid(values: NDArray[Any]) -> NDArray[np.float32]:
        out = np.full(shape, np.nan, np.float32)
        out.ravel()[which] = values
        return out

    m = {name: laid(getattr(measures, name)) for name in measures.__slots__}
    nuclei = m["density"] * PATCH_UM**2 / 1e6 >= _FEWEST_NUCLEI
    density = neighbourhood(m["density"])
    focus = _focus(m["blur_um"])
    strength = _median(m["stain"][nuclei])
    overlap = _overlap(m, strength)
    relative = m["stain"] / strength
    hue = np.maximum(abs(m["red"] - _median(m["red"][nuclei])), abs(m["blue"] - _median(m["blue"][nuclei])))
    odd = np.maximum(_share(abs(np.log(np.maximum(relative, 0.05))), _PALER), _share(hue, _HUE))
    odd = np.where(nuclei, odd, 0.0)
    # Weighted by nuclear stain: one bare nucleus among red cells means little.
    weight = neighbourhood(np.where(np.isnan(m["smudged"]), m["nuclear"] * 0, m["nuclear"]))
    smudged = neighbourhood(np.nan_to_num(m["smudged"]) * m["nuclear"]) / np.maximum(weight, 1e-6)
    spoilt = np.where(nuclei, _share(smudged, _SMUDGED), 0.0)
    low, high = _DENSITY
    cellular = np.clip(np.log(np.maximum(density, 1) / low) / np.log(high / low), 0, 1)
    score = (1 - _share(-focus, (-_FOCUS[0], -_FOCUS[1]))) * cellular * (1 - overlap)
    score = score * (1 - spoilt) * (1 - odd) * (1 - _share(empty, _BARE))
    read = np.isfinite(m["dark"])
    # A patch without nuclei is next to cellular places, not in one, unless these are dense.
    few = (density < low) | ((m["density"] == 0) & (density < _BESIDE * low))
    glass = few & (m["covered"] < _EMPTY) & (m["dark"] < _VEIL[1])
    unsharp = (focus < _FOCUS[1]) | (m["blur_um"] > _BLURRED_UM) | (np.isnan(focus) & ~glass)
    conditions = {
        Reason.PEN: m["pen"] > _INK,
        Reason.BLANK: glass,
        Reason.THICK: overlap >= 1,
        Reason.FOCUS: unsharp,
        Reason.THIN: few & (m["covered"] < _SPARSE),
        Reason.BLOOD: few,
        Reason.SMUDGED: spoilt >= 1,
        Reason.STAIN: odd >= 1,
    }
    reason = glanced.copy()
    measured = np.zeros(shape, bool)
    measured.ravel()[which] = True
    reason[measured] = Reason.UNREADABLE
    reason[read] = np.select(list(conditions.values()), [int(r) for r in conditions], 0)[read]
    score = np.where(reason != Reason.NONE, 0.0, np.nan_to_num(score)).astype(np.float32)
    score[~measured & (reason == Reason.NONE)] = np.nan
    return QualityMap(
        grid, measured, score, reason, focus, density, overlap, smudged.astype(np.float32), relative, particle
    )


def neighbourhood(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weighted mean (4, 2 and 1) of each measured grid cell and its measured neighbours.

    A patch has too few cells for a reliable density.
    """
    from scipy import ndimage as ndi

    known = np.isfinite(values)
    kernel = np.outer((1, 2, 1), (1, 2, 1)).astype(np.float64)
    total = ndi.convolve(np.where(known, values, 0).astype(np.float64), kernel, mode="constant")
    number = ndi.convolve(known.astype(np.float64), kernel, mode="constant")
    return np.where(known, total / np.maximum(number, 1e-9), np.nan).astype(np.float32)


def _focus(blur: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each focus relative to the slide's sharpest tenth, or to a good objective if that is less."""
    known = blur[np.isfinite(blur)]
    if not len(known):
        return blur
    best = max(float(np.percentile(known, 10)), _SHARP_UM) + _FOCUS_FLOOR_UM
    return np.asarray(np.minimum(best / (blur + _FOCUS_FLOOR_UM), 1), np.float32)


def _overlap(m: dict[str, NDArray[np.float32]], strength: float) -> NDArray[np.float32]:
    """Return the overlap of cells from four signs that single layers of marrow do not show."""
    signs = (
        _share(m["nuclear"], _NUCLEAR),
        _share(m["covered"], _COVERED),
        _share(m["veil"] - _usual_veil(m), _VEIL),
        _share(m["dark"] / strength, _DARK),
    )
    return np.asarray(np.max(signs, axis=0), np.float32)


def _usual_veil(m: dict[str, NDArray[np.float32]]) -> float:
    """Return the absorbance between cells where a slide is thin: its plasma film."""
    veil = m["veil"][(m["density"] > 0) & np.isfinite(m["veil"])]
    return float(np.percentile(veil, 20)) if len(veil) else 0.0


def _median(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 1.0


def _share(values: NDArray[Any], limits: tuple[float, float]) -> NDArray[Any]:
    """Return 0 below the first limit, 1 above the second, linear between; NaN stays."""
    low, high = limits
    return np.clip((values - low) / (high - low), 0, 1)
