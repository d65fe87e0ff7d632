"""Review mode: our keys over napari's own, and napari's given back on leaving."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget

from napari_bonemarrow.gui.keys import BINDINGS, Binding


class KeyMode(QObject):
    """Binds the table of keys to napari's keymaps (focus on the smear) and to the panel (focus there).

    Parameters
    ----------
    panel : QWidget
        Keys work while the focus is inside it.
    """

    pressed = Signal(object)

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self._shadowed: list[tuple[object, str, object]] = []
        self._shortcuts = [
            self._shortcut(panel, key, binding)
            for binding in BINDINGS
            for key in ({"Enter": ("Return", "Enter")}.get(binding.key, (binding.key,)))
        ]

    def _shortcut(self, panel: QWidget, key: str, binding: Binding) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), panel)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setEnabled(False)
        shortcut.activated.connect(partial(self.pressed.emit, binding))
        return shortcut

    @property
    def on(self) -> bool:
        """Whether our keys work."""
        return bool(self._shadowed)

    def enter(self, providers: list) -> None:
        """Bind the keys to the viewer and to the smear's layers.

        napari asks the active layer first and the viewer last, so that each of ours must have them:
        the layer's own ``1``, ``Delete`` or ``Space`` would else come first.
        """
        self.leave()
        for provider in providers:
            for binding in BINDINGS:
                before = provider.bind_key(binding.key, self._press(binding), overwrite=True)
                self._shadowed.append((provider, binding.key, before))
        for shortcut in self._shortcuts:
            shortcut.setEnabled(True)

    def leave(self) -> None:
        """Give napari's keys back."""
        for provider, key, before in reversed(self._shadowed):
            provider.bind_key(key, before, overwrite=True)
        self._shadowed = []
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)

    def _press(self, binding: Binding):
        def press(_provider: object) -> None:
            self.pressed.emit(binding)

        return press
