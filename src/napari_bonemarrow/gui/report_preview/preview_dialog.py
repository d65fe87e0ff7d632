"""The dialog with the pages of the report and its form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qtpy.QtCore import Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from napari_bonemarrow.gui.report_preview.page_view import WIDTH, PageView
from napari_bonemarrow.gui.report_preview.report_form import ReportForm
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label, scrolled

_FORM_WIDTH = 300
_HEIGHT = 680
"""Fits a screen of 1366×768 with its task bar."""


class PreviewDialog(QDialog):
    """The non-modal dialog; it shows and asks, and does nothing by itself."""

    save_requested = Signal(str)
    """Emitted with the key of a format."""
    closing = Signal()

    def __init__(self, parent: QWidget, languages: Mapping[str, str], layouts: Iterable[str]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Report")
        gone_when_closed(self)
        self.pages, self.form = PageView(), ReportForm(languages, layouts)
        self.status, self.error = label(role="quiet"), label(role="warning")
        self.error.hide()
        self.save_buttons = {
            "pdf": button("Save PDF…", "primary", "For printing and archives"),
            "html": button("Save HTML…", tip="One page for a browser"),
        }
        self.close_button = button("Close")
        for kind, made in self.save_buttons.items():
            made.clicked.connect(lambda _on=False, kind=kind: self.save_requested.emit(kind))
        self.close_button.clicked.connect(self.close)
        side = QVBoxLayout()
        area = scrolled(self.form)
        area.setFixedWidth(_FORM_WIDTH)
        side.addWidget(area, 1)
        for text in (self.status, self.error):
            text.setFixedWidth(_FORM_WIDTH)
            side.addWidget(text)
        row = QHBoxLayout()
        for each in (*self.save_buttons.values(), self.close_button):
            row.addWidget(each)
        side.addLayout(row)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.pages, 1)
        layout.addLayout(side)
        self.resize(WIDTH + _FORM_WIDTH + 70, _HEIGHT)

    def show_busy(self, text: str) -> None:
        """Show what is being done; empty when nothing is."""
        self.status.setText(text)

    def show_error(self, text: str) -> None:
        """Show an error until the next success; empty for none."""
        self.error.setText(text)
        self.error.setVisible(bool(text))

    def done(self, result: int) -> None:
        """Say that it closes, whichever way it was closed."""
        self.closing.emit()
        super().done(result)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Say that it closes."""
        self.closing.emit()
        super().closeEvent(event)
