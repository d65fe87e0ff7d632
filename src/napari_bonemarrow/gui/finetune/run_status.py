"""The state of a fine-tune of the window, read from its folder (no Qt, no torch)."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.core.form_hints import shown

WISH, RESULT, PROCESS = "wish.json", "metrics.json", "process.json"
"""Files of the request, of the outcome, and of the process."""
_LOG = "log.txt"
_PACE = re.compile(r"^Epoch \d+/\d+: ([^,\n]*images/s, [^,\n]* left)", re.MULTILINE)


class RunError(BoneMarrowError):
    """The error for a run that cannot be begun, read or used."""


class Wish(BaseModel):
    """The user's request for a run; the form of a new run is made from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: str = Field(
        "",
        title="Cases in",
        description="Folder of reviewed cases",
        json_schema_extra=shown(folder=True),
    )
    base: str = Field(
        "",
        title="Base data",
        description="Folder of crops that the model was trained on, so that it forgets none of them",
        json_schema_extra=shown(folder=True, placeholder="optional: crops it was trained on"),
    )
    name: str = Field("", title="New name", description="Name of the new model")
    epochs: int = Field(
        12, ge=1, le=200, title="Epochs", description="How often the network sees what it shall learn"
    )
    parent: str = Field("", description="Bundle to start from", json_schema_extra=shown(hidden=True))


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One row of the table before and after.

    Attributes
    ----------
    name : str
        A class code, or the name of a measure.
    n : int
        Held-out cells.
    before, after : (float, float, float)
        Share of correctly classified cells, with its 95 % interval.
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
    """The state of a run.

    Attributes
    ----------
    folder : Path
    wish : Wish
    state : str
        ``running``, ``stopped``, ``better`` or ``refused``.
    epochs : int
        Epochs done, of ``wish.epochs``.
    loss, balanced : tuple of float
        One value per epoch.
    seconds_left : float or None
    rows : tuple of HeldOut
        Empty until the end.
    text : str
        A message: an error, the reason of a refusal, the skipped cases.
    elsewhere : bool
        Whether another window runs it.
    pace : str
        The run's message on its speed, before the first epoch is done.
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
    pace: str = ""

    @property
    def resumable(self) -> bool:
        """Return whether epochs are left to do."""
        return self.state == "stopped"


def log_file(folder: Path) -> Path:
    """Return the path of a run's messages."""
    return folder / _LOG


def checkpoint(folder: Path) -> Path:
    """Return the path of a run's checkpoint, existing or not."""
    return folder / "checkpoints" / "last.pt"


def is_running(folder: Path) -> bool:
    """Return whether the last noted process is still running."""
    noted = read_json(folder / PROCESS)
    if not isinstance(noted, list) or len(noted) != 2:
        return False
    with suppress(psutil.Error):
        process = psutil.Process(int(noted[0]))
        return process.create_time() == noted[1] and process.status() != psutil.STATUS_ZOMBIE
    return False


def read_run(folder: Path, *, ours: bool = False) -> RunInfo:
    """Read the state of a run.

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
    history, result = _history(folder / "history.csv"), read_json(folder / RESULT)
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
        pace=_pace(folder) if running and not history else "",
    )
    if running or not isinstance(result, dict) or "accepted" not in result:
        return info
    try:
        rows = held_out_rows(result)
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder}: its figures make no sense; train again") from error
    state = "better" if result["accepted"] else "refused"
    return RunInfo(
        folder,
        wish,
        state,
        epochs=info.epochs,
        loss=info.loss,
        balanced=info.balanced,
        rows=rows,
        text=_sentence(str(result.get("reason", ""))) or _skipped_text(result.get("skipped", ())),
    )


def held_out_rows(result: Mapping[str, Any]) -> tuple[HeldOut, ...]:
    """Return a run's metrics as rows: each source's balanced accuracy, then the reviewed classes."""
    rows: list[HeldOut] = []
    for at, (source, after) in enumerate(result["sources"].items()):
        before = result["before"][source]
        first, second = (
            _share(each["balanced_accuracy"], each["balanced_accuracy_ci95"]) for each in (before, after)
        )
        rows.append(HeldOut(source, after["n"], first, second, whole=True))
        if at:
            continue  # for base data the sum is enough: the card has the classes
        for code, row in after["per_class"].items():
            old = before["per_class"][code]
            first, second = (
                _share(each["recall"], whole["recall_ci95"][code])
                for each, whole in ((old, before), (row, after))
            )
            rows.append(HeldOut(code, row["n"], first, second))
    return tuple(rows)


def _share(value: float, interval: Sequence[float] | None) -> tuple[float, float, float]:
    """Return a share with the bounds of its interval, NaN if missing."""
    low, high = interval or (float("nan"), float("nan"))
    return value, low, high


def _read_wish(folder: Path) -> Wish:
    values = read_json(folder / WISH)
    try:
        return Wish.model_validate(values)
    except ValidationError as error:
        raise RunError(f"{folder}: holds no fine-tune of this window") from error


def read_json(path: Path) -> Any:
    """Read a JSON file; None if it does not exist yet."""
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
    """Return the final error of a run, without its marker; empty if it was only stopped."""
    try:
        lines = (folder / _LOG).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors and not errors[-1].startswith("stopped") else ""


def _pace(folder: Path) -> str:
    """Return the run's last message on its speed and remaining time."""
    try:
        text = (folder / _LOG).read_text("utf-8", errors="replace")
    except OSError:
        return ""
    said = _PACE.findall(text)
    return said[-1].strip() if said else ""


def _skipped_text(skipped: Sequence[str]) -> str:
    if not skipped:
        return ""
    return f"{count_of(len(skipped), 'case')} skipped. {'; '.join(skipped)}"


def _sentence(text: str) -> str:
    return text and f"{capital(text.rstrip('.'))}."
