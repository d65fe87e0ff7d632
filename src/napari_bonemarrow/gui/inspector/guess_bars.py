"""Bars of the selected cell's ranked guesses."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QFont, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_bonemarrow.cytology.classes import SUPPORT_TEXT, Support
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.inspector.cell_models import Guess
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.plain_text import show_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

SHOWN = 5
_ROW = 24
_SMALL = 0.85
"""Largest font size of what stands above a bar, as a share of the others."""


class GuessBars(QWidget):
    """Rows of rank, symbol, code, bar and probability; a click gives the class.

    The bar of a class that the bundle has not learnt from marrow is hatched, not only coloured. One that
    reviewed cells of this smear taught says so above its bar.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._guesses: tuple[Guess, ...] = ()
        self._colors: ThemeColors | None = None
        self.setFixedHeight(_ROW * SHOWN)
        self.setMinimumWidth(140)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Return the size for all rows."""
        return QSize(180, _ROW * SHOWN)

    def show_guesses(self, guesses: tuple[Guess, ...]) -> None:
        """Show the most probable classes, best first."""
        self._guesses = guesses[:SHOWN]
        self.update()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def _at(self, y: float) -> Guess | None:
        row = int(y // _ROW)
        return self._guesses[row] if 0 <= row < len(self._guesses) else None

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Give the class that was clicked."""
        event = existing(event)
        guess = self._at(event.position().y())
        if guess is not None and event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.chosen.emit(guess.code)

    def event(self, event: QEvent | None) -> bool:
        """Show a row's full name, and why it is hatched, as tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            guess = self._at(event.pos().y())
            if guess is not None:
                text = guess.name
                if guess.learnt_here:
                    cells = count_of(guess.learnt_here, "reviewed cell")
                    text += f": learnt here from {cells}, {SUPPORT_TEXT[guess.support]}"
                elif guess.support is not Support.TRAINED:
                    text += f": not reliably recognised, {SUPPORT_TEXT[guess.support]}"
                show_tip(event.globalPos(), text, self)
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the rows."""
        if self._colors is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, guess in enumerate(self._guesses):
            self._draw_row(painter, row, guess, self._colors)
        painter.end()

    def _draw_row(self, painter: QPainter, row: int, guess: Guess, colors: ThemeColors) -> None:
        top, metrics = row * _ROW, painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        code_width = metrics.horizontalAdvance("MMM") + 4
        value_width = metrics.horizontalAdvance("00 %") + 4
        painter.setPen(QColor(colors.quiet))
        painter.drawText(QRectF(0, top, 12, _ROW), middle, str(row + 1))
        draw_swatch(painter, guess.code, 14, top + (_ROW - 12) / 2, 12)
        painter.setPen(QColor(colors.text))
        painter.drawText(QRectF(31, top, code_width, _ROW), middle, guess.code)
        left = 31 + code_width
        room = self.width() - left - value_width
        track = QRectF(left, top + 7, room, _ROW - 14)
        if guess.learnt_here:
            self._draw_learnt(painter, QRectF(left, top, room, _ROW - 9), guess.learnt_here, colors)
            track.setRect(left, top + _ROW - 9, room, 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.foreground))
        painter.drawRoundedRect(track, 2, 2)
        filled = QRectF(track)
        filled.setWidth(max(2.0, room * guess.probability))
        painter.setBrush(self._brush(guess))
        painter.drawRoundedRect(filled, 2, 2)
        painter.setPen(QColor(colors.text))
        value = QRectF(left + room, top, value_width, _ROW)
        painter.drawText(value, middle | Qt.AlignmentFlag.AlignRight, f"{guess.probability * 100:.0f} %")

    @staticmethod
    def _draw_learnt(painter: QPainter, box: QRectF, cells: int, colors: ThemeColors) -> None:
        """Write above a bar from how many cells its class was learnt here."""
        font, text = painter.font(), f"learnt here ({cells})"
        fits = box.width() / max(painter.fontMetrics().horizontalAdvance(text), 1)
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * min(_SMALL, 0.95 * fits))  # small fonts are set wider
        painter.setFont(small)
        painter.setPen(QColor(colors.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
        painter.setFont(font)

    @staticmethod
    def _brush(guess: Guess) -> QBrush:
        color = QColor(class_style.color_of(guess.code))
        if guess.is_known:
            return QBrush(color)
        return QBrush(color, Qt.BrushStyle.BDiagPattern)
