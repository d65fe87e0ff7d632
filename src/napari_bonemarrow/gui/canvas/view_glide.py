"""Glide of the view: a short, smooth move that the eye can follow."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEasingCurve, QObject, QVariantAnimation

MS = 160
"""Duration, ms: shorter than the interval between keys of a practised reviewer."""


class ViewGlide(QObject):
    """A stepwise move of the view, which stops if the user moves the view.

    Parameters
    ----------
    look : callable
        Sets the view's centre to (y, x).
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
        """Return whether the view is moving."""
        return self._way.state() == QVariantAnimation.State.Running

    @property
    def end(self) -> tuple[float, float] | None:
        """Return the target of the view, None at rest."""
        return self._ends[1] if self.running else None

    def start(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Move from one centre to another; an unfinished move stops."""
        self._way.stop()
        self._ends, self._last = (begin, end), begin
        self._way.start()

    def stop(self) -> None:
        """Stop the view."""
        self._way.stop()

    def finish(self) -> None:
        """Jump to the end."""
        if self.running:
            self._way.stop()
            self._put(self._ends[1])

    def follow(self, centre: tuple[float, float]) -> None:
        """Follow the view's place: a move by the user stops the glide."""
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
