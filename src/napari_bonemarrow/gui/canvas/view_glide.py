"""A short, gentle way of the view from one place to another, so that the eye can follow."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEasingCurve, QObject, QVariantAnimation

MS = 160
"""Short enough to have ended before a practised reviewer has pressed the next key."""


class ViewGlide(QObject):
    """Moves the view in steps, unless somebody else moves it meanwhile.

    Parameters
    ----------
    look : callable
        Puts the view's centre at (y, x).
    parent : QObject
    """

    def __init__(self, look: Callable[[tuple[float, float]], None], parent: QObject) -> None:
        super().__init__(parent)
        self._look = look
        self._ends = ((0.0, 0.0), (0.0, 0.0))
        self._last: tuple[float, float] | None = None
        self._way = QVariantAnimation(self)
        self._way.setDuration(MS)
        self._way.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._way.setStartValue(0.0)
        self._way.setEndValue(1.0)
        self._way.valueChanged.connect(self._step)

    @property
    def running(self) -> bool:
        """Whether the view is on its way."""
        return self._way.state() == QVariantAnimation.State.Running

    @property
    def end(self) -> tuple[float, float] | None:
        """Where the view is going, None where it rests."""
        return self._ends[1] if self.running else None

    def start(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Go from one centre to another; a way that was not finished is left where it is."""
        self._way.stop()
        self._ends, self._last = (begin, end), begin
        self._way.start()

    def stop(self) -> None:
        """Stay where the view is now."""
        self._way.stop()

    def finish(self) -> None:
        """Be at the end at once."""
        if self.running:
            self._way.stop()
            self._put(self._ends[1])

    def follow(self, centre: tuple[float, float]) -> None:
        """Notice where the view is: whoever moves it elsewhere meanwhile is not pulled back."""
        if self.running and self._last is not None and max(map(_distance, centre, self._last)) > 1e-6:
            self.stop()

    def _step(self, part: float) -> None:
        if self.running or part == 1.0:
            (y, x), (to_y, to_x) = self._ends
            self._put((y + (to_y - y) * part, x + (to_x - x) * part))

    def _put(self, centre: tuple[float, float]) -> None:
        self._last = centre
        self._look(centre)


def _distance(one: float, other: float) -> float:
    return abs(one - other)
