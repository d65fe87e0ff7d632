"""Parts of an open smear, which end with it together with their timers and connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.timers import single_shot


class SmearPart(QObject):
    """A part that works on one open smear and ends when the smear is closed.

    Parameters
    ----------
    session : Session
    parent : QObject
        The open smear, or the part of it that this one belongs to.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self.session = session
        self._connections: list[tuple[Any, Callable[..., object]]] = []

    def follow(self, signal: Any, slot: Callable[..., object]) -> None:
        """Connect a signal, of Qt or psygnal, of an object that outlives the smear."""
        signal.connect(slot)
        self._connections.append((signal, slot))

    def timer(self, wait_ms: int, then: Callable[[], object]) -> QTimer:
        """Return a timer that calls once, a given time after its last start."""
        return single_shot(self, wait_ms, then)

    def close(self) -> None:
        """Close its parts, the newest first, then its timers and connections. Qt deletes it later."""
        for child in reversed(self.children()):
            if isinstance(child, SmearPart):
                child.close()
            elif isinstance(child, QTimer):
                child.stop()
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._connections.clear()
