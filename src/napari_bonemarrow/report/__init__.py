"""A case as files: CSV, JSON, HTML and GeoJSON."""

from napari_bonemarrow.report.document import CELL_COLUMNS, FOUND_COLUMNS, SCHEMA, differential_document
from napari_bonemarrow.report.export import (
    FORMATS,
    export,
    write_differential_json,
    write_geojson,
    write_html,
)
from napari_bonemarrow.report.files import ReportError, make_folder, write_bytes, write_text
from napari_bonemarrow.report.html import html_report
from napari_bonemarrow.report.tables import (
    SummaryRow,
    defused,
    table,
    write_cells_csv,
    write_found_csv,
    write_summary_csv,
)

__all__ = [
    "CELL_COLUMNS",
    "FORMATS",
    "FOUND_COLUMNS",
    "SCHEMA",
    "ReportError",
    "SummaryRow",
    "defused",
    "differential_document",
    "export",
    "html_report",
    "make_folder",
    "table",
    "write_bytes",
    "write_cells_csv",
    "write_differential_json",
    "write_found_csv",
    "write_geojson",
    "write_html",
    "write_summary_csv",
    "write_text",
]
