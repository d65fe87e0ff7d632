"""The help page: keys and classes, printed from the one table of keys."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from napari_bonemarrow.gui.keys import help_html


class HelpDialog(QDialog):
    """A page that may stay open beside the work."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Bone marrow: keys and classes")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.page = QTextBrowser()
        self.page.setHtml(help_html())
        layout = QVBoxLayout(self)
        layout.addWidget(self.page)
        self.resize(420, 620)
