"""Morphology of the 21 classes, from textbooks.

Diameters are of the flattened cell on a dried smear. Diameters and nuclear fractions follow haematology
textbooks, the ICSH recommendations on morphology and the WHO classification; where they differ the range
spans them. `docs/drawn-smear.md` lists the ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from napari_bonemarrow.drawing.stain import Ink
from napari_bonemarrow.drawing.styles import Chromatin, Cytoplasm, Granules, Morphology

_AZUROPHIL = Granules(((Ink.VIOLET, 0.62),), 0.42, 0.62, (0.45, 0.85), over_nucleus=0.35, flat=0.3)
_SPECIFIC = Granules(((Ink.VIOLET, 0.26), (Ink.EOSIN, 0.05)), 0.34, 0.46, (0.45, 0.85), 0.05, flat=0.1)
_ORANGE = Granules(
    ((Ink.EOSIN, 0.80), (Ink.VIOLET, 0.04)), 1.05, 0.86, (0.95, 1.0), 0.12, flat=0.45, spread=0.12
)

MORPHOLOGY: Mapping[str, Morphology] = MappingProxyType(
    {
        "BLA": Morphology(
            (12.5, 17.5),
            (0.72, 0.85),
            "round",
            Chromatin("fine", (0.74, 0.88), 0.15, 0.06),
            Cytoplasm(azure=(0.70, 1.05), rim=0.35, hof=0.25),
            elongation=(1.0, 1.3),
            eccentricity=(0.2, 0.8),
            edge="blebs",
            roughness=0.06,
            nucleoli=(1, 4),
        ),
        "FGC": Morphology(
            (15.0, 20.0),
            (0.45, 0.58),
            "folded",
            Chromatin("coarse", (0.72, 0.88), 0.195),
            Cytoplasm(azure=(0.25, 0.40), violet=(0.06, 0.12), mottle=0.3),
            granules=(Granules(((Ink.VIOLET, 0.45),), 0.38, 0.6, (0.4, 0.7), 0.3, 0.3),),
            eccentricity=(0.3, 0.7),
            fringe=0.4,
            edge="frayed",
            roughness=0.06,
            nucleoli=(0, 1),
        ),
        "PMO": Morphology(
            (15.5, 21.0),
            (0.50, 0.64),
            "oval",
            Chromatin("fine", (0.8, 0.94), 0.22),
            Cytoplasm(azure=(0.40, 0.65), violet=(0.02, 0.05), rim=0.25, hof=0.85),
            elongation=(1.05, 1.3),
            eccentricity=(0.6, 0.95),
            granules=(_AZUROPHIL,),
            roughness=0.04,
            nucleoli=(1, 3),
        ),
        "MYB": Morphology(
            (13.5, 18.0),
            (0.46, 0.56),
            "oval",
            Chromatin("coarse", (0.80, 0.94), 0.21),
            Cytoplasm(azure=(0.14, 0.26), eosin=(0.02, 0.05), violet=(0.03, 0.07), rim=0.2, hof=0.3),
            elongation=(1.2, 1.5),
            eccentricity=(0.65, 1.0),
            granules=(
                _SPECIFIC,
                Granules(((Ink.VIOLET, 0.5),), 0.38, 0.75, (0.12, 0.4), 0.2, 0.3),
            ),
        ),
        "MMZ": Morphology(
            (12.5, 16.0),
            (0.42, 0.50),
            "kidney",
            Chromatin("coarse", (0.88, 1.01), 0.22),
            Cytoplasm(azure=(0.08, 0.14), eosin=(0.03, 0.06), violet=(0.05, 0.09)),
            elongation=(1.35, 1.6),
            eccentricity=(0.4, 0.8),
            granules=(_SPECIFIC,),
        ),
        "NGB": Morphology(
            (11.8, 14.6),
            (0.38, 0.45),
            "band",
            Chromatin("clumped", (0.9, 1.03), 0.21),
            Cytoplasm(azure=(0.06, 0.10), eosin=(0.04, 0.08), violet=(0.05, 0.10)),
            eccentricity=(0.0, 0.3),
            granules=(_SPECIFIC,),
        ),
        "NGS": Morphology(
            (11.8, 14.6),
            (0.33, 0.40),
            "segmented",
            Chromatin("clumped", (0.92, 1.06), 0.21),
            Cytoplasm(azure=(0.05, 0.10), eosin=(0.04, 0.09), violet=(0.05, 0.10)),
            eccentricity=(0.0, 0.25),
            granules=(_SPECIFIC,),
        ),
        "EOS": Morphology(
            (12.5, 16.0),
            (0.32, 0.40),
            "bilobed",
            Chromatin("clumped", (0.80, 0.92), 0.21),
            Cytoplasm(azure=(0.06, 0.14), eosin=(0.22, 0.36), violet=(0.03, 0.08)),
            eccentricity=(0.4, 0.8),
            granules=(_ORANGE,),
        ),
        "ABE": Morphology(
            (14.0, 18.0),
            (0.38, 0.50),
            "oval",
            Chromatin("coarse", (0.78, 0.92), 0.21),
            Cytoplasm(azure=(0.18, 0.30), eosin=(0.10, 0.2)),
            elongation=(1.1, 1.4),
            eccentricity=(0.6, 0.95),
            granules=(
                Granules(((Ink.EOSIN, 0.85), (Ink.CHROMATIN, 0.05)), 1.0, 0.88, (0.6, 0.85), 0.1, 0.45, 0.15),
                Granules(((Ink.VIOLET, 0.75), (Ink.CHROMATIN, 0.35)), 1.0, 1.35, (0.4, 0.65), 0.45, 0.4, 0.4),
            ),
        ),
        "BAS": Morphology(
            (10.5, 13.5),
            (0.36, 0.48),
            "bilobed",
            Chromatin("smudged", (0.62, 0.78), 0.15, 0.0),
            Cytoplasm(azure=(0.10, 0.18), violet=(0.06, 0.14)),
            eccentricity=(0.1, 0.4),
            granules=(
                Granules(((Ink.VIOLET, 0.6), (Ink.CHROMATIN, 0.7)), 0.85, 1.0, (0.55, 0.8), 0.75, 0.55, 0.4),
            ),
        ),
        "MON": Morphology(
            (14.0, 19.0),
            (0.46, 0.58),
            "folded",
            Chromatin("lacy", (0.76, 0.9), 0.22),
            Cytoplasm(azure=(0.30, 0.46), violet=(0.01, 0.03), mottle=0.28),
            elongation=(1.1, 1.4),
            eccentricity=(0.1, 0.5),
            granules=(Granules(((Ink.VIOLET, 0.22),), 0.28, 0.45, (0.25, 0.5), 0.0, 0.2),),
            fringe=0.35,
            edge="blebs",
            roughness=0.07,
            vacuoles=(0, 7),
        ),
        "PEB": Morphology(
            (16.5, 22.0),
            (0.64, 0.76),
            "round",
            Chromatin("reticular", (0.84, 0.98), 0.2, 0.08),
            Cytoplasm(azure=(1.0, 1.3), rim=0.2, hof=0.45, mottle=0.12),
            elongation=(1.0, 1.08),
            eccentricity=(0.0, 0.4),
            edge="blebs",
            nucleoli=(1, 3),
        ),
        "EBO": Morphology(
            (8.5, 13.0),
            (0.26, 0.60),
            "round",
            Chromatin("checkered", (1.0, 1.2), 0.24, 0.06),
            Cytoplasm(),
            elongation=(1.0, 1.06),
            eccentricity=(0.0, 0.5),
        ),
        "LYT": Morphology(
            (8.5, 11.5),
            (0.70, 0.84),
            "round",
            Chromatin("smudged", (0.94, 1.10), 0.195),
            Cytoplasm(azure=(0.35, 0.60), rim=0.1, mottle=0.1),
            elongation=(1.0, 1.18),
            eccentricity=(0.4, 1.0),
            roughness=0.05,
        ),
        "LYI": Morphology(
            (11.5, 15.0),
            (0.66, 0.78),
            "round",
            Chromatin("clumped", (0.76, 0.90), 0.2),
            Cytoplasm(azure=(0.55, 0.80), rim=0.2, hof=0.15),
            elongation=(1.0, 1.15),
            eccentricity=(0.3, 0.8),
            roughness=0.04,
            nucleoli=(1, 1),
        ),
        "HAC": Morphology(
            (13.0, 17.0),
            (0.38, 0.50),
            "oval",
            Chromatin("spongy", (0.66, 0.78), 0.13, 0.08),
            Cytoplasm(azure=(0.24, 0.36), violet=(0.0, 0.03), mottle=0.4),
            elongation=(1.1, 1.4),
            eccentricity=(0.3, 0.7),
            fringe=0.9,
            edge="hairy",
            roughness=0.05,
            nucleoli=(0, 1),
        ),
        "PLM": Morphology(
            (14.0, 18.5),
            (0.26, 0.36),
            "round",
            Chromatin("clock", (0.76, 0.90), 0.225, 0.12),
            Cytoplasm(azure=(0.65, 1.0), rim=0.25, hof=0.7, mottle=0.14),
            elongation=(1.0, 1.15),
            eccentricity=(0.85, 1.0),
            edge="blebs",
            roughness=0.05,
            oval=(1.1, 1.4),
            vacuoles=(0, 3),
        ),
        "KSC": Morphology(
            (13.0, 18.0),
            (0.97, 1.0),
            "smeared",
            Chromatin("strands", (0.55, 0.72), 0.14, 0.0),
            Cytoplasm(azure=(0.0, 0.03)),
            fringe=0.6,
            edge="ragged",
            roughness=0.12,
            oval=(1.1, 1.6),
        ),
        "OTH": Morphology(
            (22.0, 30.0),
            (0.12, 0.18),
            "oval",
            Chromatin("lacy", (0.62, 0.75), 0.21),
            Cytoplasm(azure=(0.14, 0.24), mottle=0.5),
            elongation=(1.1, 1.4),
            eccentricity=(0.4, 0.8),
            granules=(Granules(((Ink.VIOLET, 0.5), (Ink.AZURE, 0.3)), 0.7, 2.2, (0.3, 0.6), 0.0, 0.3, 0.5),),
            fringe=0.7,
            edge="frayed",
            roughness=0.09,
            oval=(1.1, 1.4),
            vacuoles=(14, 30),
        ),
        "NIF": Morphology(
            (9.0, 14.0),
            (0.55, 0.80),
            "folded",
            Chromatin("smudged", (0.95, 1.3), 0.12, 0.0),
            Cytoplasm(azure=(0.15, 0.6), eosin=(0.0, 0.1)),
            eccentricity=(0.1, 0.8),
            edge="frayed",
            roughness=0.09,
            vacuoles=(0, 6),
        ),
        "ART": Morphology(
            (9.0, 16.0),
            (0.55, 0.80),
            "smeared",
            Chromatin("strands", (0.45, 0.9), 0.3, 0.0),
            Cytoplasm(azure=(0.0, 0.1), violet=(0.1, 0.25), mottle=0.4),
            fringe=0.5,
            edge="ragged",
            roughness=0.15,
            oval=(1.0, 1.6),
            vacuoles=(2, 9),
        ),
    }
)
"""Morphology of the 21 classes by code."""

PRECIPITATE = Morphology(
    (4.0, 9.0),
    (0.3, 0.3),
    "smeared",
    Chromatin("strands", (0.0, 0.0), 0),
    Cytoplasm(azure=(0.05, 0.1), violet=(0.05, 0.15), mottle=0.5),
    granules=(
        Granules(
            ((Ink.VIOLET, 0.5), (Ink.CHROMATIN, 0.5), (Ink.SOOT, 0.3)), 0.6, 0.62, (0.5, 0.9), 1, 0.5, 0.5
        ),
    ),
    edge="ragged",
    roughness=0.2,
    oval=(1.0, 1.8),
)
"""Morphology of precipitated stain, one kind of artefact."""
