"""The export of a case: as cells, as a count, as a report, and in every other format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.form_hints import shown
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.widgets.file_choice import ask_save
from napari_bonemarrow.gui.widgets.notices import EXPORT, Notices
from napari_bonemarrow.report import FORMATS, export
from napari_bonemarrow.review import Case

_MANY_CELLS: Final = 2000
"""Cells from which a table of them takes more than 0.1 s."""


class ExportOptions(BaseModel):
    """The options of an export."""

    model_config = ConfigDict(frozen=True)

    format: Literal[tuple(FORMATS)] = Field(  # type: ignore[valid-type]
        "csv",
        title="Format",
        json_schema_extra=shown(texts={each.key: each.title for each in FORMATS.values()}),
    )
    anonymous: bool = Field(
        False,
        title=settings.Settings.model_fields["anonymous"].title,
        description=settings.Settings.model_fields["anonymous"].description,
    )


def first_options(kind: str = "csv") -> ExportOptions:
    """Return the options of a format according to the user's settings."""
    return ExportOptions(format=kind, anonymous=settings.load().anonymous)


def ask_export(
    parent: QWidget, session: Session, options: ExportOptions, notices: Notices, tasks: Tasks
) -> None:
    """Ask the user for a path, and write the export."""
    slide, chosen_format = session.slide, FORMATS[options.format]
    stem = slide.fingerprint[:12] if options.anonymous else slide.path.stem
    if not chosen_format.name:
        folder = QFileDialog.getExistingDirectory(parent, "Export", str(session.case.path.parent))
        chosen = Path(folder) / f"{stem} {options.format}" if folder else None
    else:
        suggested = session.case.path.with_name(f"{stem} {chosen_format.name}")
        chosen = ask_save(parent, "Export", suggested, file_filter(options.format))
    if chosen is not None:
        begin_export(session, options, chosen, notices, tasks)


def file_filter(kind: str) -> str:
    """Return the filter of a file dialog for a format: ``Count for a record system (*.json)``."""
    chosen = FORMATS[kind]
    return f"{capital(chosen.what)} (*{Path(chosen.name).suffix})"


def begin_export(
    session: Session, options: ExportOptions, path: Path, notices: Notices, tasks: Tasks
) -> None:
    """Write a case at once if that is quick, else in a thread, from the file as it is now."""
    if not FORMATS[options.format].slow and len(session.case.cells) < _MANY_CELLS:
        write_export(session, options, path, notices)
        return
    case_path, failed = session.case.path, list[BoneMarrowError]()

    def write() -> Iterator[None]:
        # Every act is on the disk, and a case belongs to the thread that opened it.
        with Case.open(case_path, read_only=True) as case:
            export(case, options.format, path, anonymous=options.anonymous)
        yield None

    def fail(error: BoneMarrowError) -> None:
        failed.append(error)
        notices.fail(error, EXPORT)

    def finish() -> None:
        if not failed:
            notices.settle(EXPORT)
            notices.tell(f"Written: {path}")

    notices.tell(f"Writing {path.name}: work on meanwhile.")
    tasks.run(write, on_step=lambda _step: None, on_done=finish, on_failed=fail)


def write_export(session: Session, options: ExportOptions, path: Path, notices: Notices) -> bool:
    """Write a case in one of the formats; return whether it was written."""
    try:
        export(session.case, options.format, path, anonymous=options.anonymous)
    except BoneMarrowError as error:
        notices.fail(error, EXPORT)
        return False
    notices.settle(EXPORT)
    notices.tell(f"Written: {path}")
    return True
