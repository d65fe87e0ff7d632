"""Processes that run OpenSlide, restarted after a crash, with a time limit for each answer."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import struct
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import IO, Any

from napari_bonemarrow.slides.formats.openslide import openslide_child

PROCESSES = 2
"""Number of processes: as many as the window's threads, 40 MB each."""

SECONDS = 30.0
"""Time limit of an answer, s. A tile takes 10 ms, a second from a slow network drive, forever in a damaged
file."""

_LONGEST_ANSWER = 2**30


class ReadingError(Exception):
    """OpenSlide failed, with its own words.

    Attributes
    ----------
    kind : str
        ``openslide``, ``format`` for an unknown format, or ``ended`` where the process ended.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class _Child:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", str(Path(openslide_child.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff, GLib and libdicom print texts of the file
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            creationflags=flags,
        )
        self.closed_known = 0
        self.took_too_long = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """Return the answer to a request.

        Raises
        ------
        EOFError
            If the process has ended, or was ended because it took too long.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds, self._give_up)
        late.daemon = True
        late.start()
        try:
            body = json.dumps(request).encode()
            self._process.stdin.write(struct.pack("<I", len(body)) + body)
            self._process.stdin.flush()
            answer = json.loads(_exactly(self._process.stdout, _length(self._process.stdout)))
            return answer, _exactly(self._process.stdout, min(int(answer["bytes"]), _LONGEST_ANSWER))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EOFError from error
        finally:
            late.cancel()

    def _give_up(self) -> None:
        self.took_too_long = True
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)


def _length(file: IO[bytes]) -> int:
    return min(int(struct.unpack("<I", _exactly(file, 4))[0]), _LONGEST_ANSWER)


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


class Readers:
    """The processes that read whole slides, shared by every slide and thread of this process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._begin()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):  # a forked process would use its parent's pipes
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._free = threading.BoundedSemaphore(PROCESSES)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._closed: list[int] = []
        self._deadly: set[int] = set()  # slides that ended two processes get one try for each tile

    @property
    def pids(self) -> list[int]:
        """Return the ids of idle processes."""
        with self._lock:
            return [child.pid for child in self._idle]

    def number_for(self, owner: object) -> int:
        """Return the number of an open slide, which is closed when its owner is deleted."""
        number = next(self._numbers)
        weakref.finalize(owner, self._closed.append, number).atexit = False
        return number

    def warm(self) -> None:
        """Start a process in advance, without waiting for it."""
        with self._free:
            child = self._take()
            with self._lock:
                self._idle.append(child)

    def ask(self, do: str, **request: Any) -> tuple[dict[str, Any], bytes]:
        """Return the result of one of the child's functions; a crash is retried once in a new process.

        Raises
        ------
        ReadingError
            If OpenSlide fails, or two processes ended or took too long.
        ImportError
            If OpenSlide or its library is not installed.
        OSError
            If the file cannot be read.
        MemoryError
            If it takes more memory than the limit.
        """
        with self._free:
            number = request.get("number")
            for attempt in range(1 if number in self._deadly else 2):
                # An idle process may have ended with the first, for instance out of memory.
                child = self._take() if attempt == 0 else _Child()
                try:
                    with self._lock:
                        closed = self._closed[child.closed_known :]
                    answer, data = child.ask({"do": do, "closed": closed, **request}, SECONDS)
                except EOFError:
                    child.end()
                    if child.took_too_long:
                        raise ReadingError("ended", f"reading it took over {SECONDS:g} s") from None
                    continue
                except BaseException:
                    child.end()
                    raise
                child.closed_known += len(closed)
                with self._lock:
                    self._idle.append(child)
                _raise_for(answer)
                return answer, data
        if number is not None:
            self._deadly.add(number)
        raise ReadingError("ended", "reading it ended the process that read it")

    def _take(self) -> _Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return _Child()
            if child.lives:
                return child
            child.end()  # it was ended while idle

    def close(self) -> None:
        """End the processes; the next request starts new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()


def _raise_for(answer: dict[str, Any]) -> None:
    kind, text = answer.get("error"), str(answer.get("text", ""))
    if kind is None:
        return
    if kind == "import":
        raise ImportError(text)
    if kind == "os":
        raise OSError(answer.get("number"), text)
    if kind == "memory":
        raise MemoryError
    raise ReadingError(str(kind), text)


readers = Readers()
"""The shared readers of this process."""
