"""Calls after Qt has deleted an object."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

_waiting: set[Callable[..., None]] = set()


def when_destroyed(sender: QObject, call: Callable[[], None]) -> None:
    """Call a function when Qt has deleted an object, independent of Python's garbage collector.

    To the collector, a function connected to an object's signal is a part of the object. If it finds
    both unreachable it clears the function, and Qt, which may delete the object later, would then call a
    cleared one: the process ends by a signal. Kept here, the function is always reachable.

    Parameters
    ----------
    sender : QObject
        Deleted by Qt in the end, like every object in a window.
    call : callable
    """

    def tell(*_ignored: object) -> None:
        _waiting.discard(tell)
        call()

    _waiting.add(tell)
    sender.destroyed.connect(tell)
