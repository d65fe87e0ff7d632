"""The view keeps still, and where it goes something of the smear is seen."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.gui.canvas.viewport import MIDDLE, Viewport

SMEAR = (100.0, 200.0)


def _seen(centre: tuple[float, float], size: tuple[float, float] = (20.0, 40.0)) -> Viewport:
    return Viewport(centre, size, SMEAR)


@pytest.mark.parametrize(
    ("place", "still"),
    [((50, 100), True), ((55.9, 100), True), ((56.1, 100), False), ((50, 111.9), True), ((50, 112.1), False)],
)
def test_the_view_moves_only_for_what_lies_outside_its_middle(place, still):
    assert MIDDLE == 0.6
    assert (_seen((50, 100)).towards(place) is None) == still


def test_a_cell_outside_the_middle_is_brought_to_it():
    assert _seen((50, 100)).towards((70, 150)) == (70, 150)


def test_at_a_border_the_view_ends_where_the_smear_does():
    seen = _seen((50, 100))
    assert seen.towards((1, 199)) == (10, 180)
    there = _seen((10, 180))
    assert there.towards((1, 199)) is None  # it cannot come nearer to the middle
    assert there.towards((2, 2)) == (10, 20)


def test_a_smear_smaller_than_the_view_stays_in_its_middle():
    assert _seen((50, 100), (300, 40)).towards((99, 5)) == (50, 20)
    assert _seen((0, 0), (300, 400)).centred_on((99, 5)) == (50, 100)


def test_wherever_it_goes_no_black_is_seen_that_the_smear_could_fill():
    rng = np.random.default_rng(4)
    for _try in range(200):
        size = tuple(rng.uniform(5, 300, 2).tolist())
        down, across = _seen(tuple(rng.uniform(-50, 250, 2).tolist()), size).centred_on(
            tuple((rng.uniform(0, 1, 2) * SMEAR).tolist())
        )
        for at, side, whole in zip((down, across), size, SMEAR, strict=True):
            if side < whole:
                assert side / 2 - 1e-9 <= at <= whole - side / 2 + 1e-9
            else:
                assert at == whole / 2


def test_near_is_what_overlaps_with_what_is_seen_now():
    seen = _seen((50, 100))
    assert seen.is_near((65, 110))
    assert not seen.is_near((71, 100))
