"""Interruption of a training run by Ctrl-C or SIGTERM, with one line on how to continue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.training.config import TrainingError

_asked = threading.Event()


def stop_if_asked() -> None:
    """Raise the signal's exception again if Python dropped it (in a finaliser)."""
    if _asked.is_set():
        raise KeyboardInterrupt


@contextmanager
def stoppable(out: Path) -> Iterator[None]:
    """Make a run stoppable by signals; its last checkpoint stays.

    Parameters
    ----------
    out : Path
        Folder of the run.

    Raises
    ------
    TrainingError
        If the run was interrupted or terminated.
    """

    def stop(_number: int, _frame: object) -> None:
        _asked.set()
        raise KeyboardInterrupt

    _asked.clear()

    here = threading.current_thread() is threading.main_thread()  # signals can only be handled there
    before = signal.signal(signal.SIGTERM, stop) if here else None
    try:
        yield
    except KeyboardInterrupt:
        raise TrainingError(f"stopped; {_kept(out)}") from None
    finally:
        _asked.clear()
        if here:
            signal.signal(signal.SIGTERM, before)


def _kept(out: Path) -> str:
    if (out / "bundle" / "card.json").is_file():
        return f"the run in {out} was finished"
    if any(out.glob("fold-*/checkpoints/last.pt")):
        return f"{out} keeps what is done: the same command with --resume continues"
    if not (out / "checkpoints" / "last.pt").is_file():
        return "no epoch was finished, so nothing is kept"
    history = out / "history.csv"
    lines = history.read_text("utf-8").splitlines() if history.is_file() else []
    epochs = f"{count_of(len(lines) - 1, 'epoch')}" if len(lines) > 1 else "what is done"
    return f"{out / 'checkpoints' / 'last.pt'} keeps {epochs}: the same command with --resume continues"
