"""Open many damaged images in processes that are watched, and count what became of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .mutations import home_of, mutate

SECONDS = 60.0
"""Without an answer for so long a file counts as one that hangs; a reading process has 30 s itself."""

LONGEST_LINE = 300
MOST_MEMORY = 2_000_000_000


@dataclass
class Outcome:
    """What became of one file: refused, opened, betrays, raw, crash or hang."""

    format: str
    number: int
    kind: str
    lines: list[str] = field(default_factory=list)
    peak: int = 0
    where: str = ""

    def __str__(self) -> str:
        what = f"{self.format} {self.number}: {self.kind}, {self.peak / 1e6:.0f} MB"
        return f"{what}, {self.lines} {self.where}"


class _Reader:
    """A process that opens images, started again where one ends it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def _start(self) -> subprocess.Popen[str]:
        with self._log.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.adversarial.reader", str(self._log.with_name("debug.txt"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=Path(__file__).parents[2],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def ask(self, path: Path) -> dict[str, object]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            process.kill()

        late = threading.Timer(SECONDS, give_up)
        late.start()
        try:
            process.stdin.write(json.dumps(str(path)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            late.cancel()
        if line:
            told: dict[str, object] = json.loads(line)
            return told
        code = process.wait()
        self.close()
        return {"kind": "hang" if hung.is_set() else "crash", "lines": [f"exit code {code}"], "peak": 0}

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait(20)


def run(
    seeds: dict[str, Path], folder: Path, count: int, seed: int, processes: int = 2
) -> tuple[list[Outcome], str]:
    """Damage `count` images, the formats in turn, and open each.

    Parameters
    ----------
    seeds : dict of str to Path
        Of `write_seeds`.
    folder : Path
        Where they are damaged.
    count, seed, processes : int

    Returns
    -------
    outcomes, log
        The log is all that any process wrote to stderr. What it told the log with debugging on is in the
        folder as ``debug.txt``.
    """
    jobs: queue.SimpleQueue[tuple[str, int] | None] = queue.SimpleQueue()
    names = list(seeds)
    for number in range(count):
        jobs.put((names[number % len(names)], number))
    found: list[Outcome] = []
    log = folder / "stderr.txt"
    log.touch()

    def work() -> None:
        reader = _Reader(log)
        try:
            for name, number in _taken(jobs):
                rng = random.Random(f"{seed} {number}")
                target = folder / str(number)
                path = mutate(seeds[name], home_of(seeds[name], name), target, rng)
                found.append(Outcome(name, number, **reader.ask(path)))  # type: ignore[arg-type]
                if found[-1].kind in ("refused", "opened"):
                    shutil.rmtree(target)
        finally:
            reader.close()

    threads = [threading.Thread(target=work) for _each in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, log.read_text(errors="replace")


def _taken(jobs: queue.SimpleQueue[tuple[str, int] | None]) -> Iterator[tuple[str, int]]:
    while True:
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            return
        if job is not None:
            yield job


def table(outcomes: list[Outcome]) -> str:
    """Lay out how many there were of each kind, a format a row."""
    kinds = ("refused", "opened", "betrays", "raw", "crash", "hang")
    rows = [f"{'format':24}" + "".join(f"{kind:>9}" for kind in kinds) + f"{'MB':>7}{'line':>6}"]
    for name in [*dict.fromkeys(each.format for each in outcomes), "all"]:
        these = [each for each in outcomes if name in (each.format, "all")]
        counts = Counter(each.kind for each in these)
        longest = max((len(line) for each in these for line in each.lines), default=0)
        peak = max(each.peak for each in these) / 1e6
        rows.append(f"{name:24}" + "".join(f"{counts[kind]:9}" for kind in kinds) + f"{peak:7.0f}{longest:6}")
    return "\n".join(rows)
