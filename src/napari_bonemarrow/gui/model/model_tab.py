"""The Model tab: the model bundle in use, its device, what the laboratory taught, and its training data."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QGridLayout, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES, Support
from napari_bonemarrow.cytology.classes import SUPPORT_TEXT
from napari_bonemarrow.gui.model.bundle_info import ModelInfo
from napari_bonemarrow.gui.model.laboratory_part import LaboratoryPart
from napari_bonemarrow.gui.widgets.controls import label, line, scrolled, swatch_icon
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.tables import clear


class ModelTab(QWidget):
    """The tab with bundle, device and training support."""

    def __init__(self) -> None:
        super().__init__()
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 8, 8, 8)
        self.name_text, self.device_text, self.hash_text = label(), label(), label(role="quiet")
        self.hash_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.problem_text = label(role="warning")
        form = QFormLayout()
        form.addRow("Model", self.name_text)
        form.addRow("Runs on", self.device_text)
        form.addRow("Fingerprint", self.hash_text)
        content.addLayout(form)
        content.addWidget(self.problem_text)
        content.addWidget(line())
        self.laboratory = LaboratoryPart()
        content.addWidget(self.laboratory)
        content.addWidget(line())
        content.addWidget(label("How well it knows each class", "title"))
        self.support_grid = QGridLayout()
        self.support_grid.setVerticalSpacing(2)
        self.support_grid.setColumnStretch(3, 1)
        content.addLayout(self.support_grid)
        content.addWidget(
            label(
                "Only classes learnt from marrow are reliably recognised. The others print no percentage "
                "until every counted cell has been reviewed.",
                "quiet",
            )
        )
        content.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))
        self.show_model(ModelInfo("", "", "loading…", ()))

    def show_model(self, info: ModelInfo) -> None:
        """Show a bundle, or that it is being loaded or could not be."""
        self.name_text.setText(info.name or "–")
        self.device_text.setText(info.device)
        self.hash_text.setText(info.sha256[:16] or "–")
        set_tip(self.hash_text, info.sha256)
        self.problem_text.setText(info.problem)
        self.problem_text.setVisible(bool(info.problem))
        clear(self.support_grid)
        order = [code for code in CLASSES if code in dict(info.support)]
        support = dict(info.support)
        for row, code in enumerate(order):
            sign = label(wrap=False)
            sign.setPixmap(swatch_icon(code).pixmap(14, 14))
            role = "" if support[code] is Support.TRAINED else "quiet"
            parts = (sign, label(code, wrap=False), label(CLASSES[code].name, wrap=False))
            for column, part in enumerate((*parts, label(SUPPORT_TEXT[support[code]], role, wrap=False))):
                self.support_grid.addWidget(part, row, column)
