"""Help page with keys and classes, from the table of keys."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QPagedPaintDevice, QPageSize, QPdfWriter, QTextDocument
from qtpy.QtPrintSupport import QPrintDialog, QPrinter
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.keys.bindings import TABLE, help_html, help_sheet
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label, set_role
from napari_bonemarrow.gui.widgets.file_choice import ask_save
from napari_bonemarrow.system.files import why

_PATTERN = "PDF (*.pdf);;HTML (*.html)"
SUGGESTED = "bone-marrow-keys.pdf"


class HelpDialog(QDialog):
    """A non-modal help page that follows changes of the keys."""

    keys_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Bone marrow: keys and classes")
        gone_when_closed(self)
        self.search_box = QLineEdit()
        self.search_box.setPlaceholderText("Search a key, a class or an act")
        self.search_box.setAccessibleName("Search the keys")
        self.search_box.setClearButtonEnabled(True)
        self.search_box.textChanged.connect(self._show)
        self.page = QTextBrowser()
        self.page.setAccessibleName("Keys and classes")
        self.notice = label()
        self.notice.hide()
        layout = QVBoxLayout(self)
        for part in (self.search_box, self.page, self.notice):
            layout.addWidget(part, 1 if part is self.page else 0)
        layout.addLayout(self._button_part())
        self.resize(440, 660)
        self._show()
        TABLE.changed.connect(self._show)
        when_destroyed(self, partial(TABLE.changed.disconnect, self._show, missing_ok=True))

    def _button_part(self) -> QHBoxLayout:
        self.keys_button = button("Keys…", tip="Change keys, or take those of your laboratory")
        self.print_button = button("Print…")
        self.save_button = button("Save…", tip="As PDF or HTML")
        self.keys_button.clicked.connect(self.keys_requested)
        self.print_button.clicked.connect(self._ask_printer)
        self.save_button.clicked.connect(self._ask_file)
        part = QHBoxLayout()
        for made in (self.keys_button, self.print_button, self.save_button):
            made.setAutoDefault(False)
            part.addWidget(made)
        part.addStretch(1)
        close = QPushButton("Close")
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        part.addWidget(close)
        return part

    def _show(self, _text: str = "") -> None:
        self.page.setHtml(help_html(search=self.search_box.text()))

    def _ask_printer(self) -> None:
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        if QPrintDialog(printer, self).exec():
            print_sheet(printer)

    def _ask_file(self) -> None:
        chosen = ask_save(self, "Save the keys", Path(SUGGESTED), _PATTERN)
        if chosen is not None:
            self.write(chosen)

    def write(self, path: Path) -> None:
        """Write the page as HTML or, for any other suffix, as PDF."""
        try:
            if path.suffix.lower() in {".html", ".htm"}:
                path.write_text(help_sheet(), encoding="utf-8")
            else:
                write_pdf(path)
        except OSError as error:
            reason = why(error)
            self._tell(f"{path.name}: it could not be written ({reason}): choose another folder", "warning")
        else:
            self._tell(f"Written: {path.name}.", "quiet")

    def _tell(self, text: str, role: str) -> None:
        self.notice.setText(text)
        set_role(self.notice, role)
        self.notice.show()


def sheet() -> QTextDocument:
    """Return the printable sheet."""
    document = QTextDocument()
    document.setHtml(help_sheet())
    return document


def print_sheet(target: QPagedPaintDevice) -> None:
    """Print the sheet, or write it as a file with the same look."""
    document = sheet()
    document.print_(target)  # type: ignore[attr-defined]  # the name in PySide6, which qtpy gives PyQt6 too


def write_pdf(path: Path) -> None:
    """Write the sheet as a PDF of A4.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.open("ab").close()  # Qt itself only prints a warning
    writer = QPdfWriter(str(path))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setTitle("Bone marrow: keys and classes")
    print_sheet(writer)
