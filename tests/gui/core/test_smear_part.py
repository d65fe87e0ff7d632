"""What works on a smear ends with it: parts, timers and connections."""

from __future__ import annotations

import pytest
from psygnal import Signal as PlainSignal
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.gui.core.smear_part import SmearPart


class Lasting(QObject):
    """Outlives the smear."""

    said = Signal(int)
    told = PlainSignal(int)


class Part(SmearPart):
    """Hears what is said, and notes when it is closed."""

    def __init__(self, lasting: Lasting, closed: list[Part], parent: QObject) -> None:
        super().__init__(None, parent)
        self.heard: list[int] = []
        self._closed = closed
        for signal in (lasting.said, lasting.told):
            self.follow(signal, self.hear)
        self.rest = self.timer(0, lambda: self.hear(-1))

    def hear(self, number: int) -> None:
        self.heard.append(number)

    def close(self) -> None:
        super().close()
        self._closed.append(self)


@pytest.fixture
def lasting(qapp) -> Lasting:
    return Lasting()


def test_a_part_hears_until_it_is_closed_and_its_timers_ring_no_more(lasting, qtbot) -> None:
    part = Part(lasting, [], lasting)
    lasting.said.emit(1)
    lasting.told.emit(2)
    part.rest.start()
    qtbot.waitUntil(lambda: part.heard == [1, 2, -1])
    part.rest.start()
    part.close()
    lasting.said.emit(3)
    lasting.told.emit(4)
    qtbot.wait(10)
    assert part.heard == [1, 2, -1]


def test_the_parts_of_a_part_are_closed_before_it_the_last_first(lasting) -> None:
    closed: list[Part] = []
    whole = Part(lasting, closed, lasting)
    first = Part(lasting, closed, whole)
    inner, second = Part(lasting, closed, first), Part(lasting, closed, whole)
    whole.close()
    assert closed == [second, inner, first, whole]
