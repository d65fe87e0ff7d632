"""The progress of an unfinished search for cells: the results of its tiles so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_bonemarrow.cytology import Cells


@dataclass(frozen=True, slots=True)
class DetectionProgress:
    """An unfinished search: its plan, and the tiles that are done.

    Attributes
    ----------
    plan : dict
        JSON of the plan that the tiles belong to.
    done : frozenset of int
        Tiles that were searched.
    failed : dict of int to str
        Tiles that could not be read, each with its message.
    cells : Cells
        The cells found so far, numbered provisionally from 1 in the order of the tiles.
    """

    plan: dict[str, Any]
    done: frozenset[int]
    failed: dict[int, str]
    cells: Cells


class TileSearch:
    """Tiles searched by one plan, in order of arrival.

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
        """Add some tiles with the cells whose centres lie in them; a read tile is no longer failed."""
        self.done.update(tiles)
        self._failed.update(failed)
        for tile in tiles:
            self._failed.pop(tile, None)
        self._parts.append(cells)

    def progress(self) -> DetectionProgress:
        """Return the progress."""
        cells = Cells.joined(self._parts).numbered()
        return DetectionProgress(dict(self.plan), frozenset(self.done), dict(self._failed), cells)
