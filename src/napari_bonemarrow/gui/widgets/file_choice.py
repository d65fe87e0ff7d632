"""The question where a file is to be saved."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QDialog, QFileDialog, QWidget


def ask_save(parent: QWidget, title: str, suggested: Path, pattern: str) -> Path | None:
    """Ask the user for the path of a file.

    Parameters
    ----------
    parent : QWidget
    title : str
    suggested : Path
        A typed name without a suffix gets that of this one. Quotation marks in its name become apostrophes:
        Qt's own dialog takes what stands between them for the whole name, and Windows refuses them.
    pattern : str
        Filter of the dialog: ``Report (*.pdf)``.

    Returns
    -------
    Path or None
        None where the user gave up.
    """
    dialog = QFileDialog(parent, title, str(suggested.parent), pattern)
    try:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setDefaultSuffix(suggested.suffix)
        dialog.selectFile(suggested.name.replace('"', "'"))
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return None
        return Path(dialog.selectedFiles()[0])
    finally:
        dialog.deleteLater()
