"""A case as files: CSV, JSON, HTML and GeoJSON."""

from .document import CELL_COLUMNS as CELL_COLUMNS
from .document import FOUND_COLUMNS as FOUND_COLUMNS
from .document import SCHEMA as SCHEMA
from .document import differential_document as differential_document
from .export import export as export
from .files import ReportError as ReportError
from .files import make_folder as make_folder
from .files import write_bytes as write_bytes
from .files import write_text as write_text
from .formats import FORMATS as FORMATS
from .formats import USUAL as USUAL
from .page.html import html_report as html_report
from .page.options import ReportOptions as ReportOptions
from .tables import SummaryRow as SummaryRow
from .tables import defused as defused
from .tables import table as table
from .tables import write_cells_csv as write_cells_csv
from .tables import write_found_csv as write_found_csv
from .tables import write_summary_csv as write_summary_csv
