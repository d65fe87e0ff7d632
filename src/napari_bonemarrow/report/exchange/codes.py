"""Codes of other systems for classes, groups and ratios, with the origin of each.

A wrong code in a laboratory's record is worse than none, and wrong ones circulate: so a class without a
confirmed code is written as text. SNOMED CT may not be shipped freely and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


class Origin(StrEnum):
    """What is known of a code."""

    PAGE = "a public page names the code with this meaning in marrow"
    FILE = "a public file names the code for marrow; its display name was not seen"
    COMPONENT = "its component is in LOINC's table; that it is for marrow was not seen there"


@dataclass(frozen=True, slots=True)
class LoincCode:
    """A LOINC code.

    Attributes
    ----------
    code : str
        With its check digit.
    display : str
        LOINC's name; empty where it was not seen, since a display name must be LOINC's own.
    manual : bool
        Whether its name ends "by Manual count", which is untrue of what a model alone counted.
    origin : Origin
    """

    code: str
    display: str
    manual: bool
    origin: Origin


def _manual(code: str, what: str = "", origin: Origin = Origin.PAGE) -> LoincCode:
    display = f"{what}/cells in Bone marrow by Manual count" if what else ""
    return LoincCode(code, display, manual=True, origin=origin)


PANEL = LoincCode("47286-0", "Differential panel - Bone marrow", False, Origin.PAGE)
REPORT = LoincCode("48807-2", "Bone marrow aspiration report", False, Origin.PAGE)
COUNTED = LoincCode("38257-2", "Cells Counted Total [#] in Bone marrow", False, Origin.PAGE)
M_TO_E = LoincCode("11138-5", "Myeloid cells/Erythroid cells [# Ratio] in Bone marrow", False, Origin.PAGE)

ROWS: Mapping[str, tuple[LoincCode, ...]] = MappingProxyType(
    {
        "BLA": (_manual("11150-0", origin=Origin.FILE),),
        "PMO": (_manual("11120-3", origin=Origin.COMPONENT),),
        "MYB": (_manual("11114-6", origin=Origin.COMPONENT),),
        "MMZ": (_manual("11111-2", origin=Origin.COMPONENT),),
        "NGB": (_manual("11103-9", origin=Origin.COMPONENT),),
        "NGS": (_manual("11128-6", origin=Origin.COMPONENT),),
        "EOS": (_manual("11106-2", "Eosinophils"), LoincCode("11152-6", "", False, Origin.FILE)),
        "BAS": (_manual("11105-4", "Basophils"),),
        "MON": (_manual("11112-0", origin=Origin.COMPONENT),),
        "PRM": (_manual("11122-9", origin=Origin.COMPONENT),),
        "PEB": (_manual("11124-5", origin=Origin.COMPONENT),),
        "LYT": (_manual("11108-8", "Lymphocytes"),),
        "PLM": (_manual("11118-7", origin=Origin.FILE),),
        "MAS": (_manual("11109-6", "Mast cells"),),
        "erythroid": (_manual("40689-2", "Erythroid cells"),),
    }
)
"""Codes of the percentages of classes and groups; a second one is for counts that were not made by eye.

A group that has a class's name, such as all eosinophils, has no code: the class has it, and a receiver that
adds up codes must not count twice. The macroblast of LOINC (51629-4) is a part of our EBO, which has none."""

CELL_ONTOLOGY: Mapping[str, str] = MappingProxyType(
    {
        "PMO": "CL:0000836",
        "MYB": "CL:0002193",
        "MMZ": "CL:0002192",
        "NGB": "CL:0000560",
        "NGS": "CL:0011114",
        "EOS": "CL:0000771",
        "BAS": "CL:0000767",
        "MON": "CL:0000576",
        "PRM": "CL:0000559",
        "PEB": "CL:0000547",
        "EBO": "CL:0000765",
        "LYT": "CL:0000542",
        "PLM": "CL:0000786",
        "MEG": "CL:0000556",
        "MAC": "CL:0000235",
        "MAS": "CL:0000097",
    }
)
"""Terms of the Cell Ontology (CC BY 4.0) for classes that have one."""


def loinc_of(row: str, *, by_eye: bool) -> LoincCode | None:
    """Return the code of a class or group.

    Parameters
    ----------
    row : str
        A class's or group's code.
    by_eye : bool
        Whether a reviewer has named every counted cell. Otherwise "by Manual count" would be untrue.

    Returns
    -------
    LoincCode or None
        None where there is none, so that the text alone says what it is.
    """
    return next((each for each in ROWS.get(row, ()) if by_eye or not each.manual), None)


def check_digit(number: str) -> int:
    """Return LOINC's check digit of the digits before the hyphen (mod 10, as for credit cards)."""
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(reversed(number))]
    return -sum(value // 10 + value % 10 for value in doubled) % 10
