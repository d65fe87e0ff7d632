"""The Review tab: one cell at a time."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.gui.keys import key_of
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.viewmodels import CellInfo
from napari_bonemarrow.gui.views.crop_view import CropView
from napari_bonemarrow.gui.views.guess_bars import GuessBars
from napari_bonemarrow.gui.views.label_grid import LabelGrid
from napari_bonemarrow.gui.views.parts import button, label, line, scrolled

WHY = {"off": "off", "gradcam": "Grad-CAM", "smoothgrad": "SmoothGrad"}


class CommentBox(QLineEdit):
    """Takes every key while one writes: none of them may reach the review's shortcuts."""

    def event(self, event) -> bool:
        """Claim keys before shortcuts are asked."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        """Keep what a line of text has no use for: the dock would hand it on to the smear."""
        super().keyPressEvent(event)
        event.accept()


class ReviewTab(QWidget):
    """The inspector of the selected cell."""

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

    def __init__(self) -> None:
        super().__init__()
        self._can_merge = False
        inner = QWidget()
        content = QVBoxLayout(inner)
        content.setContentsMargins(8, 8, 8, 4)
        content.setSpacing(6)
        self.hint = label(role="quiet")
        self.cell_part = QWidget()
        cell = QVBoxLayout(self.cell_part)
        cell.setContentsMargins(0, 0, 0, 0)
        cell.setSpacing(6)
        for part in (
            self._title_part(),
            self._crop_part(),
            self._why_part(),
            self._outline_part(),
            self._reshape_part(),
        ):
            cell.addLayout(part)
        self.grid = LabelGrid()
        self.grid.label_chosen.connect(self.label_chosen)
        self.grid.tag_toggled.connect(self.tag_toggled)
        self.comment_box = CommentBox()
        self.comment_box.setPlaceholderText("Comment on this cell, Enter writes it")
        self.comment_box.returnPressed.connect(self._on_comment)
        self.history = label(role="quiet")
        for part in (self.hint, self.cell_part, line(), self.grid, self.comment_box, self.history):
            content.addWidget(part)
        content.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner), 1)
        layout.addWidget(line())
        layout.addLayout(self._way_part())
        self.show_cell(None, "")

    def _title_part(self) -> QVBoxLayout:
        self.title = label(role="title")
        self.standing = label(role="quiet")
        part = QVBoxLayout()
        part.setSpacing(0)
        part.addWidget(self.title)
        part.addWidget(self.standing)
        return part

    def _crop_part(self) -> QHBoxLayout:
        self.crop = CropView()
        self.bars = GuessBars()
        self.bars.chosen.connect(self.label_chosen)
        self.unreliable = label("hatched: not reliably recognised by this model", "quiet")
        side = QVBoxLayout()
        side.setSpacing(2)
        side.addWidget(self.bars)
        side.addWidget(self.unreliable)
        side.addStretch(1)
        part = QHBoxLayout()
        part.setSpacing(8)
        part.addWidget(self.crop, 0, Qt.AlignmentFlag.AlignTop)
        part.addLayout(side, 1)
        return part

    def _why_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setSpacing(3)
        part.addWidget(label("Why?", wrap=False))
        self.why_group = QButtonGroup(self)
        self.why_buttons = {}
        for method, text in WHY.items():
            made = button(text, tip=f"What the first guess looks at · key {key_of('explain')}")
            made.setCheckable(True)
            made.setChecked(method == "off")
            made.clicked.connect(self._why_clicked(method))
            self.why_group.addButton(made)
            self.why_buttons[method] = made
            part.addWidget(made)
        self.why_text = label(role="quiet", wrap=False)
        part.addWidget(self.why_text, 1)
        return part

    def _outline_part(self) -> QHBoxLayout:
        self.outline_box = QCheckBox("Outline")
        self.outline_box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.outline_box.setToolTip(f"Border of the cell and of its nucleus · key {key_of('outline')}")
        self.outline_box.clicked.connect(self.outline_toggled)
        self.outline_text = label(role="quiet")
        part = QHBoxLayout()
        part.setSpacing(6)
        part.addWidget(self.outline_box)
        part.addWidget(self.outline_text, 1)
        return part

    def _reshape_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setSpacing(3)
        self.notice = label(role="quiet")
        self.split_button = button(
            "Split", tip=f"Two cells that were taken for one · key {key_of('split')}, twice for the long axis"
        )
        self.merge_button = button(
            "Join", tip=f"Parts of one cell: Shift+click selects more · key {key_of('merge')}"
        )
        self.remove_button = button("Remove", tip=f"No cell: take it out · key {key_of('remove')}")
        part.addWidget(self.notice, 1)
        for made, signal in (
            (self.split_button, self.split_requested),
            (self.merge_button, self.merge_requested),
            (self.remove_button, self.remove_requested),
        ):
            made.clicked.connect(signal)
            part.addWidget(made)
        return part

    def _way_part(self) -> QHBoxLayout:
        part = QHBoxLayout()
        part.setContentsMargins(8, 6, 8, 8)
        part.setSpacing(4)
        self.undo_button = button("↶", tip=f"Undo · {key_of('undo')}")
        self.redo_button = button("↷", tip=f"Redo · {key_of('redo')}")
        self.back_button = button("◂", tip=f"Back to the cell before · {key_of('back')}")
        self.accept_button = button("Accept", tip="Accept the first guess and go on · Enter")
        self.next_button = button("Next ▸", "primary", f"Next uncertain cell · {key_of('next')}")
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

    def _why_clicked(self, method: str):
        def clicked() -> None:
            self.why_chosen.emit(method)

        return clicked

    def _on_comment(self) -> None:
        text = self.comment_box.text().strip()
        if text:
            self.comment_written.emit(text)
            self.comment_box.clear()

    def show_cell(self, info: CellInfo | None, hint: str) -> None:
        """Show a cell; without one, the hint says how to select or make one."""
        self.hint.setText(hint)
        self.hint.setVisible(info is None)
        for widget in (self.cell_part, self.comment_box, self.history):
            widget.setVisible(info is not None)
        self.grid.setEnabled(info is not None and not info.read_only)
        self.accept_button.setEnabled(info is not None and bool(info.guesses) and not info.read_only)
        if info is None:
            self.grid.show_state("", frozenset())
            return
        self.title.setText(f"Cell {info.cell_id} · {info.name}")
        self.standing.setText(
            f"{info.standing} · {info.counted_text}" if info.counted_text else info.standing
        )
        self.crop.show_crop(info.crop, info.crop_microns_per_pixel)
        self.bars.show_guesses(info.guesses)
        shown = info.guesses[:3]
        self.unreliable.setVisible(any(guess.support is not Support.TRAINED for guess in shown))
        self.grid.show_state(info.code, info.tags)
        self.history.setText("\n".join(info.history[-4:]))
        for widget in (self.bars, self.comment_box, self.remove_button, self.split_button):
            widget.setEnabled(not info.read_only)
        self._can_merge = not info.read_only

    def show_marked(self, more: int) -> None:
        """Show how many cells are selected beside the first."""
        self.merge_button.setText(f"Join {more + 1}" if more else "Join")
        self.merge_button.setEnabled(bool(more) and self._can_merge)

    def show_notice(self, text: str) -> None:
        """Say what the next click will do."""
        self.notice.setText(text)

    def show_done(self) -> None:
        """Say that no cell is left to review."""
        self.standing.setText("Every counted cell has been reviewed.")

    def show_why(self, method: str, text: str = "") -> None:
        """Mark which explanation is on, and say what goes on."""
        self.why_buttons[method].setChecked(True)
        self.why_text.setText(text)

    def show_outline(self, on: bool, text: str = "") -> None:
        """Mark whether outlines are on, and say how large the cell is."""
        self.outline_box.setChecked(on)
        self.outline_text.setText(text)

    def show_journal(self, can_undo: bool, can_redo: bool, can_move: bool) -> None:
        """Enable what can be undone, redone and gone through."""
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)
        self.next_button.setEnabled(can_move)
        self.back_button.setEnabled(can_move)

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self.grid.set_colors(colors)
        self.bars.set_colors(colors)
