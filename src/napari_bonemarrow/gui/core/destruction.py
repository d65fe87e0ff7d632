"""What is to be done once Qt has deleted an object."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

_waiting: set[Callable[..., None]] = set()


def when_destroyed(sender: QObject, call: Callable[[], None]) -> None:
    """Call something when Qt has deleted an object, whatever Python's collector has done by then.

    What is connected to an object's signal looks to the collector like a part of the object. Where it finds
    both out of reach it empties the call, and Qt, which may delete the object later, would then call what is
    empty: the process ends by a signal. Kept here, the call is never out of reach.

    Parameters
    ----------
    sender : QObject
        Deleted by Qt in the end, as everything within a window is.
    call : callable
    """

    def tell(*_ignored: object) -> None:
        _waiting.discard(tell)
        call()

    _waiting.add(tell)
    sender.destroyed.connect(tell)
