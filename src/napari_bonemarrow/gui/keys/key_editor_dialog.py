"""Dialog for changing keys: a searchable table, and a button that captures a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QKeyCombination, Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.settings import KeyOptions
from napari_bonemarrow.gui.keys.key_event import key_event
from napari_bonemarrow.gui.widgets.controls import button, gone_when_closed, label, set_role
from napari_bonemarrow.gui.widgets.form import ModelForm

_ACT, _KEYS, _FIRST = range(3)
_ALONE = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
_LOCKS = (Qt.Key.Key_CapsLock, Qt.Key.Key_NumLock, Qt.Key.Key_ScrollLock, Qt.Key.Key_unknown)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A row of the table: an act, its keys and its default keys."""

    name: str
    text: str
    keys: str
    first: str


class KeyTableView(QTableWidget):
    """The table; Enter on a row changes its key."""

    chosen = Signal()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Handle Enter, which a dialog would otherwise give to its first button."""
        event = existing(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
            event.accept()
        else:
            super().keyPressEvent(event)


class CaptureButton(QPushButton):
    """A button that captures the next key; Esc cancels."""

    captured = Signal(str)
    _QUIET, _HEARING = "Press a new key…", "Now press the key (Esc: leave it)"

    def __init__(self) -> None:
        super().__init__(self._QUIET)
        self.setAutoDefault(False)
        self._hears = False
        self.clicked.connect(self.listen)

    def listen(self) -> None:
        """Wait for a key."""
        self._hears = True
        self.setText(self._HEARING)
        self.setFocus()
        set_role(self, "primary")

    def stop(self) -> None:
        """Stop waiting."""
        self._hears = False
        self.setText(self._QUIET)
        set_role(self, "")

    def event(self, event: QEvent | None) -> bool:
        """Capture keys before shortcuts, and before Tab moves the focus."""
        event = existing(event)
        kind = event.type()
        if self._hears and kind == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if self._hears and kind == QEvent.Type.KeyPress:
            self._hear(key_event(event))
            event.accept()
            return True
        if self._hears and kind == QEvent.Type.FocusOut:
            self.stop()
        return super().event(event)

    def _hear(self, event: QKeyEvent) -> None:
        if event.key() in (*_ALONE, *_LOCKS) or event.isAutoRepeat():
            return
        self.stop()
        if event.key() != Qt.Key.Key_Escape:
            self.captured.emit(pressed_key(event))


def pressed_key(event: QKeyEvent) -> str:
    """Return the key of an event in the table's notation."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = Qt.Key(event.key())
    if Qt.Key.Key_Exclam.value <= key.value <= Qt.Key.Key_AsciiTilde.value and not chr(key.value).isalpha():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier  # Shift has made the character
    return QKeySequence(QKeyCombination(modifiers, key)).toString(QKeySequence.SequenceFormat.PortableText)


class KeyEditorDialog(QDialog):
    """A dialog that shows the keys and emits the user's changes."""

    key_pressed = Signal(str, str)  # act's name, key
    taken_away = Signal(str)
    reset_requested = Signal(str)
    reset_all_requested = Signal()
    import_requested = Signal()
    export_requested = Signal()
    searched = Signal(str)
    options_changed = Signal(object)  # KeyOptions

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Bone marrow: change keys")
        gone_when_closed(self)
        self.search_box = QLineEdit()
        self.search_box.setPlaceholderText("Search an act, a class or a key")
        self.search_box.setAccessibleName("Search the keys")
        self.search_box.setClearButtonEnabled(True)
        self.search_box.textChanged.connect(self.searched)
        self.table = self._make_table()
        self.notice = label()
        self.notice.setAccessibleName("What came of it")
        layout = QVBoxLayout(self)
        self.options = ModelForm(KeyOptions)
        self.options.changed.connect(self.options_changed)
        for part in (self.search_box, self.table, self.notice, self.options):
            layout.addWidget(part, 1 if part is self.table else 0)
        layout.addLayout(self._row_part())
        layout.addLayout(self._file_part())
        self.resize(560, 620)
        self._on_selected()

    def _make_table(self) -> KeyTableView:
        table = KeyTableView(0, 3)
        table.setHorizontalHeaderLabels(["Does", "Key", "At first"])
        table.setAccessibleName("Acts and their keys; Enter changes the key of a line")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)
        existing(table.verticalHeader()).hide()
        header = existing(table.horizontalHeader())
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_ACT, QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self._on_selected)
        return table

    def _row_part(self) -> QHBoxLayout:
        self.capture = CaptureButton()
        self.capture.captured.connect(self._on_captured)
        self.table.chosen.connect(self.capture.listen)
        self.table.cellDoubleClicked.connect(self.capture.listen)
        self.take_button = button("No key", tip="Take the keys of this act away")
        self.reset_button = button("Reset", tip="Give this act the keys it had at first")
        self.take_button.clicked.connect(lambda: self.taken_away.emit(self.selected))
        self.reset_button.clicked.connect(lambda: self.reset_requested.emit(self.selected))
        return _row(self.capture, self.take_button, self.reset_button)

    def _file_part(self) -> QHBoxLayout:
        self.import_button = button("Import…", tip="Take the keys of a file, such as your laboratory's")
        self.export_button = button("Export…", tip="Write these keys to a file for other workplaces")
        self.reset_all_button = button("Reset all", tip="Give every act the keys it had at first")
        self.close_button = button("Close")
        self.import_button.clicked.connect(self.import_requested)
        self.export_button.clicked.connect(self.export_requested)
        self.reset_all_button.clicked.connect(self.reset_all_requested)
        self.close_button.clicked.connect(self.close)
        return _row(self.import_button, self.export_button, self.reset_all_button, None, self.close_button)

    @property
    def selected(self) -> str:
        """Return the name of the act in the selected row, else ``""``."""
        item = self.table.item(self.table.currentRow(), _ACT)
        return item.data(Qt.ItemDataRole.UserRole) if item is not None and item.isSelected() else ""

    def _on_selected(self) -> None:
        for made in (self.capture, self.take_button, self.reset_button):
            made.setEnabled(bool(self.selected))

    def _on_captured(self, key: str) -> None:
        self.key_pressed.emit(self.selected, key)
        self.table.setFocus()

    def show_rows(self, rows: Sequence[KeyRow]) -> None:
        """Show the acts with their keys, and keep the selected row."""
        selected = self.selected
        self.table.setRowCount(len(rows))
        for at, row in enumerate(rows):
            for column, text in ((_ACT, row.text), (_KEYS, row.keys or "–"), (_FIRST, row.first)):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, row.name)
                font = item.font()
                font.setBold(column == _KEYS and row.keys != row.first)
                item.setFont(font)
                self.table.setItem(at, column, item)
        names = [row.name for row in rows]
        self.table.clearSelection()
        if selected in names:
            self.table.selectRow(names.index(selected))
        self._on_selected()

    def select(self, name: str) -> None:
        """Select the row of an act."""
        for at in range(self.table.rowCount()):
            if existing(self.table.item(at, _ACT)).data(Qt.ItemDataRole.UserRole) == name:
                self.table.selectRow(at)

    def show_notice(self, text: str, *, problem: bool = False) -> None:
        """Show the result of a change."""
        self.notice.setText(text)
        set_role(self.notice, "warning" if problem else "quiet")


def _row(*parts: QWidget | None) -> QHBoxLayout:
    made = QHBoxLayout()
    for part in parts:
        if part is None:
            made.addStretch(1)
        else:
            if isinstance(part, QPushButton):
                part.setAutoDefault(False)
            made.addWidget(part, 1 if isinstance(part, CaptureButton) else 0)
    return made
