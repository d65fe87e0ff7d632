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
"""The workers that ended last. A thread tells of its worker's end a moment before it lets go of it, and must
not be the last to do so: the worker's signals are an object of Qt's main thread and must end there."""


class Tasks(QObject):
    """Runs generators in threads; every callback comes back on the main thread.

    A `BoneMarrowError` goes to ``on_failed`` as one line for the user. Any other exception is a defect
    of the program, which napari reports by itself.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._workers: set[Any] = set()
        when_destroyed(self, partial(_stop, self._workers))  # what still comes then has nowhere to go

    def run(
        self,
        steps: Callable[[], Iterator[Any]],
        *,
        on_step: Callable[[Any], None],
        on_done: Callable[[], None],
        on_failed: Callable[[BoneMarrowError], None],
    ) -> Any:
        """Run a generator; what it yields reaches ``on_step`` in order. Returns the worker."""
        begin = [steps]  # taken out when it begins: the worker outlives its work, what it works on need not

        def guarded() -> Generator[Any, Any, None]:
            try:
                yield from begin.pop()()
            except BoneMarrowError as error:
                yield _Failure(error)

        def receive(step: Any) -> None:
            if worker not in self._workers:
                return  # it was cancelled: what is still on its way is not wanted
            if isinstance(step, _Failure):
                on_failed(step.error)
            elif step is not None:
                on_step(step)

        def finish(_nothing: None = None) -> None:
            worker.yielded.disconnect(receive)
            worker.finished.disconnect(finish)
            begin.clear()  # it may have been cancelled before it began
            _ended.append(worker)
            if worker in self._workers:
                self._workers.discard(worker)
                on_done()

        # Not by `create_worker`: napari's window keeps each of its workers for as long as it lives, and with
        # it whatever the worker has been given, such as the slides of a whole morning.
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
        """Wait for one of the engine's futures; a cancelled one has no value."""
        done = on_done or _nothing
        return self.run(lambda: _await(future), on_step=on_value, on_done=done, on_failed=on_failed)

    def cancel(self, worker: Any) -> None:
        """Stop a generator at its next step; nothing more is heard of it."""
        if worker in self._workers:
            self._workers.discard(worker)
            worker.quit()

    def cancel_all(self) -> None:
        """Stop everything."""
        for worker in list(self._workers):
            self.cancel(worker)


class _Worker(GeneratorWorker[Any, Any, Any]):
    """A worker that falls silent when the application has ended before it.

    Qt's objects, its signals among them, are then deleted while the thread still works on its last step.
    The worker beneath takes any `RuntimeError` for that, and says so on the console instead of telling who
    waits for it.
    """

    def work(self) -> Any:
        """Do the steps; an error of theirs is raised like any other."""
        # Closed here, since one that was told to stop would otherwise give back what it holds, such as the
        # engine's futures, only when the collector of garbage comes by.
        with closing(self._gen):
            result = super().work()
        if isinstance(result, RuntimeError):
            raise result
        return result

    def run(self) -> None:
        """Work, and say nothing where nobody is left to hear it."""
        try:
            super().run()
        except RuntimeError:
            if not self._is_orphaned():
                raise

    def _is_orphaned(self) -> bool:
        try:
            self.signals.objectName()
        except RuntimeError:  # what both bindings raise for a deleted object
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
    """Nothing is to be done when a future has been waited for."""


def _await(future: Future[Any]) -> Iterator[Any]:
    while True:
        try:
            yield future.result(timeout=_POLL_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            yield None  # a place to stop at
        except CancelledError:
            return
        else:
            return
