"""Export formats of a case, without heavy imports, for the command line's help and the window's buttons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from napari_bonemarrow.cytology.lines import capital


class Format(NamedTuple):
    """An export format.

    Attributes
    ----------
    key : str
        Its name for ``--format``.
    what : str
        Its contents, in lower case.
    name : str
        The suggested file name, after the slide's name; empty for a folder.
    writer : str
        Module and function of `report`, called with the case, the path and ``anonymous``.
    usual : bool
        Whether ``count`` writes it for every input and the Count tab has a button for it.
    printed : bool
        Whether it is the printed report, whose writer also takes ``options``, a `ReportOptions`.
    identified : bool
        Whether it can name the patient and the order: its writer takes ``options`` for their fields.
    slow : bool
        Whether it takes longer than a window may wait, however few cells there are.
    """

    key: str
    what: str
    name: str
    writer: str
    usual: bool = False
    printed: bool = False
    identified: bool = False
    slow: bool = False

    @property
    def title(self) -> str:
        """Return its contents and its key, as a button or a list shows them."""
        return f"{capital(self.what)} ({self.key.upper()})"


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.key: each
        for each in (
            Format("csv", "cells", "cells.csv", "tables:write_cells_csv", usual=True),
            Format("json", "count", "differential.json", "document:write_differential_json", usual=True),
            Format("html", "report", "report.html", "page.html:write_html", usual=True, printed=True),
            Format(
                "pdf",
                "report for printing and archives",
                "report.pdf",
                "page.pdf:write_pdf",
                printed=True,
                slow=True,
            ),
            Format(
                "fhir", "count for a record system", "fhir.json", "exchange.fhir:write_fhir", identified=True
            ),
            Format("geojson", "points for QuPath", "cells.geojson", "exchange.geojson:write_geojson"),
            Format("coco", "boxes for detection networks", "coco.json", "exchange.coco:write_coco"),
            Format("dicom", "cells and count of a DICOM slide", "", "exchange.dicom:write_dicom", slow=True),
            Format("xlsx", "workbook for Excel", "counts.xlsx", "exchange.workbook:write_xlsx"),
            Format("crops", "pictures of reviewed cells", "", "exchange.crops:write_crops", slow=True),
            Format("tally", "tally by eye", "tally.csv", "tally:write_tally_csv"),
        )
    }
)
"""Every format by its key."""

USUAL = tuple(each for each in FORMATS.values() if each.usual)
