"""Counting rules: which classes a differential counts, groups and divides by.

The default follows ICSH 2008 (Lee et al., Int J Lab Hematol 30:349) on the classes of
`napari_bonemarrow.cytology.CLASSES`. A laboratory that counts otherwise states it here; every export names
its rules.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_bonemarrow.cytology.classes import CLASSES, Lineage, codes_of
from napari_bonemarrow.cytology.messages import message

Codes = tuple[str, ...]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

_APART = (
    ("myeloid", "monocytic"),
    ("erythroid", "monocytic"),
    ("erythroid", "blasts"),
    ("erythroid", "eosinophils"),
    ("erythroid", "plasma"),
    ("blasts", "monocytic"),
    ("blasts", "eosinophils"),
    ("blasts", "plasma"),
    ("plasma", "myeloid"),
    ("plasma", "monocytic"),
    ("plasma", "eosinophils"),
)
"""Groups that exclude each other: a code in both would count twice, for instance above the line of M:E."""


class CountingRules(BaseModel):
    """The place of each class in a differential.

    Attributes
    ----------
    name : str
        Name of the rules in an export.
    excluded : tuple of str
        Codes left out of the denominator and listed separately with their number. ICSH 2008 leaves out
        megakaryocytes, macrophages, smudged and non-haemopoietic cells; artefacts and cells that cannot be
        identified are treated alike.
    blasts : tuple of str
        Codes that count as blasts. Promonocytes are never among them.
    fgc_as_blast : bool
        Count faggot cells as blasts too. They are abnormal promyelocytes and a blast equivalent in acute
        promyelocytic leukaemia alone, so this is off by default.
    erythroid : tuple of str
        Denominator of M:E.
    myeloid : tuple of str
        Numerator of M:E without monocytes.
    monocytic : tuple of str
        Monocytes and their precursors.
    monocytes_in_me : bool
        Whether ``monocytic`` belongs to the numerator of M:E, as ICSH 2008 has it. Another convention
        leaves them out, so each ratio names its own.
    eosinophils : tuple of str
        Eosinophils, normal and abnormal, for their total.
    plasma : tuple of str
        Plasma cells.
    unidentified : tuple of str
        Codes whose share is watched: leaving many of them out inflates the rest.
    unidentified_limit : float
        Per cent of ``unidentified`` among counted and unidentified cells above which a note appears. Our
        own default; a laboratory sets its own.
    blast_thresholds, plasma_thresholds : tuple of float
        Per cent at which a classification changes (WHO 2022 and ICC 2022: blasts 5, 10, 20 %; plasma
        cells 10, 60 %). A count whose interval contains one carries a note about sampling error.
    me_blast_limit : float
        Per cent of blasts from which M:E carries a note, since BLA has no lineage.
    auer_rod_limit : float
        Per cent of blasts below which tagged Auer rods weigh apart from the percentage (WHO 2022: 10 %).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "ICSH 2008"
    excluded: Codes = codes_of(Lineage.NOT_COUNTED)
    blasts: Codes = codes_of(Lineage.BLAST)
    fgc_as_blast: bool = False
    erythroid: Codes = codes_of(Lineage.ERYTHROID)
    myeloid: Codes = codes_of(Lineage.BLAST, Lineage.GRANULOCYTIC)
    monocytic: Codes = codes_of(Lineage.MONOCYTIC)
    monocytes_in_me: bool = True
    eosinophils: Codes = ("EOS", "ABE")
    plasma: Codes = codes_of(Lineage.PLASMA)
    unidentified: Codes = ("NIF", "OTH")
    unidentified_limit: Percent = 5.0
    blast_thresholds: tuple[Percent, ...] = (5.0, 10.0, 20.0)
    plasma_thresholds: tuple[Percent, ...] = (10.0, 60.0)
    me_blast_limit: Percent = 20.0
    auer_rod_limit: Percent = 10.0

    @model_validator(mode="after")
    def _codes_make_sense(self) -> Self:
        roles = ("excluded", "blasts", "erythroid", "myeloid", "monocytic", "eosinophils", "plasma")
        for role in (*roles, "unidentified"):
            codes = getattr(self, role)
            unknown = [code for code in codes if code not in CLASSES]
            if unknown:
                raise ValueError(f"{role}: {', '.join(unknown)} is not a class; see CLASSES")
            twice = [code for code, number in Counter(codes).items() if number > 1]
            if twice:
                raise ValueError(f"{role}: {', '.join(twice)} occurs twice and would be counted twice")
        for role in roles[1:]:
            both = set(getattr(self, role)) & set(self.excluded)
            if both:
                raise ValueError(f"{role}: {', '.join(sorted(both))} is excluded from the count")
        if set(self.me_numerator) & set(self.erythroid):
            raise ValueError("erythroid: a code is on both sides of M:E")
        for one, other in _APART:
            shared = sorted(set(getattr(self, one)) & set(getattr(self, other)))
            if shared:
                raise ValueError(f"{one} and {other}: {', '.join(shared)} stands in both groups")
        counted = sorted(set(self.unidentified) - set(self.excluded))
        if counted:
            raise ValueError(
                f"unidentified: {', '.join(counted)} is counted: leave it out of the count first"
            )
        if "PRM" in self.blasts:
            raise ValueError("blasts: promonocytes (PRM) are not counted as blasts")
        return self

    @property
    def blast_codes(self) -> Codes:
        """Return the codes counted as blasts, with faggot cells where the rules say so."""
        extra = ("FGC",) if self.fgc_as_blast and "FGC" not in self.blasts else ()
        return self.blasts + extra

    @property
    def me_numerator(self) -> Codes:
        """Return the codes above the line of M:E."""
        return self.myeloid + (self.monocytic if self.monocytes_in_me else ())

    @property
    def me_definition(self) -> str:
        """Return the definition of M:E in one sentence."""
        above, below = " + ".join(self.me_numerator), " + ".join(self.erythroid)
        if self.monocytes_in_me:
            return message("({above}) / ({below}), with monocytes", above=above, below=below)
        return message("({above}) / ({below}), without monocytes", above=above, below=below)

    @property
    def blast_definition(self) -> str:
        """Return the definition of a blast in one sentence."""
        return message(
            "Blasts are {codes}; promonocytes are not counted as blasts.", codes=" + ".join(self.blast_codes)
        )
