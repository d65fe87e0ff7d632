"""Heavy work for the window: engine futures and workflow steps, bridged to Qt by napari's workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing
from functools import partial
from typing import Any

from napari.qt.threading import GeneratorWorker
from qtpy.QtCore import QObject

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.destruction import when_destroyed

_POLL_SECONDS = 0.2

_ended: deque[Any] = deque(maxlen=64)
"""The workers that ended last. A thread signals its worker's end just before it drops its reference, which
must not be the last one: the worker's signals are an object of Qt's main thread and must be deleted there."""


class Tasks(QObject):
    """A runner of generators in threads; every callback runs on the main thread.

    A `BoneMarrowError` goes to ``on_failed`` as one line for the user. Any other exception is a defect
    of the program, which napari reports by itself.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._workers: set[Any] = set()
        when_destroyed(self, partial(_stop, self._workers))  # later results have no receiver

    def run(
        self,
        steps: Callable[[], Iterator[Any]],
        *,
        on_step: Callable[[Any], None],
        on_done: Callable[[], None],
        on_failed: Callable[[BoneMarrowError], None],
    ) -> Any:
        """Run a generator and pass what it yields to ``on_step``, in order; return the worker."""
        # Removed when they have begun and ended: the worker outlives its work, its data need not.
        begin, told = [steps], [(on_step, on_failed, on_done)]

        def guarded() -> Generator[Any, Any, None]:
            try:
                yield from begin.pop()()
            except BoneMarrowError as error:
                yield _Failure(error)

        def receive(step: Any) -> None:
            if worker not in self._workers:
                return  # it was cancelled: pending results are not wanted
            step_told, failure_told, _done = told[0]
            if isinstance(step, _Failure):
                failure_told(step.error)
            elif step is not None:
                step_told(step)

        def finish(_nothing: None = None) -> None:
            worker.yielded.disconnect(receive)
            worker.finished.disconnect(finish)
            begin.clear()  # it may have been cancelled before its start
            _ended.append(worker)
            [(_step, _failed, done)] = told
            told.clear()
            if worker in self._workers:
                self._workers.discard(worker)
                done()

        # Not by `create_worker`: napari's window keeps all its workers until it closes, and with them
        # their data, such as the slides of a whole morning.
        worker = _Worker(guarded)
        worker.yielded.connect(receive)
        worker.finished.connect(finish)
        worker.errored.connect(_report)
        self._workers.add(worker)
        worker.start()
        return worker

    def wait_for(
        self,
        future: Future[Any],
        on_value: Callable[[Any], None],
        on_failed: Callable[[BoneMarrowError], None],
        on_done: Callable[[], None] | None = None,
    ) -> Any:
        """Wait for a future of the engine; a cancelled one has no value."""
        done = on_done or _nothing
        return self.run(lambda: _await(future), on_step=on_value, on_done=done, on_failed=on_failed)

    def cancel(self, worker: Any) -> None:
        """Stop a generator at its next step; it makes no more callbacks."""
        if worker in self._workers:
            self._workers.discard(worker)
            worker.quit()

    def cancel_all(self) -> None:
        """Stop all generators."""
        for worker in list(self._workers):
            self.cancel(worker)


class _Worker(GeneratorWorker[Any, Any, Any]):
    """A worker that emits nothing once the application has ended before it.

    Qt's objects, including its signals, are then deleted while the thread still works on its last step.
    The base worker takes any `RuntimeError` for that, and prints it on the console instead of passing it
    to the callback.
    """

    def work(self) -> Any:
        """Run the steps; their errors are raised like any other."""
        # Closed here, since a stopped generator would otherwise release its objects, such as the
        # engine's futures, only at the next garbage collection.
        with closing(self._gen):
            result = super().work()
        if isinstance(result, RuntimeError):
            raise result
        return result

    def run(self) -> None:
        """Run the work; emit nothing if no receiver is left."""
        try:
            super().run()
        except RuntimeError:
            if not self._is_orphaned():
                raise

    def _is_orphaned(self) -> bool:
        try:
            self.signals.objectName()
        except RuntimeError:  # raised by both bindings for a deleted object
            return True
        return False


class _Failure:
    def __init__(self, error: BoneMarrowError) -> None:
        self.error = error


def _stop(workers: set[Any]) -> None:
    for worker in workers:
        worker.quit()
    workers.clear()


def _report(defect: BaseException) -> None:
    raise defect


def _nothing() -> None:
    """Do nothing after waiting for a future."""


def _await(future: Future[Any]) -> Iterator[Any]:
    while True:
        try:
            yield future.result(timeout=_POLL_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            yield None  # a step at which it can be stopped
        except CancelledError:
            return
        else:
            return
