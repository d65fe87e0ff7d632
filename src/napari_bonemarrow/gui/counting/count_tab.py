"""The Count tab: the live differential, the readers, the sign-off, and the manual tally."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES, UNRELIABLE_TEXT, Differential
from napari_bonemarrow.cytology.notes import UNCHECKED, UNLIKE
from napari_bonemarrow.cytology.rows import (
    ADJUSTED_FROM,
    OF_NAMED_TEXT,
    AdjustedCount,
    adjusted_ratio_text,
    adjusted_text,
)
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.differential_model import in_words
from napari_bonemarrow.gui.counting.differential_table import DifferentialTable
from napari_bonemarrow.gui.counting.rules_part import RulesPart
from napari_bonemarrow.gui.counting.sample_part import SamplePart
from napari_bonemarrow.gui.counting.second_reader_part import SecondReaderPart
from napari_bonemarrow.gui.counting.sign_off_part import SignPart
from napari_bonemarrow.gui.counting.tally_view import TallyView
from napari_bonemarrow.gui.keys.key_hints import keyed
from napari_bonemarrow.gui.widgets.controls import button, label, line, scrolled
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors
from napari_bonemarrow.report import USUAL

TALLY = "Tally by eye"


class CountTab(QWidget):
    """The tab with the present count, its certainty, its readers and signature, and its export."""

    export_requested = Signal(str)
    copy_requested = Signal()
    tally_switched = Signal(bool)
    shown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.readers, self.sign, self.tally = SecondReaderPart(), SignPart(), TallyView()
        self.sample, self.rules = SamplePart(), RulesPart()
        self.tally.export_requested.connect(self._export_clicked("tally"))
        self.headline = label(role="headline", wrap=False)
        self.unlike_text = label(role="warning")
        self.unlike_text.setContentsMargins(8, 8, 8, 0)
        self.tally_headline = label(TALLY, role="headline", wrap=False)
        self.tally_headline.hide()
        self.tally_button = button(
            TALLY, tip="Count cells by their keys without a model, field by field; kept apart"
        )
        self.tally_button.setCheckable(True)
        self.tally_button.toggled.connect(self._on_tally)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._count_page())
        self.pages.addWidget(self.tally)
        top = QHBoxLayout()
        top.setContentsMargins(8, 8, 8, 0)
        top.addWidget(self.headline, 1)
        top.addWidget(self.tally_headline, 1)
        top.addWidget(self.tally_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.unlike_text)
        layout.addLayout(top)
        layout.addWidget(self.pages, 1)
        self.export_part = self._export_part()
        layout.addWidget(self.export_part)
        self.show_differential(None)

    def _count_page(self) -> QWidget:
        page, inner = QWidget(), QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 0, 8, 8)
        content.setSpacing(6)
        self.who_text, self.target_text = label(role="quiet"), label(role="quiet", wrap=False)
        self.basis_text = label(role="title")
        self.target_bar = QProgressBar()
        self.target_bar.setTextVisible(False)
        self.target_bar.setFixedHeight(8)
        self.table = DifferentialTable()
        self.interval_text, self.adjusted_text = label(role="quiet"), label(role="quiet")
        self.adjusted_text.hide()
        self.flags_text, self.notes_text = label(role="warning"), label(role="quiet")
        content.addWidget(self.basis_text)
        content.addWidget(self.target_bar)
        below = QHBoxLayout()
        below.addWidget(self.who_text, 1)
        below.addWidget(self.target_text)
        content.addLayout(below)
        content.addLayout(self._facts_part())
        content.addWidget(self.table)
        content.addWidget(self.adjusted_text)
        content.addLayout(self._legend_part())
        for part in (self.flags_text, self.notes_text):
            content.addWidget(part)
        content.addStretch(1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scrolled(inner), 1)
        layout.addWidget(line())
        layout.addWidget(self.sample)
        layout.addWidget(self.readers)
        layout.addWidget(self.sign)
        return page

    def _legend_part(self) -> QHBoxLayout:
        self.copy_button = button(
            "Copy table", tip="Copy the count for a laboratory system's form or a spreadsheet"
        )
        self.copy_button.clicked.connect(self.copy_requested)
        part = QHBoxLayout()
        part.addWidget(self.interval_text, 1)
        part.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)
        return part

    def _facts_part(self) -> QGridLayout:
        self.facts = QGridLayout()
        self.facts.setColumnStretch(1, 1)
        self.facts.setVerticalSpacing(4)
        self.excluded_text, self.ratio_text = label(), label()
        parts = (("Not counted", self.excluded_text), ("M:E", self.ratio_text), ("Rules", self.rules))
        for row, (name, text) in enumerate(parts):
            self.facts.addWidget(label(name, "title", wrap=False), row, 0)
            self.facts.addWidget(text, row, 1)
        return self.facts

    def _export_part(self) -> QWidget:
        made_part = QWidget()
        outer = QVBoxLayout(made_part)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(line())
        part = QHBoxLayout()
        part.setContentsMargins(8, 6, 8, 8)
        part.setSpacing(4)
        self.report_button = button("Report…")
        keyed(self.report_button, "export", "report", "Fill in the report, see its pages, save it")
        self.report_button.clicked.connect(self._export_clicked("report"))
        part.addWidget(self.report_button, 1)
        self.export_buttons = {}
        for each in USUAL:
            made = button(each.key.upper(), tip=f"Export: {each.title}")
            made.clicked.connect(self._export_clicked(each.key))
            self.export_buttons[each.key] = made
            part.addWidget(made, 1)
        self.more_button = button("…", tip="Another format, or without the file's name")
        self.more_button.setFixedWidth(28)
        self.more_button.clicked.connect(self._export_clicked("any"))
        part.addWidget(self.more_button)
        outer.addLayout(part)
        return made_part

    def _export_clicked(self, kind: str) -> Callable[[], None]:
        def clicked() -> None:
            self.export_requested.emit(kind)

        return clicked

    @property
    def tallying(self) -> bool:
        """Return whether the tab shows the manual tally."""
        return self.tally_button.isChecked()

    def _on_tally(self, on: bool) -> None:
        self.pages.setCurrentWidget(self.tally if on else self.pages.widget(0))
        self.export_part.setVisible(not on)
        self.headline.setVisible(not on)
        self.tally_headline.setVisible(on)
        self.tally_button.setText("Back to the found cells" if on else TALLY)
        self.tally_switched.emit(on)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Signal that the tab is visible, so that its content is updated."""
        super().showEvent(event)
        self.shown.emit()

    def show_headline(self, counted: Differential | None) -> None:
        """Show only the number of counted cells."""
        text = "Nothing counted yet" if counted is None else f"{counted.counted} of {counted.target} counted"
        self.headline.setText(text)

    def show_differential(
        self, counted: Differential | None, model: Differential | None = None, basis: str = ""
    ) -> None:
        """Show a count, or that there is none yet.

        Parameters
        ----------
        counted : Differential or None
        model : Differential, optional
            The model's own count, shown next to it; a sample shows its cells there.
        basis : str
            Which count this is.
        """
        self.show_headline(counted)
        self.basis_text.setText(basis)
        self.basis_text.setVisible(bool(basis))
        self._show_parts(counted is not None)
        unlike = "" if counted is None else counted.unlike_text
        self.unlike_text.setText(f"⚠ {unlike}")
        self.unlike_text.setVisible(bool(unlike))
        if counted is None or counted.adjust is None:
            self.show_adjusted(None)
        if counted is None:
            self.flags_text.hide()
            self.who_text.setText(
                "Find the cells of a smear in the Slide tab; the count follows every correction."
            )
            return
        self.target_bar.setRange(0, counted.target)
        self.target_bar.setValue(min(counted.counted, counted.target))
        self.target_text.setText(_target_text(counted))
        waiting = f", {counted.unclassified} not classified" if counted.unclassified else ""
        waiting += f", imported {counted.imported}" if counted.imported else ""
        alone = counted.unreviewed - counted.unclassified - counted.imported
        who = f"model {alone}, reviewed {counted.reviewed}{waiting}"
        self.who_text.setText("" if counted.is_sampled else who)
        model_rows = None if model is None or counted.is_sampled else model.classes
        self.table.show_rows(counted.classes, model_rows, complete=counted.fully_reviewed)
        self.interval_text.setText(_legend(counted))
        self.excluded_text.setText(_listed(counted.excluded))
        ratio = counted.ratios["m_to_e"]
        self.ratio_text.setText(ratio.text)
        set_tip(self.ratio_text, in_words(ratio))
        self._show_notes(counted)

    def show_adjusted(self, adjusted: AdjustedCount | None) -> None:
        """Show the count adjusted by the model's errors on held-out cells; nothing without one."""
        self.table.show_adjusted(adjusted)
        blasts = None if adjusted is None else adjusted.row("blasts")
        self.adjusted_text.setVisible(adjusted is not None)
        if adjusted is not None and blasts is not None:
            text = f"Blasts {adjusted_text(blasts)} · M:E {adjusted_ratio_text(adjusted)}"
            self.adjusted_text.setText(f"{text}: {ADJUSTED_FROM}.")

    def _show_parts(self, any_count: bool) -> None:
        for made in (self.report_button, *self.export_buttons.values(), self.more_button):
            made.setEnabled(any_count)
        self.copy_button.setVisible(any_count)
        for part in (self.table, self.interval_text, self.target_bar, self.target_text, self.notes_text):
            part.setVisible(any_count)
        for at in range(self.facts.count()):
            existing(existing(self.facts.itemAt(at)).widget()).setVisible(any_count)

    def _show_notes(self, counted: Differential) -> None:
        """Show the notes on this count, without those at the top or next to the target."""
        quiet = [flag for flag in counted.flags if flag.code.endswith("_withheld") or flag.code == UNCHECKED]
        withheld = [flag.text for flag in quiet]
        arising = [
            flag.text
            for flag in counted.flags
            if flag not in quiet and flag.code not in ("below_target", UNLIKE)
        ]
        self.flags_text.setText("\n".join(f"⚠ {text}" for text in arising))
        self.flags_text.setVisible(bool(arising))
        self.notes_text.setText("\n".join([*withheld, *(note.text for note in counted.notes)]))

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        for part in (self.table, self.readers, self.sign, self.tally):
            part.set_colors(colors)


