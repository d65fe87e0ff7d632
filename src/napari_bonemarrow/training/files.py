"""Files written completely or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_bonemarrow.system.files import draft, why
from napari_bonemarrow.training.config import TrainingError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a draft next to `path`, then move it into place in one step.

    Raises
    ------
    TrainingError
        If the folder cannot be written or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path) as part:
            write(part)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written ({why(error)})") from error


def write_json(path: Path, document: Any) -> None:
    """Write a document as JSON."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda draft: draft.write_text(text, "utf-8"))
