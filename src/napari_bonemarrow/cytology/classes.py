"""Cell classes: the 21 of Matek et al. and those that only a reviewer gives.

The codes and names of the 21 are those of Matek et al., Blood 2021;138(20):1917-27 (doi
10.1182/blood.2020010568). The further codes are cells that ICSH 2008 (Lee et al., Int J Lab Hematol
30:349) counts or leaves out and that are not among the 21.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict


class Lineage(StrEnum):
    """The lineage of a class; it groups the rows of a differential and the colours."""

    BLAST = "blast"
    GRANULOCYTIC = "granulocytic"
    MONOCYTIC = "monocytic"
    ERYTHROID = "erythroid"
    LYMPHOID = "lymphoid"
    PLASMA = "plasma cell"
    OTHER = "other"
    NOT_COUNTED = "not counted"


class Support(StrEnum):
    """How well a model bundle has learnt a class.

    At least 100 marrow crops, fewer, blood only, or none. Only the first is relied on.
    """

    TRAINED = "trained"
    FEW = "few"
    TRANSFERRED = "transferred"
    NONE = "none"


class CellClass(BaseModel):
    """One class of cell.

    Attributes
    ----------
    code : str
        Three capital letters.
    name : str
        The field's name, in English.
    lineage : Lineage
    color : str
        ``#rrggbb`` of the ring. Colour is never the only sign: the code stands next to it.
    emphasis : {"plain", "thick", "dashed"}
        Second sign of the ring: thick for blasts, dashed for what is not counted.
    predicted : bool
        Whether a bundle can predict it: one of the 21.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    lineage: Lineage
    color: str
    emphasis: str = "plain"
    predicted: bool = True


_G, _E, _L = Lineage.GRANULOCYTIC, Lineage.ERYTHROID, Lineage.LYMPHOID

# In the order in which a differential is read: maturation within a lineage. Neighbours also differ in
# lightness for colour-blind readers; tests/gui/widgets/test_class_style.py measures it.
_TABLE: tuple[tuple[str, str, Lineage, str, str, bool], ...] = (
    ("BLA", "blast", Lineage.BLAST, "#ff36c0", "thick", True),
    ("FGC", "faggot cell", _G, "#c71585", "thick", True),
    ("PMO", "promyelocyte", _G, "#b479ff", "plain", True),
    ("MYB", "myelocyte", _G, "#6c60dd", "plain", True),
    ("MMZ", "metamyelocyte", _G, "#8ba6ff", "plain", True),
    ("NGB", "band neutrophil", _G, "#188cc9", "plain", True),
    ("NGS", "segmented neutrophil", _G, "#1167bb", "plain", True),
    ("EOS", "eosinophil", _G, "#f99b13", "plain", True),
    ("ABE", "abnormal eosinophil", _G, "#c96901", "plain", True),
    ("BAS", "basophil", _G, "#322dbd", "plain", True),
    ("MON", "monocyte", Lineage.MONOCYTIC, "#7d5d42", "plain", True),
    ("PRM", "promonocyte", Lineage.MONOCYTIC, "#b88956", "thick", False),
    ("PEB", "proerythroblast", _E, "#a4161a", "plain", True),
    ("EBO", "erythroblast", _E, "#fd4934", "plain", True),
    ("LYT", "lymphocyte", _L, "#1bb167", "plain", True),
    ("LYI", "immature lymphocyte", _L, "#a6d944", "thick", True),
    ("HAC", "hairy cell", _L, "#6b8e23", "plain", True),
    ("PLM", "plasma cell", Lineage.PLASMA, "#30d3c1", "plain", True),
    ("MAS", "mast cell", Lineage.OTHER, "#6b6097", "plain", False),
    ("OTH", "other cell", Lineage.NOT_COUNTED, "#c2c2b3", "dashed", True),
    ("NIF", "not identifiable", Lineage.NOT_COUNTED, "#9b9b9b", "dashed", True),
    ("KSC", "smudge cell", Lineage.NOT_COUNTED, "#8a8a8a", "dashed", True),
    ("ART", "artefact", Lineage.NOT_COUNTED, "#6d6d6d", "dashed", True),
    ("MEG", "megakaryocyte", Lineage.NOT_COUNTED, "#e1ae7d", "dashed", False),
    ("MAC", "macrophage", Lineage.NOT_COUNTED, "#917b66", "dashed", False),
    ("NHC", "non-haemopoietic cell", Lineage.NOT_COUNTED, "#6d7a80", "dashed", False),
)

CLASSES: Mapping[str, CellClass] = MappingProxyType(
    {
        code: CellClass(
            code=code, name=name, lineage=lineage, color=color, emphasis=emphasis, predicted=predicted
        )
        for code, name, lineage, color, emphasis, predicted in _TABLE
    }
)
"""Every class of a cell, by code, in reading order."""

CODES: tuple[str, ...] = ("", *CLASSES)
"""Codes by class index in arrays: 0 is no class, then the classes in reading order."""

BMC21: tuple[str, ...] = tuple(sorted(code for code, cell in CLASSES.items() if cell.predicted))
"""The 21 codes of Matek et al. in alphabetical order: the column order of every bundle we train."""

REVIEWER_ONLY: tuple[str, ...] = tuple(code for code, cell in CLASSES.items() if not cell.predicted)
"""Codes that a reviewer can give and no bundle predicts."""

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "dysplastic": "dysplastic",
        "auer_rod": "Auer rod",
        "vacuolated": "vacuolated",
        "mitosis": "mitosis",
    }
)
"""Tags a cell can carry in addition to its class: key to text. Dysplasia is a tag, not a class."""
