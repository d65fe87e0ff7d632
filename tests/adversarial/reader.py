"""Opens images one after another in a process of its own and says what became of each; see `audit`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.slides.openslide_process import readers
from napari_bonemarrow.slides.overview import overview
from napari_bonemarrow.slides.tiled import TiledLevel

ENOUGH = 3_000_000_000
"""Bytes from which on this process gets none, so that one file does not take the machine down."""


def look(path: Path) -> tuple[str, list[str]]:
    """Do with an image what opening it in the window does: all levels' corners and an overview."""
    lines: list[str] = []
    try:
        slide = open_slide(path)
    except BoneMarrowError as error:
        return "refused", [str(error)]
    lines += slide.warnings
    for level in slide.levels:
        height, width = (int(side) for side in level.shape[:2])
        for top, left in ((0, 0), (height // 2, width // 2), (max(0, height - 40), max(0, width - 40))):
            try:
                level[top : top + 40, left : left + 40]
            except BoneMarrowError as error:
                lines.append(str(error))
    small = slide.levels[-1]
    if not isinstance(small, TiledLevel) or small.grid[0] * small.grid[1] <= 64:
        try:
            overview(slide, 256)
        except BoneMarrowError as error:
            lines.append(str(error))
    lines.append(repr(slide)[:100])
    return "opened", lines


def _reset(pid: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak(pid: int) -> int:
    """Most memory that a process held since it was reset, bytes; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _limit() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (ENOUGH, ENOUGH))


def main() -> None:
    """Serve: a path a line on stdin, an outcome in JSON a line on stdout."""
    _limit()
    logging.basicConfig(level=logging.DEBUG, filename=sys.argv[1], force=True)
    print("ready", flush=True)
    for line in sys.stdin:
        path = Path(json.loads(line))
        pids = [os.getpid(), *readers.pids]
        for pid in pids:
            _reset(pid)
        told: dict[str, Any] = {}
        try:
            told["kind"], told["lines"] = look(path)
        except Exception as error:
            line = f"{type(error).__name__}: {error}"[:500]
            told = {"kind": "raw", "lines": [line], "where": traceback.format_exc()}
        told["peak"] = max(_peak(pid) for pid in {*pids, *readers.pids})
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
