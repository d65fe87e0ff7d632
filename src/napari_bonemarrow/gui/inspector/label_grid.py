"""Grid of all classes as buttons, with their keys: legend of the rings and input of classes."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.gui.inspector.class_button import ClassButton
from napari_bonemarrow.gui.keys.key_hints import keyed
from napari_bonemarrow.gui.widgets.controls import button
from napari_bonemarrow.gui.widgets.theme import ThemeColors

_COLUMNS, _FEWEST_NAMED = 5, 3
"""Number of columns; fewer make room for names, but too few would push the last classes out of view on a
small screen."""


class LabelGrid(QWidget):
    """One button per class, in reading order, and one check box per tag."""

    label_chosen = Signal(str)
    tag_toggled = Signal(str, bool)
    keys_requested = Signal()
    cells_dropped = Signal(str, object)  # code, tuple of cell numbers

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, ClassButton] = {}
        self.tag_buttons: dict[str, QPushButton] = {}
        self._grid = grid = QGridLayout()
        grid.setSpacing(3)
        self._columns = 0
        for code in CLASSES:
            made = ClassButton(code)
            made.chosen.connect(self.label_chosen)
            made.dropped.connect(self.cells_dropped)
            self.buttons[code] = made
        self._arrange(_COLUMNS, named=False)  # before the tags: Tab follows the order of creation
        tags = QHBoxLayout()
        tags.setSpacing(3)
        for tag, text in TAGS.items():
            switch = button(text)
            keyed(switch, "tag", tag, "Tag")
            switch.setCheckable(True)
            switch.clicked.connect(self._tag_clicked(tag))
            self.tag_buttons[tag] = switch
            tags.addWidget(switch)
        self.keys_button = button("Keys…", "link", "Change keys, or take those of your laboratory")
        self.keys_button.clicked.connect(self.keys_requested)
        tags.addStretch(1)
        tags.addWidget(self.keys_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(grid)
        layout.addLayout(tags)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Show the names of the classes in a wide panel."""
        super().resizeEvent(event)
        widest = max(made.named_width() for made in self.buttons.values())
        columns = (self.width() + self._grid.spacing()) // (widest + self._grid.spacing())
        named = columns >= _FEWEST_NAMED
        self._arrange(min(columns, _COLUMNS) if named else _COLUMNS, named=named)

    def _arrange(self, columns: int, *, named: bool) -> None:
        if columns != self._columns:
            for column in range(max(columns, self._columns)):
                self._grid.setColumnStretch(column, int(column < columns))
            for at, made in enumerate(self.buttons.values()):
                self._grid.addWidget(made, *divmod(at, columns))
            self._columns = columns
        for made in self.buttons.values():
            if made.named != named:
                made.named = named
                made.update()

    def _tag_clicked(self, tag: str) -> Callable[[bool], None]:
        def clicked(on: bool) -> None:
            self.tag_toggled.emit(tag, on)

        return clicked

    def show_state(self, code: str, tags: frozenset[str]) -> None:
        """Mark the class and the tags of the selected cell."""
        for each, made in self.buttons.items():
            made.setChecked(each == code)
        for tag, switch in self.tag_buttons.items():
            switch.setChecked(tag in tags)

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        for made in self.buttons.values():
            made.set_colors(colors)
