"""Take the count along: as cells, as a count, as a report."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.notices import EXPORT, Notices
from napari_bonemarrow.report import export

FILE_NAMES = {"csv": "cells.csv", "json": "differential.json", "html": "report.html", "tally": "tally.csv"}


def ask_export(parent: QWidget, session: Session, kind: str, notices: Notices) -> None:
    """Let the user choose where to write, and write."""
    suggested = session.case.path.with_name(f"{session.slide.path.stem} {FILE_NAMES[kind]}")
    chosen, _filter = QFileDialog.getSaveFileName(parent, "Export", str(suggested), f"*{suggested.suffix}")
    if chosen:
        write_export(session, kind, Path(chosen), notices)


def write_export(session: Session, kind: str, path: Path, notices: Notices) -> bool:
    """Write cells (csv), count (json), report (html) or tally (csv); tell whether it was written."""
    try:
        export(session.case, kind, path)
    except BoneMarrowError as error:
        notices.fail(error, EXPORT)
        return False
    notices.settle(EXPORT)
    notices.tell(f"Written: {path}")
    return True
