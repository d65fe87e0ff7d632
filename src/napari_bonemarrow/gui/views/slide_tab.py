"""The Slide tab: scale, where to look, frame and target, Find cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QMenu,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.gui.plain_text import set_tip
from napari_bonemarrow.gui.viewmodels import FieldInfo, SlideInfo
from napari_bonemarrow.gui.views.parts import button, label, line, set_role
from napari_bonemarrow.gui.views.progress_part import ProgressPart
from napari_bonemarrow.gui.views.where_part import WherePart


class _EnteredBox(QDoubleSpinBox):
    """A box for a figure that tells when Enter was pressed in it, which Qt has only from 6.10 on."""

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the figure, and tell."""
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()


class SlideTab(QWidget):
    """One smear before it is counted. The next thing to do is the one coloured button."""

    open_requested = Signal()
    folder_requested = Signal()
    retry_requested = Signal()
    field_requested = Signal(str)
    clear_requested = Signal()
    scale_confirmed = Signal(float)
    frame_changed = Signal(float, int)
    region_requested = Signal()
    find_requested = Signal()
    cancel_requested = Signal()
    review_requested = Signal()

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
        self.where_line, self.where = line(), WherePart()
        layout.addWidget(line())
        layout.addWidget(self._scale_part())
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

    def _scale_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("Scale", "title"))
        self.scale_text = label()
        self.scale_box = _EnteredBox()
        self.scale_box.setAccessibleName("Scale, µm per pixel")
        self.scale_box.setDecimals(4)
        self.scale_box.setRange(0.0, 5.0)
        self.scale_box.setSingleStep(0.001)
        self.scale_box.setSpecialValueText("unknown")
        self.scale_box.setSuffix(" µm per pixel")
        self.scale_box.valueChanged.connect(self._on_scale_edited)
        self.scale_box.entered.connect(self._on_scale_entered)
        self.confirm_button = button("Confirm")
        self.confirm_button.clicked.connect(lambda: self.scale_confirmed.emit(self.scale_box.value()))
        row = QHBoxLayout()
        row.addWidget(self.scale_box, 1)
        row.addWidget(self.confirm_button)
        layout.addLayout(row)
        layout.addWidget(self.scale_text)
        return part

    def _frame_part(self) -> QWidget:
        part = QWidget()
        layout = QVBoxLayout(part)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label("What is counted", "title"))
        self.margin_box = QDoubleSpinBox()
        self.margin_box.setRange(0.0, 100.0)
        self.margin_box.setDecimals(1)
        self.margin_box.setSuffix(" µm")
        set_tip(self.margin_box, "Cells whose centre lies nearer to the image's border are not counted")
        self.target_box = QSpinBox()
        self.target_box.setRange(1, 100_000)
        self.target_box.setSingleStep(100)
        self.target_box.setSuffix(" cells")
        self.margin_box.editingFinished.connect(self._on_frame_edited)
        self.target_box.editingFinished.connect(self._on_frame_edited)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Margin at the border", self.margin_box)
        form.addRow("Target", self.target_box)
        layout.addLayout(form)
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
        self.progress_part = ProgressPart()
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
        for pressed in (self.find_button, self.review_button):
            pressed.setAutoDefault(True)  # by Enter too
        self.show_idle()
        return part

    def show_info(self, info: SlideInfo) -> None:
        """Show a smear and where it stands."""
        self._info = info
        self.name_label.setText(info.name)
        self.size_label.setText(info.size)
        for box, value in (
            (self.scale_box, info.scale.value or 0.0),
            (self.margin_box, info.margin_um),
            (self.target_box, info.target),
        ):
            box.blockSignals(True)
            box.setValue(value)
            box.setEnabled(not (info.frame_fixed or info.read_only))
            box.blockSignals(False)
        if [self.field_box.itemData(at) for at in range(self.field_box.count())] != list(info.fields):
            self.field_box.clear()
            for name in info.fields:
                self.field_box.addItem(name, name)
        self.field_box.setVisible(bool(info.fields))
        self.scale_text.setText(info.scale.text)
        set_role(self.scale_text, "quiet" if info.scale.confirmed else "warning")
        self.frame_text.setText(info.frame_text)
        self.found_text.setText(info.found_text)
        self.clear_button.setText(info.clear_text)
        self.clear_button.setVisible(bool(info.clear_text))
        self._show_what_is_next()

    def show_fields(self, fields: Sequence[FieldInfo]) -> None:
        """Say of each field of the case how far its review is."""
        for at, field in enumerate(fields[: self.field_box.count()]):
            self.field_box.setItemText(at, field.text)

    def focus_next(self) -> None:
        """Put the focus on the next thing to do, so that figures and Enter alone lead through the tab."""
        if not self.isVisible():
            return
        steps = (self.confirm_button, self.where.first_button, self.find_button, self.review_button)
        for control in steps:
            if control is not None and control.isVisible():
                wanted = self.scale_box if control is self.confirm_button else control
                wanted.setFocus(Qt.FocusReason.OtherFocusReason)
                if wanted is self.scale_box:
                    self.scale_box.selectAll()
                return

    def show_progress(self, text: str, part: float) -> None:
        """Show what is being done and how far it is, 0 to 1."""
        self.progress_part.show_progress(text, part)
        self._show_what_is_next()

    def show_survey(self, text: str, part: float) -> None:
        """Show how far the survey of the slide is, 0 to 1."""
        self.where.progress.show_progress(text, part)
        self._show_what_is_next()

    def show_idle(self) -> None:
        """Take the progress away."""
        self.progress_part.hide()
        self.where.progress.hide()
        self._show_what_is_next()

    def show_unreadable(self, text: str) -> None:
        """Say that parts of the slide cannot be read; ``""`` says nothing."""
        self.unreadable_text.setText(text)
        self.unreadable.setVisible(bool(text))

    def _show_what_is_next(self) -> None:
        """Colour the one button that comes next and disable what cannot be done yet."""
        info = self._info
        confirmed = info is not None and info.scale.confirmed
        edited = info is not None and abs(self.scale_box.value() - (info.scale.value or 0.0)) > 5e-5
        locked = info is None or info.frame_fixed or info.read_only
        asks = not locked and (not confirmed or edited)
        running = self.progress_part.running or self.where.progress.running
        if running and self.find_button.hasFocus():
            self.setFocus(
                Qt.FocusReason.OtherFocusReason
            )  # else *Stop* had it, and one Enter more would stop
        self.open_button.setEnabled(not running)
        self.region_button.setEnabled(not (locked or running))
        self.clear_button.setEnabled(not (locked or running))
        self.confirm_button.setVisible(asks)
        self.confirm_button.setEnabled(self.scale_box.value() > 0)
        set_role(self.confirm_button, "primary" if asks else "")
        where = info.where if info is not None else None
        for widget in (self.where, self.where_line):
            widget.setVisible(where is not None)
        if where is not None:
            first = not asks and not running
            self.where.show_info(where if first else replace(where, next_step=""), busy=running or asks)
        can_find = confirmed and not asks and not info.read_only and not info.analysed
        self.find_button.setEnabled(can_find and not running)
        self.find_button.setText(info.find_text if info is not None else "Find cells")
        self.find_button.setVisible(info is not None and not info.analysed)
        self.review_button.setVisible(info is not None and info.analysed and not running)
        waits = asks or (where is not None and bool(where.next_step))
        set_role(self.find_button, "" if waits else "primary")
        extends = where is not None and where.can_extend
        set_role(self.review_button, "" if extends else "primary")

    def _on_scale_edited(self, _value: float) -> None:
        self._show_what_is_next()

    def _on_scale_entered(self) -> None:
        if self.confirm_button.isVisible():
            self.confirm_button.click()

    def _on_frame_edited(self) -> None:
        info = self._info
        chosen = (self.margin_box.value(), self.target_box.value())
        if info is not None and chosen != (info.margin_um, info.target):
            self.frame_changed.emit(*chosen)
