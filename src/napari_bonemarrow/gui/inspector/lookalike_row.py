"""Row of look-alikes: small crops of reviewed cells similar to the selected one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import button, draw_swatch, keeps_place, label
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors
from napari_bonemarrow.workflow.lookalikes import MOST

SIDE = 58
"""Side of a crop, px; six fit into the panel's width."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A reviewed cell in the row.

    Attributes
    ----------
    cell_id : int
    code : str
        The reviewer's class.
    distance : float
        1 - cosine: 0 equal, 1 unrelated.
    """

    cell_id: int
    code: str
    distance: float


class LookalikeButton(QAbstractButton):
    """A button of one reviewed cell: its crop, and below it the class's symbol and code."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: Shown | None = None
        self._image: QPixmap | None = None
        self._colors: ThemeColors | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the size for the crop and a line of text."""
        return QSize(SIDE + 2, SIDE + 4 + self.fontMetrics().height())

    def set_cell(self, shown: Shown, image: QPixmap | None) -> None:
        """Show a cell; its crop may come later."""
        self.shown, self._image = shown, image
        name = CLASSES[shown.code].name if shown.code in CLASSES else shown.code
        set_tip(
            self,
            f"Cell {shown.cell_id}, reviewed as {name} · distance {shown.distance:.2f} "
            "(0 the network sees them alike, 1 unrelated) · click selects it",
        )
        self.setAccessibleName(f"look-alike {shown.cell_id}: {name}, distance {shown.distance:.2f}")
        self.update()

    def set_image(self, image: QPixmap) -> None:
        """Show the crop."""
        self._image = image
        self.update()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self._colors = colors
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw crop, symbol and code, with a frame under the mouse or the focus."""
        if self.shown is None or self._colors is None:
            return
        painter, colors = QPainter(self), self._colors
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRect(1, 1, SIDE, SIDE)
        if self._image is None:
            painter.fillRect(box, QColor(colors.foreground))
        else:
            painter.drawPixmap(box, self._image)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QPen(QColor(colors.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0, 0, -1, -1))
        high = self.height() - SIDE - 3
        wide = self.fontMetrics().horizontalAdvance(self.shown.code)
        side = min(11, high)
        left = max((self.width() - side - 4 - wide) / 2, 0)
        draw_swatch(painter, self.shown.code, left, SIDE + 3 + (high - side) / 2, side)
        painter.setPen(QColor(colors.text))
        line = QRectF(left + side + 4, SIDE + 3, wide + 4, high)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.shown.code)
        painter.end()

    def event(self, event: QEvent | None) -> bool:
        """Update the frame when the mouse enters or leaves."""
        if existing(event).type() in {QEvent.Type.Enter, QEvent.Type.Leave}:
            self.update()
        return super().event(event)


class LookalikeRow(QWidget):
    """The row of look-alikes, or a line with the reason for having none."""

    chosen = Signal(int)  # a cell's number
    compare_requested = Signal()
    map_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = label("Look-alikes already reviewed", "quiet")
        self.compare = button("Compare cells", "link", "Have the network look at every cell again")
        self.compare.clicked.connect(self.compare_requested)
        self.map = button("Map", "link", "Map of all cells by what the network sees")
        self.map.clicked.connect(self.map_requested)
        self.buttons = [LookalikeButton() for _ in range(MOST)]
        row = QHBoxLayout()
        row.setSpacing(4)
        row.setContentsMargins(0, 0, 0, 0)
        for made in self.buttons:
            made.clicked.connect(self._on_clicked(made))
            keeps_place(made)
            row.addWidget(made)
        row.addStretch(1)
        above = QHBoxLayout()
        above.setSpacing(6)
        above.addWidget(self.text, 1)
        above.addWidget(self.compare)
        above.addWidget(self.map)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(above)
        layout.addLayout(row)
        self.show_text("")

    def _on_clicked(self, made: LookalikeButton) -> Callable[[], None]:
        def clicked() -> None:
            if made.shown is not None:
                self.chosen.emit(made.shown.cell_id)

        return clicked

    @property
    def cell_ids(self) -> tuple[int, ...]:
        """Return the shown cells, the most similar first."""
        return tuple(made.shown.cell_id for made in self.buttons if made.shown is not None)

    def show_text(self, text: str, *, can_compare: bool = False) -> None:
        """Show why there are no look-alikes; ``can_compare`` offers to compare cells."""
        self.show_cells((), {})
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.compare.setVisible(can_compare)

    def show_cells(self, cells: Sequence[Shown], images: Mapping[int, QPixmap | None]) -> None:
        """Show cells, the most similar first, with the available crops."""
        self.text.setText("Look-alikes already reviewed")
        self.text.setVisible(bool(cells))
        self.compare.hide()
        for number, made in enumerate(self.buttons):
            if number < len(cells):
                made.set_cell(cells[number], images.get(cells[number].cell_id))
            else:
                made.shown = None
            made.setVisible(number < len(cells))

    def set_image(self, cell_id: int, image: QPixmap) -> None:
        """Show a crop of a cell."""
        for made in self.buttons:
            if made.shown is not None and made.shown.cell_id == cell_id:
                made.set_image(image)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        for made in self.buttons:
            made.set_colors(colors)
