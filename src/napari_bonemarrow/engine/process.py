"""A process pool of one spawned child, whose process object we keep hold of."""

from __future__ import annotations

import contextlib
import multiprocessing.context
import os
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from napari_bonemarrow.engine import child

_MAIN_LOCK = threading.Lock()
_REAP_SECONDS = 1.0


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Keep a spawned child from running the program's ``__main__`` again.

    The start method `spawn` imports the parent's main module in the child. Ours would be napari's (and
    with it Qt), or a user's script without a ``__main__`` guard that would start over. The child calls
    only functions of `engine.child`, so it needs none of it.
    """
    with _MAIN_LOCK:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


class _ChildProcess(multiprocessing.context.SpawnProcess):
    def start(self) -> None:
        with _main_hidden():
            super().start()


class _OneChildContext(multiprocessing.context.SpawnContext):
    """The `spawn` context that remembers the process which the executor asks it for."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[_ChildProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> _ChildProcess:  # type: ignore[override]  # noqa: N802
        process = _ChildProcess(*args, **kwargs)
        self.processes.append(process)
        return process


class ChildPool:
    """One child process that runs one call at a time.

    Parameters
    ----------
    threads : int, optional
        How many threads torch takes in the child; by default `usable_threads`.
    cache_bytes : int, optional
        Decoded tiles of slides that the child keeps; by default what any process keeps.
    """

    def __init__(self, threads: int | None = None, *, cache_bytes: int | None = None) -> None:
        self._context = _OneChildContext()
        self._executor = ProcessPoolExecutor(
            max_workers=1,
            mp_context=self._context,
            initializer=child.start_up,
            initargs=(threads or usable_threads(), cache_bytes),
        )
        self.has_model = False

    def submit(self, name: str, *args: object) -> Future[Any]:
        """Ask the child to call one of its functions.

        Raises
        ------
        concurrent.futures.process.BrokenProcessPool
            The child has died.
        """
        return self.run(child.call, name, args)

    def run(self, call: Callable[..., Any], *args: object) -> Future[Any]:
        """Ask the child for any call that it can import; raises as `submit`."""
        future = self._executor.submit(call, *args)
        self._leave_answers_to_child()
        return future

    def _leave_answers_to_child(self) -> None:
        """Close our end of the pipe that the child, started by now, answers through.

        Else a child that is killed in the midst of an answer leaves the executor's thread waiting for the
        rest, as the pipe still has somebody who could write it: the future never ends, and neither does the
        program, which joins that thread. The executor keeps the pipe to itself; where a version of it keeps
        it elsewhere, nothing is done.
        """
        writer = getattr(getattr(self._executor, "_result_queue", None), "_writer", None)
        if writer is not None and not writer.closed and self.pid is not None:
            writer.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, None before it was started."""
        return self._context.processes[-1].pid if self._context.processes else None

    @property
    def exit_code(self) -> int | None:
        """How the child ended: negative for a signal, None while it lives."""
        return self._context.processes[-1].exitcode if self._context.processes else None

    def reap(self) -> int | None:
        """Wait for a child that is known to be dying, and return how it ended.

        The executor's own thread waits for the child as well. Whichever of the two comes second is told
        by the system that there is no such child, so the exit code is read once that thread has ended.
        """
        for process in self._context.processes:
            process.join(_REAP_SECONDS)
        self.end(wait=True)
        return self.exit_code

    def end(self, *, wait: bool = False) -> None:
        """End the child at once, as it holds nothing that would have to be saved.

        Parameters
        ----------
        wait : bool
            Whether to return only when the child has ended and its exit code is known.
        """
        for process in self._context.processes:
            if process.pid is not None:
                with contextlib.suppress(OSError):
                    process.kill()
        self._executor.shutdown(wait=wait, cancel_futures=True)


def usable_threads() -> int:
    """Say how many threads torch takes: every core we may use, less one for the window from three on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores <= 2 else cores - 1
