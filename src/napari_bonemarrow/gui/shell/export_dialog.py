"""The export of a case: as cells, as a count, as a report, and in every other format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.widgets.notices import EXPORT, Notices
from napari_bonemarrow.report import FORMATS, export


class ExportOptions(BaseModel):
    """The options of an export."""

    model_config = ConfigDict(frozen=True)

    format: Literal[tuple(FORMATS)] = Field("csv", title="Format")  # type: ignore[valid-type]
    anonymous: bool = Field(
        False,
        title=settings.Settings.model_fields["anonymous"].title,
        description=settings.Settings.model_fields["anonymous"].description,
    )


def first_options(kind: str = "csv") -> ExportOptions:
    """Return the options of a format according to the user's settings."""
    return ExportOptions(format=kind, anonymous=settings.load().anonymous)


def ask_export(parent: QWidget, session: Session, options: ExportOptions, notices: Notices) -> None:
    """Ask the user for a path, and write the export."""
    slide = session.slide
    stem = slide.fingerprint[:12] if options.anonymous else slide.path.stem
    name = FORMATS[options.format].name
    if not name:
        folder = QFileDialog.getExistingDirectory(parent, "Export", str(session.case.path.parent))
        chosen = str(Path(folder) / f"{stem} {options.format}") if folder else ""
    else:
        suggested = session.case.path.with_name(f"{stem} {name}")
        chosen, _filter = QFileDialog.getSaveFileName(
            parent, "Export", str(suggested), f"*{suggested.suffix}"
        )
    if chosen:
        write_export(session, options, Path(chosen), notices)


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
