"""Layout of the gallery's thumbnails (no Qt)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.review.worklist.filters import Group

GAP = 4
"""Gap between thumbnails and around them, px."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of thumbnails under its heading; ``top`` and ``height`` are px of the whole gallery.

    ``heading`` is the height of its heading, 0 without one; a folded section shows nothing else.
    """

    group: Group
    top: int
    heading: int
    height: int
    folded: bool

    @property
    def bottom(self) -> int:
        """Return the start of the next section."""
        return self.top + self.height


class GridLayout:
    """A grid of thumbnails of one size in rows, section below section, computed from few numbers.

    Parameters
    ----------
    groups : sequence of Group
    width : int
        Width of the view, px.
    item : (int, int)
        Width and height of a thumbnail with its caption, px.
    heading : int
        Height of a heading, px.
    folded : collection of str
        Codes of folded sections.
    """

    def __init__(
        self,
        groups: Sequence[Group] = (),
        width: int = 1,
        item: tuple[int, int] = (100, 118),
        heading: int = 22,
        folded: Collection[str] = (),
    ) -> None:
        self.item = item
        self.pitch = (item[0] + GAP, item[1] + GAP)
        self.columns = max(1, (width - GAP) // self.pitch[0])
        sections, top = [], 0
        for group in groups:
            high = 0 if group.code is None else heading
            is_folded = group.code is not None and group.code in folded
            rows = 0 if is_folded else -(-len(group) // self.columns)
            height = high + (rows * self.pitch[1] + GAP if rows else 0)
            sections.append(Section(group, top, high, height, is_folded))
            top += height
        self.sections: tuple[Section, ...] = tuple(sections)
        self.height = top
        self._tops = [section.top for section in sections]
        self._starts = [section.group.start for section in sections]

    def section_of(self, place: int) -> Section:
        """Return the section of a place."""
        return self.sections[bisect_right(self._starts, place) - 1]

    def section_at(self, y: int) -> Section | None:
        """Return the section at a height of the gallery, None below the last."""
        if not self.sections or not 0 <= y < self.height:
            return None
        return self.sections[bisect_right(self._tops, y) - 1]

    def corner(self, place: int) -> tuple[int, int]:
        """Return left and top of a thumbnail, or of its heading in a folded section."""
        section = self.section_of(place)
        if section.folded:
            return GAP, section.top
        row, column = divmod(place - section.group.start, self.columns)
        return GAP + column * self.pitch[0], section.top + section.heading + GAP + row * self.pitch[1]

    def place_at(self, x: int, y: int) -> int:
        """Return the place of the thumbnail at a point, -1 between them."""
        section = self.section_at(y)
        down = -1 if section is None else y - section.top - section.heading - GAP
        across = x - GAP
        if section is None or section.folded or min(down, across) < 0:
            return -1
        (column, right), (row, below) = divmod(across, self.pitch[0]), divmod(down, self.pitch[1])
        place = section.group.start + row * self.columns + column
        inside = column < self.columns and right < self.item[0] and below < self.item[1]
        return place if inside and place < section.group.stop else -1

    def heading_at(self, y: int) -> Section | None:
        """Return the section with its heading at a height, else None."""
        section = self.section_at(y)
        return section if section is not None and y < section.top + section.heading else None

    def between(self, top: int, bottom: int) -> Iterator[tuple[Section, range]]:
        """Yield the sections between two heights, with their places there."""
        at = max(0, bisect_right(self._tops, max(top, 0)) - 1)
        for section in self.sections[at:]:
            if section.top >= bottom:
                return
            yield section, self._rows_between(section, top, bottom)

    def _rows_between(self, section: Section, top: int, bottom: int) -> range:
        group = section.group
        if section.folded:
            return range(group.start, group.start)
        first = section.top + section.heading + GAP
        begin = group.start + max(0, (top - first) // self.pitch[1]) * self.columns
        end = group.start + max(0, -(-(bottom - first) // self.pitch[1])) * self.columns
        return range(min(begin, group.stop), min(end, group.stop))

    def inside(self, left: int, top: int, right: int, bottom: int) -> NDArray[np.intp]:
        """Return the places of the thumbnails that a rectangle touches, ascending."""
        (wide, high), (across, down) = self.item, self.pitch
        columns = np.arange(self.columns)
        starts = GAP + columns * across
        columns = columns[(starts <= right) & (starts + wide > left)]
        found = [np.empty(0, np.intp)]
        for section, places in self.between(top, bottom + 1):
            rows = (
                np.arange(len(places) // self.columns + 1)
                + (places.start - section.group.start) // self.columns
            )
            starts = section.top + section.heading + GAP + rows * down
            rows = rows[(starts <= bottom) & (starts + high > top)]
            touched = section.group.start + (rows[:, None] * self.columns + columns).ravel()
            found.append(touched[touched < places.stop])
        return np.concatenate(found)

    def first(self, way: int) -> int:
        """Return the first visible place, or with -1 the last; -1 if all are folded."""
        if not self.sections:
            return -1
        return self._unfolded(0 if way > 0 else self.sections[-1].group.stop - 1, way, -1)

    def step(self, place: int, across: int, down: int) -> int:
        """Return the place after an arrow key: sideways in reading order, up and down by rows.

        Folded sections are skipped; at the ends the place stays.
        """
        if across:
            return self._unfolded(place + across, across, place)
        section = self.section_of(place)
        column = (place - section.group.start) % self.columns
        to = place + down * self.columns
        if section.group.start <= to < section.group.stop:
            return to
        last_row = (len(section.group) - 1) // self.columns
        if down > 0 and (place - section.group.start) // self.columns < last_row:
            return section.group.stop - 1  # the row below is short
        edge = section.group.stop if down > 0 else section.group.start - 1
        edge = self._unfolded(edge, down, -1)
        if edge < 0:
            return place
        other = self.section_of(edge).group
        if down > 0:
            return min(other.start + column, other.stop - 1)
        row = (len(other) - 1) // self.columns
        return min(other.start + row * self.columns + column, other.stop - 1)

    def _unfolded(self, place: int, way: int, otherwise: int) -> int:
        """Return a place, or the next one outside folded sections."""
        while self.sections and 0 <= place < self.sections[-1].group.stop:
            section = self.section_of(place)
            if not section.folded:
                return place
            place = section.group.stop if way > 0 else section.group.start - 1
        return otherwise
