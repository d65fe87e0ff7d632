"""Engines that several tests share: their processes are no test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from napari_bonemarrow.engine import Engine

_SHARED: WeakSet[Engine] = WeakSet()


@contextmanager
def shared(engine: Engine) -> Iterator[Engine]:
    """Close an engine at the end, and allow its processes to outlive the test that starts them."""
    _SHARED.add(engine)
    try:
        yield engine
    finally:
        Engine.close(engine)


def shared_processes() -> set[int | None]:
    """Return the process ids of the engines that are shared."""
    return {pid for engine in _SHARED for pid in (engine.pid, *engine.tile_pids)}
