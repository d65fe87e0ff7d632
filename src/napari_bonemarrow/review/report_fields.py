"""Fields of a printed report that a person fills in.

Findings belong to the smear and are kept in its case. Identity is typed for one report and kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from napari_bonemarrow.cytology.messages import Message, message

KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The pattern of a field's key."""
LONGEST: Final = 20_000
"""Largest number of characters of a field."""


@dataclass(frozen=True, slots=True)
class ReportField:
    """A field of a report.

    Attributes
    ----------
    key : str
        In the style of `KEY`.
    label : str
        As printed; a message for a field of the program, plain text for one of a laboratory.
    lines : int
        Lines of its box on the form.
    identity : bool
        Whether it names a person or an order, so that it is never kept.
    when_empty : bool
        Whether its label is printed without a value, to be filled in by hand.
    """

    key: str
    label: Message | str
    lines: int = 1
    identity: bool = False
    when_empty: bool = False


FIELDS: Mapping[str, ReportField] = MappingProxyType(
    {
        each.key: each
        for each in (
            ReportField("patient", message("Patient"), identity=True),
            ReportField("sample_number", message("Sample number"), identity=True),
            ReportField("requester", message("Requested by"), identity=True),
            ReportField("site", message("Site of aspiration")),
            ReportField("quality", message("Quality of the smear")),
            ReportField("particles", message("Particles")),
            ReportField("cellularity", message("Cellularity")),
            ReportField("haemodilution", message("Haemodilution")),
            ReportField("megakaryocytes", message("Megakaryocytes")),
            ReportField("comment", message("Comment"), lines=4),
            ReportField("conclusion", message("Conclusion"), lines=4),
        )
    }
)
"""The fields of the program, in the order of the report."""

IDENTITY: Final = frozenset(key for key, each in FIELDS.items() if each.identity)
"""Keys that are never kept."""
