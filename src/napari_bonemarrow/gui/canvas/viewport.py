"""Where the view has to go so that a cell is seen (no Qt, no napari)."""

from __future__ import annotations

from dataclasses import dataclass

MIDDLE = 0.6
"""A cell within this share of the view, along each axis, is looked at where it is: the view keeps still."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Viewport:
    """What is seen of a smear.

    Attributes
    ----------
    centre : (float, float)
        Its middle (y, x), world units (µm where the scale is known).
    size : (float, float)
        Its height and width, world units.
    smear : (float, float)
        Height and width of the whole smear, world units. Its first corner lies at (0, 0).
    """

    centre: Point
    size: Point
    smear: Point

    def shows_well(self, place: Point) -> bool:
        """Tell whether a place lies in the middle of the view."""
        return all(
            abs(at - middle) <= MIDDLE * side / 2
            for at, middle, side in zip(place, self.centre, self.size, strict=True)
        )

    def centred_on(self, place: Point) -> Point:
        """Return the centre that shows a place as near to the middle as the smear's borders allow.

        Beyond the border nothing is seen but black, so that the view ends where the smear does. Along an axis
        on which all of the smear is seen its middle is the view's.
        """
        down, across = (
            whole / 2 if side >= whole else min(max(at, side / 2), whole - side / 2)
            for at, side, whole in zip(place, self.size, self.smear, strict=True)
        )
        return down, across

    def towards(self, place: Point) -> Point | None:
        """Return the centre to go to so that a place is seen well, None where the view keeps still."""
        if self.shows_well(place):
            return None
        wanted = self.centred_on(place)
        return None if _same(wanted, self.centre, self.size) else wanted

    def is_near(self, centre: Point) -> bool:
        """Tell whether what is seen now and what is seen from another centre overlap."""
        return all(abs(to - at) < side for to, at, side in zip(centre, self.centre, self.size, strict=True))


def _same(one: Point, other: Point, size: Point) -> bool:
    """Tell whether two centres differ by less than a thousandth of the view: no screen shows that."""
    return all(abs(a - b) < side / 1000 for a, b, side in zip(one, other, size, strict=True))
