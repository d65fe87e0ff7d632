"""Class schemes of other data sets, with the class of each folder among the 21.

Sources: Matek et al. 2021 (doi 10.7937/TCIA.AXH3-T579) for the 21 codes; Acevedo et al. 2020
(doi 10.17632/snkd93bnjr.1) for the peripheral-blood codes; Choi et al. 2017
(doi 10.1371/journal.pone.0189259), ten stages of the myeloid and erythroid series in marrow. Choi's images
have no folder codes, so folders are named by stage in lower case. The 21 classes separate only the first
stage of the erythroblasts from the later three, which are one class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from napari_bonemarrow.cytology.classes import BMC21, REVIEWER_ONLY


@dataclass(frozen=True, slots=True)
class Scheme:
    """The folder names of a data set and their classes.

    Attributes
    ----------
    name : str
        ``bmc21``, ``pbc`` or ``choi10``.
    codes : mapping of str to (str or None)
        Folder name to class code; None where it is not among the 21.
    marrow : bool
        Whether its cells were photographed in marrow rather than in blood.
    sums : mapping of str to tuple of str
        In a scheme coarser than the 21 classes: a stage, named by one of them, to the classes whose
        probabilities add up to it. Stages of a single class need no entry.
    """

    name: str
    codes: Mapping[str, str | None]
    marrow: bool
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the class codes of the scheme in alphabetical order."""
        return tuple(sorted({code for code in self.codes.values() if code is not None}))


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        # Crops of our own cases can have a class that only a reviewer gives.
        "bmc21": Scheme(
            "bmc21",
            MappingProxyType({code: code for code in BMC21} | dict.fromkeys(REVIEWER_ONLY)),
            marrow=True,
        ),
        "pbc": Scheme(
            "pbc",
            MappingProxyType(
                {
                    "BNE": "NGB",
                    "SNE": "NGS",
                    "EO": "EOS",
                    "BA": "BAS",
                    "ERB": "EBO",
                    "LY": "LYT",
                    "MO": "MON",
                    "PMY": "PMO",
                    "MY": "MYB",
                    "MMY": "MMZ",
                    "PLATELET": None,
                }
            ),
            marrow=False,
        ),
        "choi10": Scheme(
            "choi10",
            MappingProxyType(
                {
                    "myeloblast": "BLA",
                    "promyelocyte": "PMO",
                    "myelocyte": "MYB",
                    "metamyelocyte": "MMZ",
                    "band_neutrophil": "NGB",
                    "segmented_neutrophil": "NGS",
                    "proerythroblast": "PEB",
                    "basophilic_erythroblast": "EBO",
                    "polychromatic_erythroblast": "EBO",
                    "orthochromatic_erythroblast": "EBO",
                }
            ),
            marrow=True,
            # Choi has no stage for an abnormal promyelocyte.
            sums=MappingProxyType({"PMO": ("PMO", "FGC")}),
        ),
    }
)
"""Every scheme whose folders we read, by name."""


def scheme_of(folders: Iterable[str]) -> Scheme | None:
    """Return the scheme that knows every one of these folder names, or None."""
    names = set(folders)
    for scheme in SCHEMES.values():
        if names and names <= set(scheme.codes):
            return scheme
    return None
