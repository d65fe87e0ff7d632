"""Small widgets shared by several views."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import (
    QDialog,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QWidget,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.plain_text import plain_label, set_tip


def label(text: str = "", role: str = "", *, wrap: bool = True) -> QLabel:
    """Return a label; ``role`` is one of the style sheet's: quiet, warning, title, headline."""
    made = plain_label(text)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def button(text: str, role: str = "", tip: str = "") -> QPushButton:
    """Return a push button that never takes the focus from the smear."""
    made = QPushButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if role:
        made.setProperty("role", role)
    if tip:
        set_tip(made, tip)
    if not any(letter.isalpha() for letter in text):  # a symbol alone has no meaning for a screen reader
        made.setAccessibleName(tip.split(" · ")[0])
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Set a widget's role and apply the style sheet."""
    widget.setProperty("role", role)
    style = existing(widget.style())
    style.unpolish(widget)
    style.polish(widget)


def keeps_place(widget: QWidget) -> None:
    """Keep a hidden widget's place empty, so that nothing moves under the mouse."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def line() -> QFrame:
    """Return a thin horizontal line."""
    made = QFrame()
    made.setProperty("role", "line")
    made.setFixedHeight(1)
    return made


def scrolled(content: QWidget) -> QScrollArea:
    """Return a tab's content in an area that scrolls only vertically."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def draw_swatch(painter: QPainter, code: str, x: float, y: float, size: float) -> None:
    """Draw a class's symbol as on the smear: ring or square, in its colour and width."""
    heavy = code in CLASSES and CLASSES[code].thick
    pen = QPen(QColor(class_style.color_of(code)), size * (0.32 if heavy else 0.2))
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inset = pen.widthF() / 2
    shape = (int(x + inset), int(y + inset), int(size - 2 * inset), int(size - 2 * inset))
    if class_style.is_not_counted(code):
        painter.drawRect(*shape)
    else:
        painter.drawEllipse(*shape)


def swatch_icon(code: str, size: int = 14) -> QIcon:
    """Return a class's symbol as an icon."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_swatch(painter, code, 1, 1, size * 2 - 2)
    painter.end()
    return QIcon(pixmap)


def gone_when_closed(dialog: QDialog) -> None:
    """Delete a dialog when it is closed.

    Not by ``WA_DeleteOnClose``: PySide6 6.11 crashes when such a dialog is closed by a key.
    """
    dialog.finished.connect(dialog.deleteLater)
