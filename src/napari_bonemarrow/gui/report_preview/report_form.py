"""The form beside the preview: language, layout, and the fields that a person fills in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from napari_bonemarrow.gui.widgets.controls import label
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.review.report_fields import ReportField

_LINE_PX = 22
_IDENTITY_TIP = "For this report only: kept neither in the case nor anywhere else"
_FINDING_TIP = "Kept in the case, and undone like any act"

_HEATMAP_TIP = (
    "The parts that the class of a blast, faggot cell or plasma cell rests on, as the model sees them"
)
_FROM_FILE = "A laboratory's file…"

Box = QLineEdit | QPlainTextEdit


class ReportForm(QWidget):
    """The form.

    Parameters
    ----------
    languages : mapping of str to str
        Names by code.
    layouts : iterable of str
        Names of the laboratory's layouts.
    """

    changed = Signal()
    """Emitted when anything is chosen or typed."""
    layout_chosen = Signal(str)
    layout_file_wanted = Signal()
    finding_left = Signal(str, str)
    """Emitted with key and text when a finding has been typed and left."""

    def __init__(self, languages: Mapping[str, str], layouts: Iterable[str]) -> None:
        super().__init__()
        self.language, self.layout_box = QComboBox(), QComboBox()
        self.montage, self.heatmaps = (
            QCheckBox("Pictures of cells"),
            QCheckBox("Heatmaps beside critical cells"),
        )
        set_tip(self.heatmaps, _HEATMAP_TIP)
        self.language.addItem("as in the layout", "")
        for code, name in languages.items():
            self.language.addItem(name, code)
        self.layout_box.addItem("plain", "")
        for name in layouts:
            self.layout_box.addItem(name, name)
        self.layout_box.addItem(_FROM_FILE, _FROM_FILE)
        self._layout_at = 0
        self.montage.setChecked(True)
        self._boxes: dict[str, Box] = {}
        self._fields: dict[str, ReportField] = {}
        self._left: dict[str, str] = {}
        self._form = QFormLayout(self)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self._form.setVerticalSpacing(4)
        self._form.addRow("Layout", self.layout_box)
        self._form.addRow("Language", self.language)
        self._form.addRow(self.montage)
        self._form.addRow(self.heatmaps)
        self._heads = self._form.rowCount()
        self.language.currentIndexChanged.connect(lambda _at: self.changed.emit())
        self.montage.toggled.connect(self.heatmaps.setEnabled)
        for box in (self.montage, self.heatmaps):
            box.toggled.connect(lambda _on: self.changed.emit())
        self.layout_box.currentIndexChanged.connect(self._on_layout)

    @property
    def wants_heatmaps(self) -> bool:
        """Return whether heatmaps are asked for, which are printed beside pictures only."""
        return self.heatmaps.isChecked() and self.montage.isChecked()

    def choose(self, language: str, layout: str) -> None:
        """Choose a language and a layout, a file's path too; nothing is emitted."""
        with QSignalBlocker(self.language), QSignalBlocker(self.layout_box):
            self.language.setCurrentIndex(max(0, self.language.findData(language)))
            at = self.layout_box.findData(layout)
            if at < 0:
                at = self.layout_box.findData(_FROM_FILE)
                self.layout_box.insertItem(at, Path(layout).name, layout)
                set_tip(self.layout_box, layout)
            self.layout_box.setCurrentIndex(at)
            self._layout_at = at

    def _on_layout(self, at: int) -> None:
        """Pass on a layout; the entry for a file asks for one, and is never chosen itself."""
        name = str(self.layout_box.itemData(at))
        if name != _FROM_FILE:
            self._layout_at = at
            self.layout_chosen.emit(name)
            return
        with QSignalBlocker(self.layout_box):
            self.layout_box.setCurrentIndex(self._layout_at)
        self.layout_file_wanted.emit()

    def show_fields(
        self, fields: Iterable[ReportField], values: Mapping[str, str], *, montage: bool, refusal: str
    ) -> None:
        """Show the fields of a layout; what was typed into a field stays.

        Parameters
        ----------
        fields : iterable of ReportField
        values : mapping of str to str
            The findings of the case.
        montage : bool
            The layout's choice.
        refusal : str
            Why findings cannot be changed; empty if they can.
        """
        typed = {key: text for key, text in self.values().items() if text}
        while self._form.rowCount() > self._heads:
            self._form.removeRow(self._heads)
        self._boxes, self._fields, self._left = {}, {each.key: each for each in fields}, {}
        identity: bool | None = None
        for each in self._fields.values():
            if each.identity is not identity:
                identity = each.identity
                self._form.addRow(label(_IDENTITY_TIP if identity else _FINDING_TIP, "quiet"))
            text = typed.get(each.key, "") if each.identity else values.get(each.key, "")
            box = self._box(each, text)
            if refusal and not each.identity:
                box.setReadOnly(True)
                set_tip(box, refusal)
            self._boxes[each.key], self._left[each.key] = box, text
            self._form.addRow(label(str(each.label), wrap=False), box)
        self.montage.setChecked(montage)
        self.changed.emit()

    def follow(self, values: Mapping[str, str]) -> None:
        """Show findings that changed elsewhere, such as by undo; what is being typed is never overwritten."""
        for key, box in self._boxes.items():
            before, now = self._left[key], values.get(key, "")
            if not self._fields[key].identity and now != before and _text_of(box) == before:
                self._left[key] = now
                _set_text(box, now)

    def values(self) -> dict[str, str]:
        """Return the text of each field."""
        return {key: _text_of(box) for key, box in self._boxes.items()}

    def box(self, key: str) -> Box:
        """Return the box of a field."""
        return self._boxes[key]

    def leave(self) -> None:
        """Take every finding that was typed as left."""
        for key, box in self._boxes.items():
            self._on_left(key, box)

    def _box(self, field: ReportField, text: str) -> Box:
        box: Box
        if field.lines > 1:
            box = QPlainTextEdit(text)
            box.setTabChangesFocus(True)
            box.setFixedHeight(_LINE_PX * field.lines)
        else:
            box = QLineEdit(text)
        box.setAccessibleName(str(field.label))
        box.setProperty("key", field.key)
        box.textChanged.connect(lambda *_: self.changed.emit())
        box.installEventFilter(self)
        set_tip(box, _IDENTITY_TIP if field.identity else _FINDING_TIP)
        return box

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice that a box was left."""
        if event is not None and event.type() == QEvent.Type.FocusOut and watched is not None:
            key = watched.property("key")
            if key in self._boxes and self._boxes[key] is watched:
                self._on_left(str(key), self._boxes[key])
        return super().eventFilter(watched, event)

    def _on_left(self, key: str, box: Box) -> None:
        text = _text_of(box)
        if not self._fields[key].identity and not box.isReadOnly() and text != self._left[key]:
            self._left[key] = text
            self.finding_left.emit(key, text)


def _text_of(box: Box) -> str:
    text = box.toPlainText() if isinstance(box, QPlainTextEdit) else box.text()
    return text.strip()


def _set_text(box: Box, text: str) -> None:
    if isinstance(box, QPlainTextEdit):
        box.setPlainText(text)
    else:
        box.setText(text)
