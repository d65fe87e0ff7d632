"""Fine-tune runs on the disk: what is asked for, how far each is, what came of it (no Qt, no torch)."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.bundle import user_models
from napari_bonemarrow.review import home

_WISH, _LOG, _RESULT = "wish.json", "log.txt", "metrics.json"
_NAME = re.compile(r"[\w][\w .-]{0,60}")


class RunError(BoneMarrowError):
    """A run that cannot be begun, read or used."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked a run for.

    Attributes
    ----------
    name : str
        Of the new bundle.
    cases : str
        Folder of reviewed cases.
    parent : str
        Bundle to start from.
    base : str
        Folder of base data; empty for none.
    epochs : int
    """

    name: str
    cases: str
    parent: str
    base: str = ""
    epochs: int = 12


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One row of the table before and after.

    Attributes
    ----------
    name : str
        A class code, or what is measured.
    n : int
        Held-out cells.
    before, after : (float, float, float)
        Share of them classified rightly, with its 95 % interval.
    whole : bool
        Whether the row is about a whole source rather than one class.
    """

    name: str
    n: int
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Where a run stands.

    Attributes
    ----------
    folder : Path
    wish : Wish
    state : str
        ``running``, ``stopped``, ``better`` or ``refused``.
    epochs : int
        Done so far, of ``wish.epochs``.
    loss, balanced : tuple of float
        A value an epoch.
    seconds_left : float or None
    rows : tuple of HeldOut
        Empty until the end.
    text : str
        What there is to say: an error, why it was refused, which cases were skipped.
    elsewhere : bool
        Whether another window runs it.
    """

    folder: Path
    wish: Wish
    state: str
    epochs: int = 0
    loss: tuple[float, ...] = ()
    balanced: tuple[float, ...] = ()
    seconds_left: float | None = None
    rows: tuple[HeldOut, ...] = ()
    text: str = ""
    elsewhere: bool = False

    @property
    def resumable(self) -> bool:
        """Whether there is anything left to do."""
        return self.state == "stopped"


def runs_folder() -> Path:
    """Return where the window's runs lie."""
    return home() / "runs"


