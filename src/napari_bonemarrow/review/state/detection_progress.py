"""A search for cells under way: what its tiles have brought so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology import Cells


@dataclass(frozen=True, slots=True)
class DetectionProgress:
    """A search that has not come to its end: what it was to do, and what is done of it.

    Attributes
    ----------
    plan : dict
        JSON of the plan that the tiles belong to.
    done : frozenset of int
        Tiles that were searched.
    failed : dict of int to str
        Tiles that could not be read, each with its line.
    cells : Cells
        What was found so far, numbered provisionally from 1 in the order in which the tiles came.
    """

    plan: dict[str, Any]
    done: frozenset[int]
    failed: dict[int, str]
    cells: Cells


class TileSearch:
    """Tiles searched by one plan, as they came.

    Parameters
    ----------
    plan : mapping
        JSON of the plan.
    """

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.plan = dict(plan)
        self.done: set[int] = set()
        self._failed: dict[int, str] = {}
        self._parts: list[Cells] = []

    def add(self, tiles: Sequence[int], failed: Mapping[int, str], cells: Cells) -> None:
        """Take in some tiles with the cells whose centres lie in them; one that was read has not failed."""
        self.done.update(tiles)
        self._failed.update(failed)
        for tile in tiles:
            self._failed.pop(tile, None)
        self._parts.append(cells)

    def progress(self) -> DetectionProgress:
        """Return what is done."""
        cells = Cells.joined(self._parts).numbered()
        return DetectionProgress(dict(self.plan), frozenset(self.done), dict(self._failed), cells)
