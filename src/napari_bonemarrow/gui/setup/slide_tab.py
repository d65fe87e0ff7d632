"""The Slide tab: scale, regions, frame and target, detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.case_info import FieldInfo
from napari_bonemarrow.gui.setup.region_choice_part import RegionChoicePart
from napari_bonemarrow.gui.setup.scale_part import ScalePart
from napari_bonemarrow.gui.setup.slide_models import CountedFrame, SlideInfo
from napari_bonemarrow.gui.widgets.controls import button, label, line, set_role
from napari_bonemarrow.gui.widgets.form import ModelForm
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.progress_row import ProgressRow


class SlideTab(QWidget):
    """The setup of one smear. The coloured button is the next step."""

    open_requested = Signal()
    folder_requested = Signal()
    retry_requested = Signal()
    field_requested = Signal(str)
    clear_requested = Signal()
    scale_confirmed = Signal(float, str)  # value, and the key of the offer that was taken as it is, else ""
    frame_changed = Signal(object)  # CountedFrame
    region_requested = Signal()
    find_requested = Signal()
    cancel_requested = Signal()
    review_requested = Signal()
    start_over_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info: SlideInfo | None = None
        self.name_label = label(role="title")
        self.size_label = label(role="quiet")
        self.open_button = button("Open another")
        menu = QMenu(self.open_button)
        menu.addAction("A smear…", self.open_requested.emit)
        menu.addAction("A folder…", self.folder_requested.emit)
        self.open_button.setMenu(menu)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        top = QHBoxLayout()
        names = QVBoxLayout()
        names.addWidget(self.name_label)
        names.addWidget(self.size_label)
        top.addLayout(names, 1)
        top.addWidget(self.open_button, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(top)
        self.field_box = QComboBox()
        self.field_box.setAccessibleName("Field of the case")
        set_tip(self.field_box, "Go to one of the fields that this case is made of")
        self.field_box.activated.connect(lambda at: self.field_requested.emit(self.field_box.itemData(at)))
        layout.addWidget(self.field_box)
        layout.addWidget(self._unreadable_part())
        self.where_line, self.where = line(), RegionChoicePart()
        layout.addWidget(line())
        layout.addWidget(self._make_scale_part())
        layout.addWidget(self.where_line)
        layout.addWidget(self.where)
        for part in (self._frame_part(), self._find_part()):
            layout.addWidget(line())
            layout.addWidget(part)
        layout.addStretch(1)

    def _unreadable_part(self) -> QWidget:
        self.unreadable = QWidget()
        row = QHBoxLayout(self.unreadable)
        row.setContentsMargins(0, 0, 0, 0)
        self.unreadable_text = label(role="warning")
        self.retry_button = button("Try again", tip="Read these tiles again: a network drive may be back")
        self.retry_button.clicked.connect(self.retry_requested)
        row.addWidget(self.unreadable_text, 1)
        row.addWidget(self.retry_button, 0, Qt.AlignmentFlag.AlignTop)
        self.unreadable.hide()
        return self.unreadable

    def _make_scale_part(self) -> QWidget:
        self.scale_part = ScalePart()
        self.scale_part.confirmed.connect(self.scale_confirmed)
        self.scale_part.edited.connect(self._show_what_is_next)
        self.scale_box, self.scale_text = self.scale_part.box, self.scale_part.text
        self.confirm_button = self.scale_part.confirm_button
        return self.scale_part

    def _frame_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("What is counted", "title"))
        self.frame_form = ModelForm(CountedFrame)
        self.frame_form.changed.connect(self.frame_changed)
        self.margin_box = self.frame_form.control("margin_um")
        self.target_box = self.frame_form.control("target")
        layout.addWidget(self.frame_form)
        self.frame_problem = label(role="warning")
        self.frame_problem.hide()
        layout.addWidget(self.frame_problem)
        row = QHBoxLayout()
        self.frame_text = label(role="quiet")
        self.region_button = button(
            "Draw regions", tip="Draw rectangles on the smear; only cells inside them are counted"
        )
        self.region_button.clicked.connect(self.region_requested)
        self.clear_button = button("")
        self.clear_button.clicked.connect(self.clear_requested)
        row.addWidget(self.frame_text, 1)
        row.addWidget(self.clear_button, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.region_button, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(row)
        return part

    def _find_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        self.find_button = button("Find cells", "primary")
        self.find_button.clicked.connect(self.find_requested)
        self.progress_part = ProgressRow()
        self.progress_part.stop_requested.connect(self.cancel_requested)
        self.progress, self.progress_text = self.progress_part.bar, self.progress_part.text
        self.cancel_button = self.progress_part.stop_button
        self.found_text = label()
        layout.addWidget(self.find_button)
        layout.addWidget(self.progress_part)
        layout.addWidget(self.found_text)
        self.review_button = button("Review the cells", "primary")
        self.review_button.clicked.connect(self.review_requested)
        layout.addWidget(self.review_button)
        self.again_button = button(
            "Start this smear over…",
            tip="Begin a new case; the one so far is kept next to it under another name",
        )
        self.again_button.clicked.connect(self.start_over_requested)
        layout.addWidget(self.again_button, 0, Qt.AlignmentFlag.AlignLeft)
        for pressed in (self.find_button, self.review_button):
            pressed.setAutoDefault(True)  # also by Enter
        self.show_idle()
        return part

    def show_info(self, info: SlideInfo) -> None:
        """Show a smear and its state."""
        self._info = info
        self.name_label.setText(info.name)
        self.size_label.setText(info.size)
        locked = info.frame_fixed or info.read_only
        self.scale_part.show_info(info.scale, locked=info.can_start_over or info.read_only)
        if self.frame_form.value != info.counted:
            self.frame_form.set_value(info.counted)
        self.frame_form.set_enabled(not locked, "margin_um")
        self.frame_form.set_enabled(not info.read_only, "target")
        self.again_button.setVisible(info.can_start_over)
        if [self.field_box.itemData(at) for at in range(self.field_box.count())] != list(info.fields):
            self.field_box.clear()
            for name in info.fields:
                self.field_box.addItem(name, name)
        self.field_box.setVisible(bool(info.fields))
        self.frame_text.setText(info.frame_text)
        self.found_text.setText(info.found_text)
        self.clear_button.setText(info.clear_text)
        self.clear_button.setVisible(bool(info.clear_text))
        self._show_what_is_next()

    def show_fields(self, fields: Sequence[FieldInfo]) -> None:
        """Show the review progress of each field of the case."""
        for at, field in enumerate(fields[: self.field_box.count()]):
            self.field_box.setItemText(at, field.text)

    def focus_next(self) -> None:
        """Focus the next step, so that digits and Enter alone lead through the tab."""
        if not self.isVisible():
            return
        steps = (self.confirm_button, self.where.first_button, self.find_button, self.review_button)
        for control in steps:
            if control is not None and control.isVisible():
                wanted = self.scale_box if control is self.confirm_button else control
                if not wanted.hasFocus():
                    wanted.setFocus(Qt.FocusReason.OtherFocusReason)
                return

    def begin(self) -> None:
        """Clear the input for another smear."""
        self._info = None
        self.scale_part.begin()
        self.show_frame_problem("")

    def show_frame_problem(self, text: str) -> None:
        """Show why margin or target are invalid; ``""`` hides it."""
        self.frame_problem.setText(text)
        self.frame_problem.setVisible(bool(text))

    def show_progress(self, text: str, part: float) -> None:
        """Show the activity and its progress, 0 to 1."""
        self.progress_part.show_progress(text, part)
        self._show_what_is_next()

    def show_survey(self, text: str, part: float) -> None:
        """Show the progress of the slide's survey, 0 to 1."""
        self.where.progress.show_progress(text, part)
        self._show_what_is_next()

    def show_idle(self) -> None:
        """Hide the progress."""
        self.progress_part.hide()
        self.where.progress.hide()
        self._show_what_is_next()

    def show_unreadable(self, text: str) -> None:
        """Show that parts of the slide cannot be read; ``""`` hides it."""
        self.unreadable_text.setText(text)
        self.unreadable.setVisible(bool(text))

    def _show_what_is_next(self) -> None:
        """Colour the next button and disable steps that are not possible yet."""
        info = self._info
        confirmed = info is not None and info.scale.confirmed
        locked = info is None or info.frame_fixed or info.read_only
        asks = self.scale_part.asks
        running = self.progress_part.running or self.where.progress.running
        if running and self.find_button.hasFocus():
            self.setFocus(
                Qt.FocusReason.OtherFocusReason
            )  # otherwise *Stop* has the focus, and another Enter would stop
        self.open_button.setEnabled(not running)
        surveying = self.where.progress.running
        self.region_button.setEnabled(not (locked or surveying))
        self.clear_button.setEnabled(not (locked or surveying))
        where = info.where if info is not None else None
        for widget in (self.where, self.where_line):
            widget.setVisible(where is not None)
        if where is not None:
            first = not asks and not running
            self.where.show_info(where if first else replace(where, next_step=""), busy=running or asks)
        can_find = info is not None and confirmed and not asks and not info.read_only and not info.analysed
        self.find_button.setEnabled(can_find and not running)
        self.find_button.setText(info.find_text if info is not None else "Find cells")
        self.find_button.setVisible(info is not None and not info.analysed)
        self.review_button.setVisible(info is not None and info.analysed and not running)
        waits = asks or (where is not None and bool(where.next_step))
        set_role(self.find_button, "" if waits else "primary")
        extends = where is not None and where.can_extend
        set_role(self.review_button, "" if extends else "primary")
