"""The Count tab: the live differential."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.cytology.differential import UNRELIABLE_TEXT, Differential
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.count_table import CountTable
from napari_bonemarrow.gui.views.parts import button, label, line, scrolled

EXPORTS = {"csv": "Cells (CSV)", "json": "Count (JSON)", "html": "Report (HTML)"}


class CountTab(QWidget):
    """What has been counted so far, how sure it is, and how to take it along."""

    export_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 8, 8, 8)
        content.setSpacing(6)
        self.headline = label(role="headline", wrap=False)
        self.who_text = label(role="quiet")
        self.target_bar = QProgressBar()
        self.target_bar.setTextVisible(False)
        self.target_bar.setFixedHeight(8)
        self.table = CountTable()
        self.interval_text = label(role="quiet")
        self.facts = QGridLayout()
        self.facts.setColumnStretch(1, 1)
        self.facts.setVerticalSpacing(4)
        self.excluded_text, self.ratio_text = label(), label()
        for row, (name, text) in enumerate((("Not counted", self.excluded_text), ("M:E", self.ratio_text))):
            self.facts.addWidget(label(name, "title", wrap=False), row, 0)
            self.facts.addWidget(text, row, 1)
        self.flags_text = label(role="warning")
        self.notes_text = label(role="quiet")
        for part in (self.headline, self.target_bar, self.who_text):
            content.addWidget(part)
        content.addLayout(self.facts)
        content.addWidget(self.table)
        content.addWidget(self.interval_text)
        content.addWidget(self.flags_text)
        content.addWidget(self.notes_text)
        content.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner), 1)
        layout.addWidget(line())
        layout.addLayout(self._export_part())
        self.show_differential(None)

    def _export_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setContentsMargins(8, 6, 8, 8)
        part.setSpacing(4)
        part.addWidget(label("Export", wrap=False))
        self.export_buttons = {}
        for kind, text in EXPORTS.items():
            made = button(text)
            made.clicked.connect(self._export_clicked(kind))
            self.export_buttons[kind] = made
            part.addWidget(made, 1)
        return part

    def _export_clicked(self, kind: str):
        def clicked() -> None:
            self.export_requested.emit(kind)

        return clicked

    def show_differential(self, counted: Differential | None) -> None:
        """Show a count, or that there is none yet."""
        for made in self.export_buttons.values():
            made.setEnabled(counted is not None)
        for part in (self.table, self.interval_text, self.target_bar, self.notes_text):
            part.setVisible(counted is not None)
        for at in range(self.facts.count()):
            self.facts.itemAt(at).widget().setVisible(counted is not None)
        if counted is None:
            self.flags_text.hide()
            self.headline.setText("Nothing counted yet")
            self.who_text.setText(
                "Find the cells of a smear in the Slide tab; the count follows every correction."
            )
            return
        self.headline.setText(f"{counted.counted} of {counted.target} counted")
        self.target_bar.setRange(0, counted.target)
        self.target_bar.setValue(min(counted.counted, counted.target))
        waiting = f", {counted.unclassified} not classified" if counted.unclassified else ""
        self.who_text.setText(
            f"model {counted.unreviewed - counted.unclassified}, reviewed {counted.reviewed}{waiting}"
        )
        self.table.show_rows(counted.classes)
        self.interval_text.setText(_legend(counted))
        self.excluded_text.setText(_listed(counted.excluded))
        ratio = counted.ratios["m_to_e"]
        self.ratio_text.setText(ratio.text)
        self.ratio_text.setToolTip(ratio.definition)
        arising = [flag.text for flag in counted.flags if not flag.code.endswith("_withheld")]
        withheld = [flag.text for flag in counted.flags if flag.code.endswith("_withheld")]
        self.flags_text.setText("\n".join(f"⚠ {text}" for text in arising))
        self.flags_text.setVisible(bool(arising))
        self.notes_text.setText("\n".join([*withheld, *(note.text for note in counted.notes)]))

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self.table.set_colors(colors)


def _legend(counted: Differential) -> str:
    text = "Bars: per cent of counted cells; whiskers: Wilson 95 % interval, sampling error only."
    if all(row.reliable for row in counted.classes):
        return text
    short, _space, rest = UNRELIABLE_TEXT.partition(" by ")
    return f"{text} A class that is {short} by {rest} has no percentage until every counted cell is reviewed."


def _listed(excluded) -> str:
    named = [f"{CLASSES[code].name} {count}" for code, count in excluded.items() if count and code in CLASSES]
    return " · ".join(named) or "none"
