"""Fine-tune runs of the window: their begin, their names, and the use of their bundles (no Qt, no torch)."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from napari_bonemarrow.gui.finetune.run_status import (
    PROCESS,
    RESULT,
    WISH,
    RunError,
    RunInfo,
    Wish,
    checkpoint,
    is_running,
    read_run,
)
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.bundles.bundle import user_models
from napari_bonemarrow.system.cores import usable_cores
from napari_bonemarrow.system.files import why
from napari_bonemarrow.system.home import home

_NAME = re.compile(r"[\w][\w .-]{0,60}")


def runs_folder() -> Path:
    """Return the folder of the window's runs."""
    return home() / "runs"


def list_runs() -> list[Path]:
    """Return the window's runs, newest first; damaged folders are skipped."""
    found = [path for path in runs_folder().glob(f"*/{WISH}") if _is_run(path.parent)]
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def _is_run(folder: Path) -> bool:
    try:
        read_run(folder)
    except RunError:
        return False
    return True


def begin_run(wish: Wish) -> Path:
    """Make a run's folder and write the request.

    Raises
    ------
    RunError
        If the name is invalid or taken, or the folder cannot be written.
    """
    if not _NAME.fullmatch(wish.name) or wish.name == "starter":
        raise RunError(f"{wish.name!r} cannot be a model's name: take letters, digits, dots and hyphens")
    folder = runs_folder() / wish.name
    if (folder.exists() and not _never_came_far(folder)) or (user_models() / wish.name).exists():
        raise RunError(f"{wish.name}: there is a run or a model of that name: choose another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WISH).write_text(json.dumps(wish.model_dump(), ensure_ascii=False, indent=2), "utf-8")
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({why(error)})") from error
    return folder


def free_name(parent: str) -> str:
    """Return a name that is used by no run and no model."""
    stem, number = re.sub(r"-\d+$", "", parent), 2
    while (runs_folder() / f"{stem}-{number}").exists() or (user_models() / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def command(folder: Path, wish: Wish) -> list[str]:
    """Return the command that begins a run, or resumes one that has a checkpoint."""
    parts = [sys.executable, "-m", "napari_bonemarrow", "train", "--from-cases", wish.cases]
    parts += ["--init", wish.parent, "--out", str(folder), "--name", wish.name, "--epochs", str(wish.epochs)]
    if wish.base:
        parts += ["--base", wish.base]
    if checkpoint(folder).is_file():
        parts.append("--resume")
    return parts


def environment() -> Mapping[str, str]:
    """Return the environment of a run: half the cores, so that reviewing stays fast."""
    half = str(max(1, usable_cores() // 2))
    return {"OMP_NUM_THREADS": half, "OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONUNBUFFERED": "1"}


def note_process(folder: Path, pid: int) -> None:
    """Write the process of a run, so that no second window resumes it meanwhile."""
    with suppress(OSError, psutil.Error):
        started = psutil.Process(pid).create_time()
        (folder / PROCESS).write_text(json.dumps([pid, started]), "utf-8")


def adopt(info: RunInfo) -> str:
    """Copy a finished run's bundle to the user's models and return its name.

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
        raise RunError(f"{target}: cannot be written ({why(error)})") from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return info.wish.name


def _never_came_far(folder: Path) -> bool:
    """Return whether a run ended before its first useful result."""
    begun = (folder / WISH).is_file() and not is_running(folder)
    return begun and not checkpoint(folder).is_file() and not (folder / RESULT).is_file()