def _target_text(count: Differential) -> str:
    """Return the missing cells to the profile's numbers and the target, the smallest first."""
    counted, profile = count.counted, count.profile
    wanted = sorted({profile.minimum, profile.target, count.target})
    texts = [f"{number} reached" for number in wanted if counted >= number]
    missing = [f"{number - counted} {{}}for {number}" for number in wanted if counted < number]
    texts += [text.format("" if at else "more ") for at, text in enumerate(missing)]
    return " · ".join(texts)


def _legend(counted: Differential) -> str:
    if counted.is_sampled and counted.estimate is not None:
        return (
            f"Percentages are estimated from a random sample, {counted.estimate.reviewed} of "
            f"{counted.estimate.frame:,} cells; whiskers: 95 % interval, for the error of the sample and of "
            "the counted cells. Of a class of which none was seen only the upper limit is known."
        )
    if any(row.share_text for row in counted.classes):
        of = "of a partly reviewed count" if counted.reviewed else OF_NAMED_TEXT
        return f"Small shares are {of}: percentages stand once every counted cell is reviewed."
    text = "Bars: per cent of counted cells; whiskers: Wilson 95 % interval, sampling error only."
    if all(row.reliable for row in counted.classes):
        return text
    short, _space, rest = UNRELIABLE_TEXT.partition(" by ")
    return f"{text} A class that is {short} by {rest} has no percentage until every counted cell is reviewed."


def _listed(excluded: Mapping[str, int]) -> str:
    named = [f"{CLASSES[code].name} {count}" for code, count in excluded.items() if count and code in CLASSES]
    return " · ".join(named) or "none"
