from __future__ import annotations

import pytest

from napari_bonemarrow.workflow.pace import Pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_rate_tells_the_time_that_is_left() -> None:
    clock = Clock()
    pace = Pace(100, clock)
    assert pace.seconds_left is None
    for _ in range(30):
        clock.now += 1
        pace.advance(2)
    assert pace.rate == pytest.approx(2)
    assert pace.part == pytest.approx(0.6)
    assert pace.seconds_left == pytest.approx(20)
    clock.now += 3
    assert pace.seconds_left == pytest.approx(17)


def test_it_follows_a_change_without_jumping() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    for _ in range(60):
        clock.now += 1
        pace.advance(5)
    clock.now += 1
    pace.advance(1)
    assert pace.rate > 4.5
    for _ in range(90):
        clock.now += 1
        pace.advance(1)
    assert pace.rate == pytest.approx(1, abs=0.1)


def test_what_comes_at_once_counts_with_what_comes_next_and_the_end_is_the_end() -> None:
    clock = Clock()
    pace = Pace(10, clock)
    pace.advance(2)
    assert pace.rate == 0
    clock.now = 2
    pace.advance(2)
    assert pace.rate == pytest.approx(2)
    pace.advance(6)
    assert pace.seconds_left == 0
    assert Pace(0, clock).part == 1
