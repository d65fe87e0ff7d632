"""Viewport of the smear, and its moves to show a cell (no Qt, no napari)."""

from __future__ import annotations

from dataclasses import dataclass

MIDDLE = 0.6
"""Share of the view, along each axis, inside which a cell does not move the view."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Viewport:
    """The visible part of a smear.

    Attributes
    ----------
    centre : (float, float)
        Its middle (y, x), world units (µm if the scale is known).
    size : (float, float)
        Its height and width, world units.
    smear : (float, float)
        Height and width of the whole smear, world units. Its first corner is at (0, 0).
    """

    centre: Point
    size: Point
    smear: Point

    def shows_well(self, place: Point) -> bool:
        """Return whether a place lies in the middle of the view."""
        return all(
            abs(at - middle) <= MIDDLE * side / 2
            for at, middle, side in zip(place, self.centre, self.size, strict=True)
        )

    def centred_on(self, place: Point) -> Point:
        """Return the centre that shows a place as close to the middle as the smear's borders allow.

        The view does not go beyond the smear, which is black there. Along an axis with the whole smear in
        view its middle is the view's.
        """
        down, across = (
            whole / 2 if side >= whole else min(max(at, side / 2), whole - side / 2)
            for at, side, whole in zip(place, self.size, self.smear, strict=True)
        )
        return down, across

    def towards(self, place: Point) -> Point | None:
        """Return the centre that shows a place well, None if the view need not move."""
        if self.shows_well(place):
            return None
        wanted = self.centred_on(place)
        return None if _same(wanted, self.centre, self.size) else wanted

    def is_near(self, centre: Point) -> bool:
        """Return whether the view overlaps with the view from another centre."""
        return all(abs(to - at) < side for to, at, side in zip(centre, self.centre, self.size, strict=True))


def _same(one: Point, other: Point, size: Point) -> bool:
    """Return whether two centres differ by less than a thousandth of the view, which no screen shows."""
    return all(abs(a - b) < side / 1000 for a, b, side in zip(one, other, size, strict=True))
