"""The process of a fine-tune, without Qt, since it must end with the window in every case."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from napari_bonemarrow.gui.finetune.run_status import RunError
from napari_bonemarrow.system.files import why

_PATIENCE_S = 1.0
"""Time for a stopped process to end, in which it cleans up the files it is writing."""


class TrainingProcess:
    """At most one process; its messages go to a file, so that it never waits for a reader."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Return whether it is running."""
        return self._process is not None and self._process.poll() is None

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start it and return its process id.

        Raises
        ------
        RunError
            If it cannot be started.
        """
        hidden = int(getattr(subprocess, "CREATE_NO_WINDOW", 0))  # only on Windows
        try:
            with log.open("wb") as messages:
                self._process = subprocess.Popen(
                    command,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=messages,
                    stderr=subprocess.STDOUT,
                    creationflags=hidden,
                )
        except OSError as error:
            raise RunError(f"{log.parent}: training cannot be started ({why(error)})") from error
        return self._process.pid

    def end(self) -> None:
        """End it with its child processes. Each of its files is complete or missing in every case."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        children: list[psutil.Process] = []
        with suppress(psutil.Error):
            children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in children:
            with suppress(psutil.Error):
                child.kill()
