"""Styles that describe the morphology of a class: chromatin, cytoplasm, granules."""

from __future__ import annotations

from dataclasses import dataclass

from napari_bonemarrow.drawing.stain import Ink

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Chromatin:
    """Texture of a nucleus.

    Attributes
    ----------
    pattern : str
        A key of `nucleus.PATTERNS`.
    density : tuple of float
        Range of chromatin ink, 1 for a mature neutrophil.
    contrast : float
        Relative standard deviation of the texture.
    rim : float
        Extra density along the nuclear membrane.
    """

    pattern: str
    density: Range
    contrast: float
    rim: float = 0.10


@dataclass(frozen=True, slots=True)
class Cytoplasm:
    """Colour of the cytoplasm, in ink.

    Attributes
    ----------
    azure, eosin, haemoglobin, violet : tuple of float
        Ranges; azure 1 is a plasma cell's blue.
    rim : float
        How much deeper the blue is at the cell's border.
    hof : float
        How much paler it is next to the nucleus, 0 to 1.
    mottle : float
        Relative contrast of its texture.
    """

    azure: Range = (0.1, 0.2)
    eosin: Range = (0.0, 0.0)
    haemoglobin: Range = (0.0, 0.0)
    violet: Range = (0.0, 0.0)
    rim: float = 0.0
    hof: float = 0.0
    mottle: float = 0.15


@dataclass(frozen=True, slots=True)
class Granules:
    """One kind of granule.

    Attributes
    ----------
    inks : tuple of (Ink, float)
        Ink at a granule's middle.
    diameter, spacing : float
        µm; see `texture.granules`.
    density : tuple of float
        Fraction of the places that hold a granule, 0 to 1.
    over_nucleus : float
        Visibility of granules over the nucleus, 0 to 1.
    flat : float
        0 soft, 1 sharp-edged.
    spread : float
        Relative standard deviation of the diameter.
    """

    inks: tuple[tuple[Ink, float], ...]
    diameter: float
    spacing: float
    density: Range
    over_nucleus: float = 0.0
    flat: float = 0.5
    spread: float = 0.25


@dataclass(frozen=True, slots=True)
class Morphology:
    """Morphology of one class.

    Attributes
    ----------
    diameter : tuple of float
        µm.
    nuclear_fraction : tuple of float
        Nuclear area divided by the cell's area.
    nucleus : str
        A key of `nucleus.SHAPES`.
    elongation : tuple of float
        Long over short axis of the nucleus.
    eccentricity : tuple of float
        0 nucleus in the middle, 1 at the border.
    edge : str
        A key of `cytoplasm.EDGES`.
    roughness : float
        Waviness of the cell's outline.
    oval : tuple of float
        Long over short axis of the cell.
    fringe : float
        Width over which the cell's border fades, µm.
    nucleoli, vacuoles : tuple of int
        Range of their number, both ends included.
    """

    diameter: Range
    nuclear_fraction: Range
    nucleus: str
    chromatin: Chromatin
    cytoplasm: Cytoplasm
    elongation: Range = (1.0, 1.15)
    eccentricity: Range = (0.1, 0.5)
    granules: tuple[Granules, ...] = ()
    edge: str = "smooth"
    roughness: float = 0.03
    oval: Range = (1.0, 1.15)
    fringe: float = 0.22
    nucleoli: tuple[int, int] = (0, 0)
    vacuoles: tuple[int, int] = (0, 0)
