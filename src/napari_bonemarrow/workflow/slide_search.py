"""Search of a whole slide, tile by tile, in batches that a case can store."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from napari_bonemarrow.cytology import BoneMarrowError, Cells
from napari_bonemarrow.engine import Engine, SlideSource
from napari_bonemarrow.slides.detection.search_plan import DetectionPlan, Tile
from napari_bonemarrow.slides.slide import SlideError
from napari_bonemarrow.workflow.pace import Pace
from napari_bonemarrow.workflow.steps import Doing, Step, TilesFound

if TYPE_CHECKING:
    from napari_bonemarrow.review import DetectionProgress

_T = TypeVar("_T")

POLL_SECONDS = 0.2
BATCH_TILES = 32
BATCH_SECONDS = 2.0
"""Limits of a batch, in tiles and seconds, which bound the loss in a crash."""

_AHEAD = 3
"""Tiles queued per worker, so that none waits and cancelling is quick."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The result of a search.

    Attributes
    ----------
    parts : tuple of Cells
        In any order.
    failed : dict of int to str
        Unreadable tiles.
    """

    parts: tuple[Cells, ...]
    failed: dict[int, str]


def search_tiles(
    engine: Engine, source: SlideSource, layout: DetectionPlan, earlier: DetectionProgress | None = None
) -> Generator[Step, None, Searched]:
    """Yield the cells of all tiles of a layout, continuing an interrupted search.

    Failed tiles are tried again. Closing the generator cancels the work.

    Parameters
    ----------
    engine : Engine
    source : SlideSource
    layout : DetectionPlan
        Without profiles; those of the earlier search are reused.
    earlier : DetectionProgress, optional
        Progress stored in a case.

    Raises
    ------
    BoneMarrowError
        If nothing can be read, or the slide has disappeared.
    """
    plan = layout.continues(earlier.plan) if earlier is not None else None
    known: tuple[Cells, ...] = ()
    done: frozenset[int] = frozenset()
    if earlier is None or plan is None:
        plan = layout.with_profiles((yield from _profiles(engine, source, layout)))
    else:
        known, done = (earlier.cells,), earlier.done
    [busy] = yield from _all(engine.map_tiles("find_stained", source, [plan]), "Looking for the smear")
    wanted = [plan.tiles[number] for number in busy if number not in done]
    blank = tuple(tile.number for tile in plan.tiles if tile.number not in done and tile.number not in busy)
    batch = _Batch(plan, len(done), sum(tile.area_mm2 for tile in wanted))
    if blank:
        batch.blank(blank)
        yield batch.flush()
    try:
        yield from _stream(engine, source, wanted, batch)
    finally:
        engine.end_tiles()
    if batch.failed and not (len(plan.tiles) > len(batch.failed)):
        raise SlideError(next(iter(batch.failed.values())))
    return Searched((*known, *batch.parts), batch.failed)


def _profiles(engine: Engine, source: SlideSource, layout: DetectionPlan) -> Generator[Step, None, list[Any]]:
    images = list(zip(layout.image_numbers, layout.images, strict=True))
    return (yield from _all(engine.map_tiles("measure_stain", source, images), "Measuring the stain"))


def _all(futures: Sequence[Future[_T]], text: str) -> Generator[Step, None, list[_T]]:
    try:
        values: list[_T] = []
        for future in futures:
            values.append((yield from waited(future, text, len(values) / len(futures))))
        return values
    finally:
        for future in futures:
            future.cancel()


def waited(future: Future[_T], text: str, part: float | None = None) -> Generator[Step, None, _T]:
    """Return a future's value, yielding steps while waiting."""
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            yield Doing(text, part)


class _Batch:
    """Results since the last step, and the overall progress."""

    def __init__(self, plan: DetectionPlan, done: int, area_mm2: float) -> None:
        self.parts: list[Cells] = []
        self.failed: dict[int, str] = {}
        self.pace = Pace(area_mm2)
        self._plan, self._json, self._done = plan, plan.to_json(), done
        self._tiles: list[int] = []
        self._cells: list[Cells] = []
        self._new_failed: dict[int, str] = {}
        self._since = time.monotonic()

    def blank(self, tiles: Sequence[int]) -> None:
        """Add tiles without stain."""
        self._tiles += tiles

    def found(self, tile: Tile, cells: Cells) -> None:
        """Add a searched tile."""
        self._tiles.append(tile.number)
        self._cells.append(cells)
        self.pace.advance(tile.area_mm2)

    def lost(self, tile: Tile, problem: str) -> None:
        """Add an unreadable tile."""
        self._new_failed[tile.number] = problem
        self.pace.advance(tile.area_mm2)

    def is_due(self) -> bool:
        """Return whether the batch is complete."""
        count = len(self._tiles) + len(self._new_failed)
        return count >= BATCH_TILES or (count > 0 and time.monotonic() - self._since >= BATCH_SECONDS)

    def holds_something(self) -> bool:
        """Return whether the batch has tiles."""
        return bool(self._tiles or self._new_failed)

    def flush(self) -> TilesFound:
        """Return the batch as a step and start the next."""
        self._done += len(self._tiles) + len(self._new_failed)
        cells = Cells.joined(self._cells).numbered()
        step = TilesFound(
            tuple(self._tiles),
            cells,
            dict(self._new_failed),
            self._done,
            len(self._plan.tiles),
            self.pace.seconds_left,
            self._json,
            self.text(),
        )
        self.parts.append(cells)
        self.failed |= self._new_failed
        self._tiles, self._cells, self._new_failed = [], [], {}
        self._since = time.monotonic()
        return step

    def text(self) -> str:
        """Return progress and pace as text."""
        rate = f", {self.pace.rate:.2g} mm²/s" if self.pace.rate > 0 else ""
        return f"Finding cells ({self.pace.done:.3g} of {self.pace.total:.3g} mm²{rate})"

    def doing(self) -> Doing:
        """Return the progress between two batches."""
        return Doing(self.text(), self.pace.part, self.pace.seconds_left)


def _stream(
    engine: Engine, source: SlideSource, tiles: Sequence[Tile], batch: _Batch
) -> Generator[Step, None, None]:
    """Yield batches of tiles, several searched at a time."""
    pending: dict[Future[Cells], Tile] = {}
    waiting: Iterator[Tile] = iter(tiles)
    try:
        while True:
            for tile in waiting:
                pending[engine.detect_tiles(source, [tile])[0]] = tile
                if len(pending) >= _AHEAD * engine.workers:
                    break
            if not pending:
                break
            for future in wait(pending, POLL_SECONDS, FIRST_COMPLETED).done:
                tile = pending.pop(future)
                try:
                    batch.found(tile, future.result())
                except BoneMarrowError as error:
                    if not source.path.exists():
                        raise
                    batch.lost(tile, str(error))
            yield batch.flush() if batch.is_due() else batch.doing()
        if batch.holds_something():
            yield batch.flush()
    finally:
        for future in pending:
            future.cancel()
