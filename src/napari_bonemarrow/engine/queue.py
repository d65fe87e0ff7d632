"""The engine's own queue: by priority, then by age, without what has become stale."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine.messages import EngineError


class Kind(IntEnum):
    """What a task is, in the order in which tasks are taken."""

    LOAD = 0
    EXPLAIN = 1
    CLASSIFY = 2
    DETECT = 3
    EMBED = 4


@dataclass(order=True)
class Task:
    """One call that the child is to make."""

    kind: Kind
    number: int
    name: str = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    generation: int = field(compare=False)
    done: Callable[[Any, float], None] = field(compare=False)
    """Called with the value and the seconds it took, before the future has its result."""
    future: Future[Any] = field(compare=False, default_factory=Future)


class TaskQueue:
    """Tasks by priority; thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[Task] = []
        self._numbers = itertools.count()
        self._generations: dict[Kind, int] = defaultdict(int)
        self._closed = False

    def put(
        self,
        kind: Kind,
        name: str,
        *args: object,
        done: Callable[[Any, float], None] = lambda value, seconds: None,
    ) -> Future[Any] | None:
        """Add a task; None if the queue is closed."""
        with self._changed:
            if self._closed:
                return None
            task = Task(kind, next(self._numbers), name, args, self._generations[kind], done)
            heapq.heappush(self._heap, task)
            self._changed.notify()
        return task.future

    def take(self) -> Task | None:
        """Wait for the next task that somebody still wants; None once the queue is closed."""
        while True:
            with self._changed:
                while not self._heap and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return None
                task = heapq.heappop(self._heap)
                wanted = self.is_current(task)
            if wanted and not task.future.cancelled():
                return task
            settle(task.future)

    def is_current(self, task: Task) -> bool:
        """Tell whether a task was put in after the last `drop` of its kind."""
        return task.generation == self._generations[task.kind]

    def drop(self, kinds: tuple[Kind, ...]) -> None:
        """Let every task of these kinds become stale, the one that runs included."""
        with self._changed:
            for kind in kinds:
                self._generations[kind] += 1
            stale = [task for task in self._heap if not self.is_current(task)]
        # Outside the lock: a callback of a cancelled future may put in the next task.
        for task in stale:
            task.future.cancel()

    def close(self) -> None:
        """Cancel what waits and let `take` return None."""
        with self._changed:
            self._closed = True
            waiting, self._heap = self._heap, []
            self._changed.notify_all()
        for task in waiting:
            settle(task.future)


def settle(future: Future[Any], value: Any = None, error: BaseException | None = None) -> None:
    """Give a future its outcome unless it was cancelled; with neither value nor error, cancel it."""
    if value is None and error is None:
        future.cancel()
    # Waiters in `concurrent.futures.wait` learn of a cancellation only from this call.
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


def carry_out(
    task: Task, work: Callable[[Task], Any], tasks: TaskQueue, is_closed: Callable[[], bool]
) -> None:
    """Do what a task asks for and settle its future, whatever comes of it.

    A result that was dropped meanwhile is thrown away, and once the queue's owner is closed nobody waits.
    """
    try:
        value = work(task)
    except BoneMarrowError as error:
        settle(task.future, error=None if is_closed() else error)
    except Exception as error:  # a defect here must reach whoever waits, not end the thread
        wrapped = EngineError(f"engine: {type(error).__name__}: {error}")
        settle(task.future, error=None if is_closed() else wrapped)
    else:
        settle(task.future, value if tasks.is_current(task) and not is_closed() else None)
