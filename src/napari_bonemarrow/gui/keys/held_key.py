"""A key with an effect while it is held."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from superqt.utils import QSignalDebouncer

from napari_bonemarrow.gui.core.qt_objects import application, existing
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.keys.key_event import key_event

_SETTLE_MS = 120
"""Time without a press after which a release counts, ms. X11 repeats a held key as releases and presses, and
a busy window may read such a release before its press, so that Qt takes it as real."""

_KEYS = (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)


class HeldKey(QObject):
    """A held key, with a signal on its release, wherever the focus is then.

    A window that loses the focus does not get the release, so losing it counts as one.
    """

    changed = Signal(bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key: Qt.Key | None = None
        self._release_timer = QSignalDebouncer(parent=self)
        self._release_timer.setTimeout(_SETTLE_MS)
        self._release_timer.triggered.connect(self.end)

    @property
    def on(self) -> bool:
        """Return whether a key is held."""
        return self._key is not None

    def begin(self, binding: Binding) -> None:
        """Record the press of an act's key."""
        if self.on or not binding.key:
            return
        self._key = QKeySequence(binding.key)[0].key()
        application().installEventFilter(self)
        application().focusWindowChanged.connect(self._on_focus)
        application().applicationStateChanged.connect(self._on_focus)
        self.changed.emit(True)

    def end(self) -> None:
        """Treat the key as released."""
        if not self.on:
            return
        self._key = None
        self._release_timer.cancel()
        application().removeEventFilter(self)
        application().focusWindowChanged.disconnect(self._on_focus)
        application().applicationStateChanged.disconnect(self._on_focus)
        self.changed.emit(False)

    def _on_focus(self, _where: object = None) -> None:
        self.end()

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """Catch the release on its way to the focus; auto-repeat is not one."""
        kind = existing(event).type()
        if kind not in _KEYS:
            return False
        pressed = key_event(event)
        if pressed.key() == self._key:
            if kind != QEvent.Type.KeyRelease:
                self._release_timer.cancel()
            elif not pressed.isAutoRepeat():
                self._release_timer.throttle()
        return False
