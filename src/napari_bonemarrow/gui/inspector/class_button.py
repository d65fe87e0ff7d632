"""Button of a class."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QAbstractButton,
    QSizePolicy,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.keys.key_hints import keyed
from napari_bonemarrow.gui.widgets.cell_drag import cells_dropped
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class ClassButton(QAbstractButton):
    """A button with a class's symbol, code and key, which is also the legend."""

    chosen = Signal(str)
    dropped = Signal(str, object)  # code, tuple of cell numbers

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code, self.key = code, ""
        self._hovered = self.named = False
        self.setAcceptDrops(True)
        self._colors: ThemeColors | None = None
        self.setAccessibleName(f"{code}, {CLASSES[code].name}")
        keyed(self, "label", code, CLASSES[code].name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)

    def show_key(self, keys: str) -> None:
        """Show the keys of the class."""
        self.key = keys.split(" or ")[0]
        self.setAccessibleDescription(f"Gives the class; key {keys}" if keys else "Gives the class")
        self.update()

    def _on_clicked(self) -> None:
        self.chosen.emit(self.code)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept dragged cells of this window."""
        event = existing(event)
        if cells_dropped(event, self):
            self._hover(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Reset the look after a drag."""
        self._hover(False)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Give the class to the cells that were dropped."""
        event = existing(event)
        self._hover(False)
        event.acceptProposedAction()
        self.dropped.emit(self.code, cells_dropped(event, self))

    def _hover(self, on: bool) -> None:
        self._hovered = on
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size for symbol, code and key."""
        metrics = self.fontMetrics()
        return QSize(40 + metrics.horizontalAdvance("MMM⇧W"), metrics.height() + 8)

    def minimumSizeHint(self) -> QSize:
        """Return the size below which code and key would touch."""
        return QSize(30 + self.fontMetrics().horizontalAdvance("MMM⇧"), self.sizeHint().height())

    def named_width(self) -> int:
        """Return the width for the class's name next to its code."""
        metrics = self.fontMetrics()
        name = metrics.horizontalAdvance(CLASSES[self.code].name)
        return self._name_left() + name + metrics.horizontalAdvance("⇧W") + 16

    def _name_left(self) -> int:
        return 28 + self.fontMetrics().horizontalAdvance("MMM")

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def _short_key(self, width: int) -> str:
        """Return the key with symbols for its modifiers, or dots without room; the tooltip has it."""
        short = self.key.replace("Ctrl+", "^").replace("Alt+", "⌥").replace("Shift+", "⇧")
        metrics = self.fontMetrics()
        room = width - 26 - metrics.horizontalAdvance(self.code)
        return short if metrics.horizontalAdvance(short) <= room else "…"

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the symbol, the code and, pale, the key."""
        if self._colors is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, box = self._colors, self.rect().adjusted(0, 0, -1, -1)
        marked = self.isChecked() or self.isDown() or self._hovered
        seen = marked or self.hasFocus()
        painter.setPen(QPen(QColor(colors.text if seen else colors.raised), 2 if self.hasFocus() else 1))
        painter.setBrush(QColor(colors.line if self.underMouse() or marked else colors.foreground))
        painter.drawRoundedRect(box, 3, 3)
        side = min(13, box.height() - 8)
        draw_swatch(painter, self.code, 5, (box.height() - side) / 2, side)
        painter.setPen(QColor(colors.text if self.isEnabled() else colors.quiet))
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(box.adjusted(22, 0, 0, 0), left, self.code)
        if self.named:
            painter.drawText(box.adjusted(self._name_left(), 0, -4, 0), left, CLASSES[self.code].name)
        # Pale text is not legible on the colour of a selection.
        painter.setPen(QColor(colors.text if marked and self.isEnabled() else colors.quiet))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box.adjusted(0, 0, -4, 0), right, self._short_key(box.width()))
        painter.end()
