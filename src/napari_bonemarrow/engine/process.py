"""Process pool of one spawned child, with access to its process object."""

from __future__ import annotations

import contextlib
import multiprocessing.context
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from napari_bonemarrow.engine import child
from napari_bonemarrow.system.cores import usable_cores

_MAIN_LOCK = threading.Lock()
_REAP_SECONDS = 1.0


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Prevent a spawned child from running the program's ``__main__`` again.

    The start method `spawn` imports the parent's main module in the child. This would be napari's
    (with Qt), or a user's script without a ``__main__`` guard, which would start again. The child calls only
    functions of `engine.child`, so it needs none of this.
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
    """A `spawn` context that remembers the process made for the executor."""

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
        Threads of torch in the child; by default `usable_threads`.
    cache_bytes : int, optional
        Bytes of decoded tiles in the child's cache; by default as in any process.
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
        """Return the future of one of the child's functions.

        Raises
        ------
        concurrent.futures.process.BrokenProcessPool
            If the child has died.
        """
        return self.run(child.call, name, args)

    def run(self, call: Callable[..., Any], *args: object) -> Future[Any]:
        """Return the future of any importable call in the child; raises as `submit`."""
        future = self._executor.submit(call, *args)
        self._leave_answers_to_child()
        return future

    def _leave_answers_to_child(self) -> None:
        """Close our write end of the started child's answer pipe.

        Otherwise, after a child is killed during an answer, the executor's thread waits for the rest, since
        the pipe still has a writer: the future never ends, nor does the program, which joins that thread.
        The pipe is private to the executor; nothing happens if a version of it stores it elsewhere.
        """
        writer = getattr(getattr(self._executor, "_result_queue", None), "_writer", None)
        if writer is not None and not writer.closed and self.pid is not None:
            writer.close()

    @property
    def pid(self) -> int | None:
        """Return the child's process id, None before it is started."""
        return self._context.processes[-1].pid if self._context.processes else None

    @property
    def exit_code(self) -> int | None:
        """Return the child's exit code: negative for a signal, None while it lives."""
        return self._context.processes[-1].exitcode if self._context.processes else None

    def reap(self) -> int | None:
        """Wait for a dying child and return its exit code.

        The executor's thread also waits for the child, and the system reports the exit code only to the
        first to wait, so it is read after that thread has ended.
        """
        for process in self._context.processes:
            process.join(_REAP_SECONDS)
        self.end(wait=True)
        return self.exit_code

    def end(self, *, wait: bool = False) -> None:
        """End the child at once; it has nothing to save.

        Parameters
        ----------
        wait : bool
            Return only after the child has ended and its exit code is known.
        """
        for process in self._context.processes:
            if process.pid is not None:
                with contextlib.suppress(OSError):
                    process.kill()
        self._executor.shutdown(wait=wait, cancel_futures=True)


def usable_threads() -> int:
    """Return the threads of torch: all usable cores, minus one for the window from three on."""
    cores = usable_cores()
    return cores if cores <= 2 else cores - 1
