"""Choice of regions on a whole slide: survey it, use its best regions, or count all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_bonemarrow.gui.setup.quality_legend import QualityLegend
from napari_bonemarrow.gui.setup.slide_models import LegendRow, WhereInfo
from napari_bonemarrow.gui.widgets.controls import button, label, set_role
from napari_bonemarrow.gui.widgets.progress_row import ProgressRow


class RegionChoicePart(QWidget):
    """The part of the Slide tab for whole slides."""

    survey_requested = Signal()
    best_requested = Signal()
    whole_requested = Signal()
    next_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = label(role="quiet")
        self.avoided_text = label(role="quiet")
        self.survey_button = button(
            "Survey the slide",
            tip="Look over the slide for places that are thin, sharp and well stained",
        )
        self.best_button = button(
            "Use the best regions", tip="Count the best regions, as many as the target is expected to need"
        )
        self.whole_button = button("Count the whole slide", tip="Search everything, however long it takes")
        self.next_button = button(
            "Add the next best region", tip="The order was fixed before any class was seen"
        )
        self.legend = QualityLegend()
        self.legend.hide()
        self._avoided = ""
        self.first_button: QPushButton | None = None
        """The next button, so that Enter alone does not begin to count the whole slide."""
        self.progress = ProgressRow()
        row = QHBoxLayout()
        row.addWidget(self.best_button, 1)
        row.addWidget(self.whole_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("Where to look", "title"))
        for part in (self.text, self.avoided_text, self.legend, self.survey_button):
            layout.addWidget(part)
        layout.addLayout(row)
        layout.addWidget(self.next_button)
        layout.addWidget(self.progress)
        for pressed in (self.survey_button, self.best_button):
            pressed.setAutoDefault(True)  # also by Enter
        for made, signal in (
            (self.survey_button, self.survey_requested),
            (self.best_button, self.best_requested),
            (self.whole_button, self.whole_requested),
            (self.next_button, self.next_requested),
        ):
            made.clicked.connect(signal)

    def show_info(self, info: WhereInfo, *, busy: bool) -> None:
        """Show the state of the slide; the coloured button is the next one."""
        self.text.setText(info.text)
        self._avoided = info.avoided
        self._show_avoided()
        free = info.can_choose and not busy
        self.survey_button.setText("Survey the slide again" if info.surveyed else "Survey the slide")
        self.survey_button.setVisible(info.can_choose)
        self.survey_button.setEnabled(free and info.can_survey)
        self.best_button.setVisible(info.can_choose and info.surveyed)
        self.best_button.setEnabled(free)
        self.whole_button.setVisible(info.can_choose)
        self.whole_button.setEnabled(free)
        self.next_button.setVisible(info.can_extend)
        self.next_button.setEnabled(not busy)
        steps = {"survey": self.survey_button, "best": self.best_button}
        self.first_button = steps.get(info.next_step)
        set_role(self.survey_button, "primary" if info.next_step == "survey" else "")
        set_role(self.best_button, "primary" if info.next_step == "best" else "")
        set_role(self.next_button, "primary" if info.can_extend else "")

    def show_legend(self, strip: NDArray[np.uint8], rows: Sequence[LegendRow]) -> None:
        """Show the legend of the quality map, with the reasons of avoided places."""
        self.legend.show_rows(strip, rows)
        self.legend.show()
        self._show_avoided()

    def hide_legend(self) -> None:
        """Hide the legend, without a map."""
        self.legend.hide()
        self._show_avoided()

    def _show_avoided(self) -> None:
        self.avoided_text.setText(self._avoided)
        self.avoided_text.setVisible(bool(self._avoided) and self.legend.isHidden())
