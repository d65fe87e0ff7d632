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

from napari_bonemarrow.cytology.messages import message


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


SUPPORT_TEXT: Mapping[Support, str] = MappingProxyType(
    {
        Support.TRAINED: message("learnt from marrow"),
        Support.FEW: message("learnt from few marrow crops"),
        Support.TRANSFERRED: message("learnt from blood only"),
        Support.NONE: message("not learnt"),
    }
)


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
    thick: bool = False
    predicted: bool = True
    critical: bool = False
    in_bulk: bool = True

    @property
    def counted(self) -> bool:
        """Return whether the usual rules count it; otherwise its ring is dashed."""
        return self.lineage is not Lineage.NOT_COUNTED


_G, _E, _L, _NOT = Lineage.GRANULOCYTIC, Lineage.ERYTHROID, Lineage.LYMPHOID, Lineage.NOT_COUNTED


def _row(code: str, name: str, lineage: Lineage, color: str, **facts: bool) -> CellClass:
    return CellClass(code=code, name=name, lineage=lineage, color=color, **facts)


# In the order in which a differential is read: maturation within a lineage. Neighbours also differ in
# lightness, for colour-blind readers; tests/gui/widgets/test_class_style.py measures it.
_TABLE = (
    _row("BLA", "blast", Lineage.BLAST, "#ff36c0", thick=True, critical=True, in_bulk=False),
    _row("FGC", "faggot cell", _G, "#c71585", thick=True, critical=True, in_bulk=False),
    _row("PMO", "promyelocyte", _G, "#b479ff"),
    _row("MYB", "myelocyte", _G, "#6c60dd"),
    _row("MMZ", "metamyelocyte", _G, "#8ba6ff"),
    _row("NGB", "band neutrophil", _G, "#188cc9"),
    _row("NGS", "segmented neutrophil", _G, "#1167bb"),
    _row("EOS", "eosinophil", _G, "#f99b13"),
    _row("ABE", "abnormal eosinophil", _G, "#c96901"),
    _row("BAS", "basophil", _G, "#322dbd"),
    _row("MON", "monocyte", Lineage.MONOCYTIC, "#7d5d42"),
    _row("PRM", "promonocyte", Lineage.MONOCYTIC, "#b88956", thick=True, predicted=False),
    _row("PEB", "proerythroblast", _E, "#a4161a"),
    _row("EBO", "erythroblast", _E, "#fd4934"),
    _row("LYT", "lymphocyte", _L, "#1bb167"),
    _row("LYI", "immature lymphocyte", _L, "#a6d944", thick=True, in_bulk=False),
    _row("HAC", "hairy cell", _L, "#6b8e23", in_bulk=False),
    _row("PLM", "plasma cell", Lineage.PLASMA, "#30d3c1", critical=True, in_bulk=False),
    _row("MAS", "mast cell", Lineage.OTHER, "#6b6097", predicted=False),
    _row("OTH", "other cell", _NOT, "#c2c2b3", in_bulk=False),
    _row("NIF", "not identifiable", _NOT, "#9b9b9b", in_bulk=False),
    _row("KSC", "smudge cell", _NOT, "#8a8a8a"),
    _row("ART", "artefact", _NOT, "#6d6d6d"),
    _row("MEG", "megakaryocyte", _NOT, "#e1ae7d", predicted=False),
    _row("MAC", "macrophage", _NOT, "#917b66", predicted=False),
    _row("NHC", "non-haemopoietic cell", _NOT, "#6d7a80", predicted=False),
)

CLASSES: Mapping[str, CellClass] = MappingProxyType({row.code: row for row in _TABLE})
"""Every class a cell can be given, by code, in reading order."""

CODES: tuple[str, ...] = ("", *CLASSES)
"""Codes by class index in arrays: 0 is not a class, then the classes in reading order."""

BMC21: tuple[str, ...] = tuple(sorted(code for code, cell in CLASSES.items() if cell.predicted))
"""The 21 codes of Matek et al. in alphabetical order: the column order of every bundle we train."""

REVIEWER_ONLY: tuple[str, ...] = tuple(code for code, cell in CLASSES.items() if not cell.predicted)
"""Codes that a reviewer can give and no bundle predicts."""

CRITICAL: tuple[str, ...] = tuple(code for code, cell in CLASSES.items() if cell.critical)
"""Classes whose share decides."""

NEVER_IN_BULK = frozenset(code for code, cell in CLASSES.items() if not cell.in_bulk)
"""Classes that are never accepted unseen."""

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "dysplastic": message("dysplastic"),
        "auer_rod": message("Auer rod"),
        "vacuolated": message("vacuolated"),
        "mitosis": message("mitosis"),
    }
)
"""Tags a cell can carry in addition to its class: key to text. Dysplasia is a tag, not a class."""


def codes_of(*lineages: Lineage) -> tuple[str, ...]:
    """Return the codes of some lineages, in reading order."""
    return tuple(code for code, cell in CLASSES.items() if cell.lineage in lineages)
