"""Small widgets that several views share."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import (
    QAbstractButton,
    QDialog,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QWidget,
)

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.widgets import class_style
from napari_bonemarrow.gui.widgets.cell_drag import cells_dropped
from napari_bonemarrow.gui.widgets.plain_text import plain_label, set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors


def label(text: str = "", role: str = "", *, wrap: bool = True) -> QLabel:
    """Make a label; ``role`` is one of the style sheet's: quiet, warning, title, headline."""
    made = plain_label(text)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def button(text: str, role: str = "", tip: str = "") -> QPushButton:
    """Make a push button that never takes the keyboard from the smear."""
    made = QPushButton(text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if role:
        made.setProperty("role", role)
    if tip:
        set_tip(made, tip)
    if not any(letter.isalpha() for letter in text):  # a sign alone says nothing to a screen reader
        made.setAccessibleName(tip.split(" · ")[0])
    return made


def keyed(widget: QWidget, act: str, argument: str = "", tip: str = "") -> None:
    """Name in a control's tooltip the key that does the same, now and whenever keys are changed."""
    widget.setProperty("act", f"{act} {argument}".strip())
    widget.setProperty("tip", tip)
    _show_key(widget)


def show_keys(*roots: QWidget) -> None:
    """Let all controls within some widgets name the keys as they are now."""
    for root in roots:
        for widget in root.findChildren(QWidget):
            if widget.property("act"):
                _show_key(widget)


def _show_key(widget: QWidget) -> None:
    keys = " or ".join(TABLE.keys_of(widget.property("act")))
    tip = widget.property("tip")
    set_tip(widget, f"{tip} · key {keys}" if keys else tip)
    if hasattr(widget, "show_key"):
        widget.show_key(keys)


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget another role and let the style sheet see it."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def keeps_place(widget: QWidget) -> None:
    """Leave a widget's place empty while it is hidden, so that nothing moves under the mouse."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def line() -> QFrame:
    """Make a thin horizontal line."""
    made = QFrame()
    made.setProperty("role", "line")
    made.setFixedHeight(1)
    return made


def scrolled(content: QWidget) -> QScrollArea:
    """Put a tab's content into an area that scrolls downwards only, so that no window cuts it off."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def draw_swatch(painter: QPainter, code: str, x: float, y: float, size: float) -> None:
    """Draw a class's sign as on the smear: ring or square, in its colour and width."""
    heavy = code in CLASSES and CLASSES[code].emphasis == "thick"
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
    """Return a class's sign as an icon."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_swatch(painter, code, 1, 1, size * 2 - 2)
    painter.end()
    return QIcon(pixmap)


class ClassButton(QAbstractButton):
    """A class with its sign, its code and its key: legend and tool in one."""

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
        """Show which keys give the class."""
        self.key = keys.split(" or ")[0]
        self.setAccessibleDescription(f"Gives the class; key {keys}" if keys else "Gives the class")
        self.update()

    def _on_clicked(self) -> None:
        self.chosen.emit(self.code)

    def dragEnterEvent(self, event) -> None:
        """Take cells of this window that are dragged here."""
        if cells_dropped(event, self):
            self._hover(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event) -> None:
        """Let go of what is dragged on."""
        self._hover(False)

    def dropEvent(self, event) -> None:
        """Give the class to the cells that were dropped."""
        self._hover(False)
        event.acceptProposedAction()
        self.dropped.emit(self.code, cells_dropped(event, self))

    def _hover(self, on: bool) -> None:
        self._hovered = on
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for sign, code and key."""
        metrics = self.fontMetrics()
        return QSize(40 + metrics.horizontalAdvance("MMM⇧W"), metrics.height() + 8)

    def minimumSizeHint(self) -> QSize:
        """Return the room below which code and key would touch."""
        return QSize(30 + self.fontMetrics().horizontalAdvance("MMM⇧"), self.sizeHint().height())

    def named_width(self) -> int:
        """Return the width at which the class's name fits beside its code."""
        metrics = self.fontMetrics()
        name = metrics.horizontalAdvance(CLASSES[self.code].name)
        return self._name_left() + name + metrics.horizontalAdvance("⇧W") + 16

    def _name_left(self) -> int:
        return 28 + self.fontMetrics().horizontalAdvance("MMM")

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        self._colors = colors
        self.update()

    def _short_key(self, width: int) -> str:
        """Return the key with signs for its modifiers, or dots where there is no room: the tooltip has it."""
        short = self.key.replace("Ctrl+", "^").replace("Alt+", "⌥").replace("Shift+", "⇧")
        metrics = self.fontMetrics()
        room = width - 26 - metrics.horizontalAdvance(self.code)
        return short if metrics.horizontalAdvance(short) <= room else "…"

    def paintEvent(self, event) -> None:
        """Draw the sign, the code and, quietly, the key."""
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
        # Quiet text could not be read on the ground of what is chosen.
        painter.setPen(QColor(colors.text if marked and self.isEnabled() else colors.quiet))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box.adjusted(0, 0, -4, 0), right, self._short_key(box.width()))
        painter.end()


def gone_when_closed(dialog: QDialog) -> None:
    """Have a dialog deleted once it is closed.

    Not by ``WA_DeleteOnClose``: PySide6 6.11 ends the program where a dialog that has it closes at a key.
    """
    dialog.finished.connect(dialog.deleteLater)
