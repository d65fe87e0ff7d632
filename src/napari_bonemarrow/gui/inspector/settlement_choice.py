"""Choice between two readers' different classes of a cell, with the keys 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.inspector.cell_models import ReadersClass
from napari_bonemarrow.gui.widgets.controls import draw_swatch
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_HIGH = 58


class _ReaderButton(QAbstractButton):
    """A large button with one reader's class, its key and the reader's name."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.rank, self.shown = rank, ReadersClass("", "")
        self._colors: ThemeColors | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """Return the size for two lines."""
        return QSize(150, _HIGH)

    def show_class(self, shown: ReadersClass) -> None:
        """Show a reader's class."""
        self.shown = shown
        name = CLASSES[shown.code].name if shown.code in CLASSES else shown.code
        self.setAccessibleName(f"{self.rank}: {name}, as {shown.reader} has it")
        set_tip(self, f"{name}, as {shown.reader} has it · key {self.rank}")
        self.setEnabled(bool(shown.code))
        self.update()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw key, symbol and code large, and the reader's name below."""
        if self._colors is None or not self.shown.code:
            return
        painter, colors, box = QPainter(self), self._colors, self.rect().adjusted(0, 0, -1, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colors.text if self.hasFocus() else colors.raised), 1))
        painter.setBrush(QColor(colors.line if self.underMouse() or self.isDown() else colors.foreground))
        painter.drawRoundedRect(box, 4, 4)
        draw_swatch(painter, self.shown.code, 34, 8, 20)
        large, small = painter.font(), painter.font()
        large.setPointSizeF(small.pointSizeF() * 1.6)
        large.setBold(True)
        painter.setFont(large)
        painter.setPen(QColor(colors.text))
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(box.adjusted(10, 4, 0, -24), middle, str(self.rank))
        painter.drawText(box.adjusted(62, 4, 0, -24), middle, self.shown.code)
        painter.setFont(small)
        painter.setPen(QColor(colors.quiet))
        name = CLASSES[self.shown.code].name if self.shown.code in CLASSES else ""
        text = f"{self.shown.reader} · {name}"
        cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width() - 16)
        painter.drawText(box.adjusted(10, 32, -6, -4), middle, cut)
        painter.end()


class SettlementChoice(QWidget):
    """Two buttons, one per reader."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.buttons = (_ReaderButton(1), _ReaderButton(2))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for made in self.buttons:
            made.clicked.connect(self._clicked(made))
            layout.addWidget(made)
        layout.addStretch(1)

    def _clicked(self, made: _ReaderButton) -> Callable[[], None]:
        def clicked() -> None:
            self.chosen.emit(made.shown.code)

        return clicked

    def show_classes(self, classes: Sequence[ReadersClass]) -> None:
        """Show each reader's class, the first reader's first."""
        for made, shown in zip(self.buttons, classes, strict=True):
            made.show_class(shown)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        for made in self.buttons:
            made.set_colors(colors)
