"""A key that does something for as long as it is held."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.gui.keys import Binding


class Holding(QObject):
    """Tells when a key is let go, wherever the focus is by then.

    A window that loses the keyboard is never told of the release, so that counts as one.
    """

    changed = Signal(bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key: Qt.Key | None = None

    @property
    def on(self) -> bool:
        """Whether a key is held."""
        return self._key is not None

    def begin(self, binding: Binding) -> None:
        """Take note that the key of an act was pressed."""
        if self.on or not binding.key:
            return
        self._key = QKeySequence(binding.key)[0].key()
        application = QApplication.instance()
        application.installEventFilter(self)
        application.focusWindowChanged.connect(self._on_focus)
        application.applicationStateChanged.connect(self._on_focus)
        self.changed.emit(True)

    def end(self) -> None:
        """Take the key as let go."""
        if not self.on:
            return
        self._key = None
        application = QApplication.instance()
        application.removeEventFilter(self)
        application.focusWindowChanged.disconnect(self._on_focus)
        application.applicationStateChanged.disconnect(self._on_focus)
        self.changed.emit(False)

    def _on_focus(self, _where: object = None) -> None:
        self.end()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Hear the release on its way to whatever has the focus; the key repeating itself is none."""
        released = event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat()
        if released and event.key() == self._key:
            self.end()
        return False
