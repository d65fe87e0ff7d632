"""All classes as buttons, with their keys: the legend of the rings and the way to give a class."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.gui.theme import ThemeColors
from napari_bonemarrow.gui.views.parts import ClassButton, button, keyed

_COLUMNS = 5


class LabelGrid(QWidget):
    """A button a class, in the order in which a differential is read, and a switch a tag."""

    label_chosen = Signal(str)
    tag_toggled = Signal(str, bool)
    keys_requested = Signal()
    cells_dropped = Signal(str, object)  # code, tuple of cell numbers

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, ClassButton] = {}
        self.tag_buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        grid.setSpacing(3)
        for at, code in enumerate(CLASSES):
            made = ClassButton(code)
            made.chosen.connect(self.label_chosen)
            made.dropped.connect(self.cells_dropped)
            self.buttons[code] = made
            grid.addWidget(made, *divmod(at, _COLUMNS))
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

    def _tag_clicked(self, tag: str):
        def clicked(on: bool) -> None:
            self.tag_toggled.emit(tag, on)

        return clicked

    def show_state(self, code: str, tags: frozenset[str]) -> None:
        """Mark the class and the tags that the selected cell has."""
        for each, made in self.buttons.items():
            made.setChecked(each == code)
        for tag, switch in self.tag_buttons.items():
            switch.setChecked(tag in tags)

    def set_colors(self, colors: ThemeColors) -> None:
        """Follow the theme."""
        for made in self.buttons.values():
            made.set_colors(colors)
