"""Queue of the engine: by priority, then by age, without stale tasks."""

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


class TaskKind(IntEnum):
    """The kind of a task, in order of priority."""

    LOAD = 0
    EXPLAIN = 1
    CLASSIFY = 2
    DETECT = 3
    EMBED = 4


@dataclass(order=True)
class Task:
    """A call for the child."""

    kind: TaskKind
    number: int
    name: str = field(compare=False)
    args: tuple[Any, ...] = field(compare=False)
    generation: int = field(compare=False)
    done: Callable[[Any, float], None] = field(compare=False)
    """Called with the value and the seconds it took, before the future gets its result."""
    future: Future[Any] = field(compare=False, default_factory=Future)


class TaskQueue:
    """A thread-safe queue of tasks by priority."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[Task] = []
        self._numbers = itertools.count()
        self._generations: dict[TaskKind, int] = defaultdict(int)
        self._closed = False

    def put(
        self,
        kind: TaskKind,
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
        """Return the next task that is not cancelled, waiting for it; None once the queue is closed."""
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
        """Return whether a task was added after the last `drop` of its kind."""
        return task.generation == self._generations[task.kind]

    def drop(self, kinds: tuple[TaskKind, ...]) -> None:
        """Make every task of these kinds stale, including the running one."""
        with self._changed:
            for kind in kinds:
                self._generations[kind] += 1
            stale = [task for task in self._heap if not self.is_current(task)]
        # Outside the lock: a callback of a cancelled future may add the next task.
        for task in stale:
            task.future.cancel()

    def close(self) -> None:
        """Cancel waiting tasks and make `take` return None."""
        with self._changed:
            self._closed = True
            waiting, self._heap = self._heap, []
            self._changed.notify_all()
        for task in waiting:
            settle(task.future)


def settle(future: Future[Any], value: Any = None, error: BaseException | None = None) -> None:
    """Set a future's result or error unless it was cancelled; with neither, cancel it."""
    if value is None and error is None:
        future.cancel()
    # `concurrent.futures.wait` notices a cancellation only after this call.
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


def carry_out(
    task: Task, work: Callable[[Task], Any], tasks: TaskQueue, is_closed: Callable[[], bool]
) -> None:
    """Run a task and settle its future in any case.

    The result of a dropped task is discarded; after the queue's owner is closed, futures are cancelled.
    """
    try:
        value = work(task)
    except BoneMarrowError as error:
        settle(task.future, error=None if is_closed() else error)
    except Exception as error:  # a defect here must reach the future, not end the thread
        wrapped = EngineError(f"engine: {type(error).__name__}: {error}")
        settle(task.future, error=None if is_closed() else wrapped)
    else:
        settle(task.future, value if tasks.is_current(task) and not is_closed() else None)
