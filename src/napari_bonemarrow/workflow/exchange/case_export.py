"""Export of several cases: each by itself, or all in one workbook."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.report import FORMATS, ReportError, export, make_folder
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.review import SUFFIX, Case
from napari_bonemarrow.workflow.inputs import WILDCARDS, Input, find_inputs
from napari_bonemarrow.workflow.report_options import report_options

logger = logging.getLogger(__name__)

_TOGETHER = ("xlsx", "crops")
"""Formats whose cases all go into one file or folder."""

Progress = Callable[[int, int, str], None]
Write = Callable[[Case, str], Path]


@dataclass(frozen=True, slots=True)
class CaseExport:
    """The export of one of several cases.

    Attributes
    ----------
    case : str
        The case as found, or its anonymous name.
    out : str
        What was written, empty after an error.
    error : str
        One line, empty on success.
    distrust : str
        Why the case must not be relied on; empty if it may be.
    """

    case: str
    out: str = ""
    error: str = ""
    distrust: str = ""


def is_one_case(given: Sequence[str | Path]) -> bool:
    """Return whether a single case is given, whose export goes to the path itself."""
    if len(given) != 1:
        return False
    path = Path(given[0])
    return not path.is_dir() and (path.exists() or not WILDCARDS & set(str(path)))


def export_cases(
    given: Sequence[str | Path],
    format: str,
    out: Path,
    *,
    anonymous: bool = False,
    options: ReportOptions | None = None,
    heatmaps: bool = False,
    progress: Progress | None = None,
) -> list[CaseExport]:
    """Export cases into a folder; one that fails is told, and the others go on.

    Parameters
    ----------
    given : sequence of str or Path
        Cases, folders (searched with those below them) or patterns.
    format : str
        A key of `FORMATS`.
    out : Path
        The folder: each case is ``<stem>.<name>`` in it, or a folder ``<stem>``. A stem that two cases share
        gets a short hash. ``xlsx`` is one workbook of all cases at this path, ``crops`` one folder.
    anonymous : bool
        Name results by the slide's fingerprint, and no file in messages.
    options : ReportOptions, optional
        As in `export`.
    heatmaps : bool
        Whether critical cells of a printed report have heatmaps.
    progress : callable, optional
        Called with the number done, the number of all, and the case.

    Returns
    -------
    list of CaseExport
        One for each case, in order.

    Raises
    ------
    ReportError
        If the format is unknown, or the folder or workbook cannot be written.
    """
    if format not in FORMATS:
        raise ReportError(f"{format}: no such format: choose one of {', '.join(FORMATS)}")
    inputs = find_inputs(given, out=out, suffixes=(SUFFIX,), slide_folders=False)
    if anonymous:
        inputs = [Input(each.path, "", f"case {at}", each.error) for at, each in enumerate(inputs, start=1)]
    with _writer(format, out, anonymous, options, heatmaps) as write:
        done = []
        for number, item in enumerate(inputs):
            if progress is not None:
                progress(number, len(inputs), item.shown)
            done.append(_exported(item, write))
        if format == "xlsx" and all(each.error for each in done):
            raise ReportError(f"{out}: not written, since no case could be exported: {done[0].error}")
    return done


def export_case(
    case: Case,
    format: str,
    path: Path,
    *,
    anonymous: bool = False,
    options: ReportOptions | None = None,
    heatmaps: bool = False,
) -> None:
    """Export a case; a printed report has its model's card, and heatmaps if wanted. See `export`."""
    if format in FORMATS and FORMATS[format].printed:
        options = report_options(case, options, heatmaps=heatmaps)
    export(case, format, path, anonymous=anonymous, options=options)


@contextmanager
def _writer(
    format: str, out: Path, anonymous: bool, options: ReportOptions | None, heatmaps: bool
) -> Iterator[Write]:
    """Yield the function that writes a case of some name."""
    if format == "xlsx":
        from napari_bonemarrow.report.exchange.workbook import workbook

        with workbook(out) as book:

            def add(case: Case, name: str) -> Path:
                book.add(case, name, anonymous)
                return out

            yield add
        return
    make_folder(out)
    chosen, used = FORMATS[format], set[str]()

    def write(case: Case, name: str) -> Path:
        fingerprint = case.slide_record.fingerprint[:12]
        name = name or (fingerprint if fingerprint not in used else f"{fingerprint}-{case.case_id[:6]}")
        used.add(name)
        path = out if format in _TOGETHER else out / (f"{name}.{chosen.name}" if chosen.name else name)
        export_case(case, format, path, anonymous=anonymous, options=options, heatmaps=heatmaps)
        return path

    yield write


def _exported(item: Input, write: Write) -> CaseExport:
    if item.error:
        return CaseExport(item.shown, error=one_line(item.hide_name(item.error)))
    try:
        with Case.open(item.path, read_only=True) as case:
            return CaseExport(item.shown, str(write(case, item.name)), distrust=case.distrust)
    except BoneMarrowError as error:
        logger.debug("%s failed", item.shown, exc_info=True)
        text = str(error)
    except Exception as error:  # a defect in one case must not stop the export of others
        logger.debug("%s failed", item.shown, exc_info=True)
        text = f"{item.path}: unexpected {type(error).__name__}: {error}: try it alone with --debug"
    return CaseExport(item.shown, error=one_line(item.hide_name(text)))