def list_runs() -> list[Path]:
    """Return the window's runs, newest first."""
    found = runs_folder().glob(f"*/{_WISH}")
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def begin_run(wish: Wish) -> Path:
    """Make a run's folder and write down what is asked for.

    Raises
    ------
    RunError
        If the name is no name or taken, or nothing can be written there.
    """
    if not _NAME.fullmatch(wish.name) or wish.name == "starter":
        raise RunError(f"{wish.name!r} cannot be a model's name: take letters, digits, dots and hyphens")
    folder = runs_folder() / wish.name
    if (folder.exists() and not _never_came_far(folder)) or (user_models() / wish.name).exists():
        raise RunError(f"{wish.name}: there is a run or a model of that name: choose another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _WISH).write_text(json.dumps(asdict(wish), ensure_ascii=False, indent=2), "utf-8")
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return folder


def free_name(parent: str) -> str:
    """Return a name that no run and no model has yet."""
    stem, number = re.sub(r"-\d+$", "", parent), 2
    while (runs_folder() / f"{stem}-{number}").exists() or (user_models() / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def command(folder: Path, wish: Wish) -> list[str]:
    """Return the command that begins a run, or goes on with one that has a checkpoint."""
    parts = [sys.executable, "-m", "napari_bonemarrow", "train", "--from-cases", wish.cases]
    parts += ["--init", wish.parent, "--out", str(folder), "--name", wish.name, "--epochs", str(wish.epochs)]
    if wish.base:
        parts += ["--base", wish.base]
    if _checkpoint(folder).is_file():
        parts.append("--resume")
    return parts


def environment() -> Mapping[str, str]:
    """Return the surroundings of a run: half the cores, so that reviewing stays quick."""
    half = str(max(1, (os.cpu_count() or 2) // 2))
    return {"OMP_NUM_THREADS": half, "OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONUNBUFFERED": "1"}


def log_file(folder: Path) -> Path:
    """Return where a run's messages go."""
    return folder / _LOG


def note_process(folder: Path, pid: int) -> None:
    """Write down which process runs a run, so that no second window goes on with it meanwhile."""
    with suppress(OSError, psutil.Error):
        started = psutil.Process(pid).create_time()
        (folder / "process.json").write_text(json.dumps([pid, started]), "utf-8")


def is_running(folder: Path) -> bool:
    """Tell whether the process that was noted last still runs."""
    noted = _json(folder / "process.json")
    if not isinstance(noted, list) or len(noted) != 2:
        return False
    with suppress(psutil.Error):
        process = psutil.Process(int(noted[0]))
        return process.create_time() == noted[1] and process.status() != psutil.STATUS_ZOMBIE
    return False


def read_run(folder: Path, *, ours: bool = False) -> RunInfo:
    """Read where a run stands.

    Parameters
    ----------
    folder : Path
    ours : bool
        Whether this window runs it now.

    Raises
    ------
    RunError
        If the folder holds no run.
    """
    wish = _read_wish(folder)
    history, result = _history(folder / "history.csv"), _json(folder / _RESULT)
    running = ours or is_running(folder)
    loss = tuple(row["loss"] for row in history if "loss" in row)
    info = RunInfo(
        folder,
        wish,
        "running" if running else "stopped",
        epochs=len(history),
        loss=loss,
        balanced=tuple(row["score"] for row in history if "score" in row),
        seconds_left=_seconds_left(history, wish.epochs),
        text="" if running else _last_words(folder),
        elsewhere=running and not ours,
    )
    if running or not isinstance(result, dict) or "accepted" not in result:
        return info
    state = "better" if result["accepted"] else "refused"
    return RunInfo(
        folder,
        wish,
        state,
        epochs=info.epochs,
        loss=info.loss,
        balanced=info.balanced,
        rows=held_out_rows(result),
        text=_sentence(str(result["reason"])) or _skipped_text(result.get("skipped", ())),
    )


def held_out_rows(result: Mapping[str, Any]) -> tuple[HeldOut, ...]:
    """Lay a run's metrics out as rows: each source's balanced accuracy, then the reviewed classes."""
    rows: list[HeldOut] = []
    for at, (source, after) in enumerate(result["sources"].items()):
        before = result["before"][source]
        pair = [
            (each["balanced_accuracy"], *(each["balanced_accuracy_ci95"] or (float("nan"),) * 2))
            for each in (before, after)
        ]
        rows.append(HeldOut(source, after["n"], pair[0], pair[1], whole=True))
        if at:
            continue  # of base data the sum is enough: the card has the classes
        for code, row in after["per_class"].items():
            old = before["per_class"][code]
            recalls = [(each["recall"], *each["recall_ci95"]) for each in (old, row)]
            rows.append(HeldOut(code, row["n"], recalls[0], recalls[1]))
    return tuple(rows)


def adopt(info: RunInfo) -> str:
    """Put a finished run's bundle among the user's models; returns its name.

    Raises
    ------
    RunError, BundleError
        If the bundle is broken or cannot be copied.
    """
    bundle = Bundle.open(info.folder / "bundle")
    target = user_models() / info.wish.name
    if target.exists():
        if Bundle.open(target).sha256 == bundle.sha256:
            return info.wish.name
        raise RunError(f"{target}: another model of that name is there: rename one of them")
    draft: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".model-"))
        shutil.copytree(bundle.path, draft, dirs_exist_ok=True)
        draft.rename(target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return info.wish.name


def _never_came_far(folder: Path) -> bool:
    """Tell whether a run ended before anything in it was worth keeping."""
    begun = (folder / _WISH).is_file() and not is_running(folder)
    return begun and not _checkpoint(folder).is_file() and not (folder / _RESULT).is_file()


def _checkpoint(folder: Path) -> Path:
    return folder / "checkpoints" / "last.pt"


def _read_wish(folder: Path) -> Wish:
    values = _json(folder / _WISH)
    try:
        return Wish(**values)
    except TypeError as error:
        raise RunError(f"{folder}: holds no fine-tune of this window") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # not written yet
        return None


def _history(path: Path) -> list[dict[str, float]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:  # no epoch is done yet
        return []
    return [{key: _number(value) for key, value in row.items() if key} for row in rows]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _seconds_left(history: Sequence[Mapping[str, float]], epochs: int) -> float | None:
    seconds = [row["seconds"] for row in history if "seconds" in row]
    if not seconds:
        return None
    return sum(seconds) / len(seconds) * max(0, epochs - len(history))


def _last_words(folder: Path) -> str:
    """Return the error that a run ended with, without its marker; empty where it was only stopped."""
    try:
        lines = (folder / _LOG).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors and errors[-1] != "stopped" else ""


def _skipped_text(skipped: Sequence[str]) -> str:
    if not skipped:
        return ""
    return f"{len(skipped)} case{'' if len(skipped) == 1 else 's'} skipped. {'; '.join(skipped)}"


def _sentence(text: str) -> str:
    return text and f"{text[0].upper()}{text[1:].rstrip('.')}."
