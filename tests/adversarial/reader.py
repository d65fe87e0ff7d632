"""Opens images and makes cases of them in a process of its own, and says what became of each; see `audit`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.cytology import (
    BMC21,
    BoneMarrowError,
    Cells,
    Frame,
    ModelReference,
    Predictions,
    Support,
)
from napari_bonemarrow.report import FORMATS, export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, open_slide
from napari_bonemarrow.slides.formats.openslide.openslide_process import readers
from napari_bonemarrow.slides.pixels.overview import overview
from napari_bonemarrow.slides.pixels.tiled import TiledLevel
from tests.slides.vendors.planted import betrays

ENOUGH = 3_000_000_000
"""Bytes from which on this process gets none, so that one file does not take the machine down."""


def look(path: Path, made: Path | None = None) -> tuple[str, list[str]]:
    """Do with an image what opening it in the window does: all levels' corners and an overview.

    With a folder, a case of it and every export are made there.
    """
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
    if made is not None:
        lines += keep(slide, made)
    return "opened", lines


def keep(slide: Slide, folder: Path) -> list[str]:
    """Make a case of an image and every export of it; return the lines of those that were refused."""
    lines = []
    if slide.scale is None:
        slide = slide.with_scale(Scale(0.25, ScaleSource.USER))
    with Case.create(folder / "case.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height), 100)
        x, y = np.linspace(0, slide.width, 5)[1:-1], np.linspace(0, slide.height, 5)[1:-1]
        size = np.full(3, 9, np.float32)
        case.detection.record(Cells(np.arange(1, 4), x, y, size, size / 10, np.ones(3, bool)), {})
        likely = np.full((len(case.cells), len(BMC21)), 1 / len(BMC21), np.float32)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        model = ModelReference("tiny", "ab" * 32)
        case.model.record_predictions(Predictions(case.cells.cell_id, likely, BMC21, support, model))
        case.set_label(case.cells.cell_id.tolist(), "LYT")
        for kind in FORMATS:
            try:
                # Only an anonymous export in DICOM is without the slide's patient.
                export(case, kind, folder / kind, anonymous=kind == "dicom")
            except BoneMarrowError as error:
                lines.append(str(error))
    return lines


def betraying(folder: Path) -> list[str]:
    """Return the files of a folder whose bytes hold a planted word."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return [file.name for file in files if betrays(file.read_bytes())]


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
        made = Path(tempfile.mkdtemp(dir=Path(sys.argv[1]).parent))
        try:
            told["kind"], told["lines"] = look(path, made)
            if found := betraying(made):
                told = {"kind": "betrays", "lines": found}
        except Exception as error:
            line = f"{type(error).__name__}: {error}"[:500]
            told = {"kind": "raw", "lines": [line], "where": traceback.format_exc()}
        shutil.rmtree(made)
        told["peak"] = max(_peak(pid) for pid in {*pids, *readers.pids})
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
