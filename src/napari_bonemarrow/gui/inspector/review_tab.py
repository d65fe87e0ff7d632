"""The Review tab: one cell at a time."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from napari_bonemarrow.gui.inspector.cell_heading import CellHeading, OneLine
from napari_bonemarrow.gui.inspector.cell_models import CellInfo, ProgressInfo
from napari_bonemarrow.gui.inspector.comment_box import CommentBox
from napari_bonemarrow.gui.inspector.crop_view import CropView
from napari_bonemarrow.gui.inspector.explanation_buttons import ExplanationButtons
from napari_bonemarrow.gui.inspector.guess_bars import GuessBars
from napari_bonemarrow.gui.inspector.history_view import HistoryView
from napari_bonemarrow.gui.inspector.label_grid import LabelGrid
from napari_bonemarrow.gui.inspector.lookalike_row import LookalikeRow
from napari_bonemarrow.gui.inspector.settlement_choice import SettlementChoice
from napari_bonemarrow.gui.inspector.teaching_info import TeachingInfo
from napari_bonemarrow.gui.keys.key_hints import keyed
from napari_bonemarrow.gui.widgets.controls import button, label, line, scrolled
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class ReviewTab(QWidget):
    """The inspector of the selected cell.

    Nothing moves under the mouse when another cell is shown: empty parts keep their places, and parts that
    can grow come last.
    """

    label_chosen = Signal(str)
    tag_toggled = Signal(str, bool)
    comment_written = Signal(str)
    why_chosen = Signal(str)
    outline_toggled = Signal(bool)
    next_requested = Signal()
    back_requested = Signal()
    accept_requested = Signal()
    undo_requested = Signal()
    redo_requested = Signal()
    remove_requested = Signal()
    split_requested = Signal()
    merge_requested = Signal()
    flag_toggled = Signal(bool)
    goes_on_toggled = Signal(bool)
    learning_switched = Signal(bool)
    gallery_requested = Signal()
    count_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._can_merge = self._blind = False
        self._more = 0
        self.heading = CellHeading()
        self.heading.count_requested.connect(self.count_requested)
        self.title, self.standing = self.heading.title, self.heading.standing
        self.toast = OneLine("toast")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.heading)
        layout.addWidget(scrolled(self._content()), 1)
        layout.addWidget(line())
        layout.addWidget(self._toast_part())
        layout.addLayout(self._going_part())
        layout.addLayout(self._way_part())
        self.show_cell(None, "")

    def _content(self) -> QWidget:
        """Make the scrolled content, from top to bottom, which is also Tab's order."""
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 4, 8, 4)
        content.setSpacing(6)
        self.unlike, self.locked = label(role="warning"), label(role="warning")
        for part in (self.unlike, self.locked):
            part.hide()
            content.addWidget(part)
        content.addWidget(self._cell_pages())
        self.grid = LabelGrid()
        self.grid.label_chosen.connect(self.label_chosen)
        self.grid.tag_toggled.connect(self.tag_toggled)
        content.addWidget(self.grid)
        content.addLayout(self._reshape_part())
        self.why_part = ExplanationButtons()
        self.why_part.chosen.connect(self.why_chosen)
        content.addWidget(self.why_part)
        content.addLayout(self._outline_part())
        self.comment_box = CommentBox()
        self.comment_box.written.connect(self.comment_written)
        self.lookalikes, self.history = LookalikeRow(), HistoryView()
        for last in (self.comment_box, self.lookalikes, self.history):
            content.addWidget(last)
        content.addStretch(1)
        return inner

    def _cell_pages(self) -> QStackedWidget:
        """Make the pages of crop and hint, of equal size."""
        self.cell_part, hint_page = QWidget(), QWidget()
        self.cell_part.setLayout(self._crop_part())
        self.hint = label(role="quiet")
        hinted = QVBoxLayout(hint_page)
        hinted.setContentsMargins(0, 0, 0, 0)
        hinted.addWidget(self.hint, 0, Qt.AlignmentFlag.AlignTop)
        self._pages = QStackedWidget()
        self._pages.addWidget(hint_page)
        self._pages.addWidget(self.cell_part)
        self._pages.setFixedHeight(self.crop.height())
        return self._pages

    def _crop_part(self) -> QHBoxLayout:
        self.crop = CropView()
        self.bars = GuessBars()
        self.bars.chosen.connect(self.label_chosen)
        self.unreliable = label("hatched: not reliably recognised by this model", "quiet")
        self.readers = SettlementChoice()
        self.readers.chosen.connect(self.label_chosen)
        guessed = QWidget()
        side = QVBoxLayout(guessed)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(2)
        side.addWidget(self.bars)
        side.addWidget(self.unreliable)
        side.addStretch(1)
        self._sides = QStackedWidget()
        self._sides.addWidget(guessed)
        self._sides.addWidget(self.readers)
        part = QHBoxLayout()
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(8)
        part.addWidget(self.crop, 0, Qt.AlignmentFlag.AlignTop)
        part.addWidget(self._sides, 1)
        return part

    def _outline_part(self) -> QHBoxLayout:
        self.outline_box = QCheckBox("Outline")
        self.outline_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keyed(self.outline_box, "outline", "", "Border of the cell and of its nucleus")
        self.outline_box.clicked.connect(self.outline_toggled)
        self.outline_text = OneLine("quiet")
        part = QHBoxLayout()
        part.setSpacing(6)
        part.addWidget(self.outline_box)
        part.addWidget(self.outline_text, 1)
        return part

    def _reshape_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setSpacing(3)
        self.flag_button, self.split_button = button("Flag"), button("Split")
        self.merge_button, self.remove_button = button("Join"), button("Remove")
        self.flag_button.setCheckable(True)
        keyed(self.flag_button, "flag", "", "Look at it again later")
        keyed(self.split_button, "split", "", "Two cells that were taken for one; twice for the long axis")
        keyed(self.merge_button, "merge", "", "Parts of one cell: Shift+click selects more")
        keyed(self.remove_button, "remove", "", "No cell: take it out")
        for made, signal in (
            (self.flag_button, self.flag_toggled),
            (self.split_button, self.split_requested),
            (self.merge_button, self.merge_requested),
            (self.remove_button, self.remove_requested),
        ):
            made.clicked.connect(signal)
            part.addWidget(made, 1)
        return part

    def _toast_part(self) -> QWidget:
        """Make the line about the last act on several cells, and about the next click."""
        part = QWidget()
        row = QHBoxLayout(part)
        row.setContentsMargins(8, 4, 8, 0)
        row.addWidget(self.toast, 1)
        return part

    def _going_part(self) -> QHBoxLayout:
        self.goes_on_box = QCheckBox("Next cell after a class key")
        self.goes_on_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keyed(self.goes_on_box, "go_on", "", "One key a cell: a class key or a guess moves to the next cell")
        self.goes_on_box.clicked.connect(self.goes_on_toggled)
        self.learning_box = QCheckBox("Use what I teach")
        self.learning_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keyed(
            self.learning_box,
            "learning",
            "",
            "The cells that you name teach the guesses of the others at once",
        )
        self.learning_box.clicked.connect(self.learning_switched)
        part = QHBoxLayout()
        part.setContentsMargins(8, 2, 8, 0)
        part.setSpacing(12)
        part.addWidget(self.goes_on_box)
        part.addWidget(self.learning_box)
        part.addStretch(1)
        self.gallery_button = button("Gallery", "link")
        keyed(self.gallery_button, "gallery", "", "All cells as thumbnails, in the order of the work list")
        self.gallery_button.clicked.connect(self.gallery_requested)
        part.addWidget(self.gallery_button)
        return part

    def _way_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setContentsMargins(8, 4, 8, 8)
        part.setSpacing(4)
        self.undo_button, self.redo_button, self.back_button = button("↶"), button("↷"), button("◂")
        self.accept_button, self.next_button = button("Accept"), button("Next ▸", "primary")
        for made, act, tip in (
            (self.undo_button, "undo", "Undo"),
            (self.redo_button, "redo", "Redo"),
            (self.back_button, "back", "Back to the cell before"),
            (self.accept_button, "accept", "Accept the class that it has, and go to the next cell"),
            (self.next_button, "next", "Next cell of the work list"),
        ):
            keyed(made, act, "", tip)
            made.setAccessibleName(tip)
        for made, signal in (
            (self.undo_button, self.undo_requested),
            (self.redo_button, self.redo_requested),
            (self.back_button, self.back_requested),
            (self.accept_button, self.accept_requested),
            (self.next_button, self.next_requested),
        ):
            made.clicked.connect(signal)
            part.addWidget(made, 1 if made is self.next_button else 0)
        return part

    def show_cell(self, info: CellInfo | None, hint: str) -> None:
        """Show a cell; without one, the hint says how to select or make one."""
        self.hint.setText(hint)
        self._pages.setCurrentIndex(int(info is not None))
        free = info is not None and not info.read_only
        self.grid.setEnabled(free)
        self.accept_button.setEnabled(info is not None and free and bool(info.code) and not info.readers)
        for widget in (
            self.bars,
            self.readers,
            self.comment_box,
            self.flag_button,
            self.remove_button,
            self.split_button,
        ):
            widget.setEnabled(free)
        self._can_merge = free
        self._show_merge()
        self.history.show_lines(() if info is None else info.history)
        if info is None:
            self.title.setText("No cell selected")
            self.standing.setText("")
            self.grid.show_state("", frozenset())
            return
        self.standing.setText(info.standing_text)
        if info.crop is not None:
            self.crop.show_crop(info.crop, info.crop_microns_per_pixel)
        self._sides.setCurrentIndex(int(bool(info.readers)))
        if info.readers:
            self.readers.show_classes(info.readers)
        self.bars.show_guesses(info.guesses)
        shown = info.guesses[:3]
        self.unreliable.setVisible(not self._blind and any(not guess.is_known for guess in shown))
        self.grid.show_state(info.code, info.tags)

    def show_heading(self, text: str, standing: str = "") -> None:
        """Show the cell, or the number of cells, that a key changes."""
        self.title.setText(text)
        if standing:
            self.standing.setText(standing)

    def show_progress(self, info: ProgressInfo) -> None:
        """Show the progress of the review."""
        self.heading.show_progress(info)

    def show_teaching(self, info: TeachingInfo | None) -> None:
        """Show how well what was taught predicts, and whether it is used; None without a smear."""
        self.heading.teaching_text.setText("" if info is None else info.text)
        self.learning_box.setChecked(info is None or info.on)
        self.learning_box.setEnabled(info is not None and info.can_switch)

    def show_marked(self, more: int) -> None:
        """Show the number of other selected cells."""
        self._more = more
        self._show_merge()

    def _show_merge(self) -> None:
        self.merge_button.setText(f"Join {self._more + 1}" if self._more else "Join")
        self.merge_button.setEnabled(bool(self._more) and self._can_merge)

    def show_notice(self, text: str) -> None:
        """Show the effect of the next click."""
        self.toast.setText(text)

    def show_toast(self, done: str, undo_key: str = "") -> None:
        """Show the last act on several cells, and the key to undo it."""
        self.toast.setText(f"{done} · {undo_key}" if undo_key else done)

    def show_done(self, text: str) -> None:
        """Show that no cell, or no listed cell, is left to review."""
        self.standing.setText(text)

    def show_unlike(self, text: str, figures: str = "") -> None:
        """Show above the guesses that the smear looks unlike what the model has learnt; ``""`` hides it."""
        self.unlike.setText(f"⚠ {text}")
        set_tip(self.unlike, figures)
        self.unlike.setVisible(bool(text))

    def show_locked(self, text: str) -> None:
        """Show why nothing can be changed; empty if it can."""
        self.locked.setText(text)
        self.locked.setVisible(bool(text))

    def show_blind(self, blind: bool) -> None:
        """Hide the model's output during a blind reading."""
        if blind == self._blind:
            return
        self._blind = blind
        for widget in (self.bars, self.unreliable, self.why_part, self.learning_box):
            widget.setVisible(not blind)

    def show_flag(self, on: bool) -> None:
        """Mark whether the cell is flagged."""
        self.flag_button.setChecked(on)

    def show_goes_on(self, on: bool) -> None:
        """Mark whether a class key moves on to the next cell."""
        self.goes_on_box.setChecked(on)

    def show_why(self, method: str, text: str = "") -> None:
        """Mark the active explanation, and show its state."""
        self.why_part.show_method(method, text)

    def show_outline(self, on: bool, text: str = "") -> None:
        """Mark whether outlines are on, and show the size of the cell."""
        self.outline_box.setChecked(on)
        self.outline_text.setText(text)

    def show_journal(self, can_undo: bool, can_redo: bool, can_move: bool) -> None:
        """Enable undo, redo and navigation."""
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)
        self.next_button.setEnabled(can_move)
        self.back_button.setEnabled(can_move)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        for part in (self.grid, self.bars, self.readers, self.lookalikes):
            part.set_colors(colors)
