"""A whole slide: opening, reading and searching it, `python -m benchmarks.whole_slide SLIDE`.

Without a slide a small one is made first. The peer for reading is OpenSlide's DeepZoom; each area is
searched in a process of its own, whose peak memory, with that of its children, is what is reported.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.detect import _row, _seconds, data

VIEW = (1400, 900)
AREA_UM = 2048.0
"""Side of the smallest area that is searched, about its middle."""

_SEARCH = """
import json, multiprocessing, sys, time
from pathlib import Path
if __name__ == "__main__":
    from napari_bonemarrow.cytology import Region
    from napari_bonemarrow.engine import Engine
    from napari_bonemarrow.engine.messages import SlideSource
    from napari_bonemarrow.slides import open_slide
    from napari_bonemarrow.slides.detection import detection_plan
    path, workers = sys.argv[1], int(sys.argv[3])
    part, side, mpp = (float(sys.argv[k]) for k in (2, 4, 5))
    slide = open_slide(path, microns_per_pixel=mpp)
    height = side / mpp
    width = height * part
    region = Region((slide.width - width) / 2, (slide.height - height) / 2, width, height)
    plan = detection_plan(slide, [region])
    with Engine("cpu", workers=workers) as engine:
        source = SlideSource(Path(path).resolve(), mpp)
        engine.detect_tiles(source, plan.tiles[:1])[0].result()
        start = time.perf_counter()
        cells = sum(len(each.result()) for each in engine.detect_tiles(source, plan.tiles))
        seconds = time.perf_counter() - start
        # Peaks as Linux keeps them, while the children live: they are counted as reaped only later.
        pids = ["self", *(child.pid for child in multiprocessing.active_children())]
        status = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
        peak = sum(int(text.split("VmHWM:")[1].split()[0]) for text in status)
    area = sum(tile.area_mm2 for tile in plan.tiles)
    print("FOUND" + json.dumps([seconds, area, len(plan.tiles), cells, peak / 1024]))
"""


def searched(path: Path, part: float, workers: int, side_um: float, mpp: float) -> list[float]:
    """Search an area; seconds, mm², tiles, cells and the most MiB that all processes took."""
    # A spawned child imports its parent's main module, which must therefore be a file.
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "search.py"
        script.write_text(_SEARCH, encoding="utf-8")
        command = [sys.executable, str(script), str(path), *map(str, (part, workers, side_um, mpp))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
    return list(json.loads(line.removeprefix("FOUND")))


def first_view(path: Path) -> None:
    """Open a slide and read what fills a window, as napari does: a coarse level, and no more."""
    from napari_bonemarrow.slides import open_slide

    slide = open_slide(path)
    fits = [k for k, level in enumerate(slide.levels) if level.shape[1] >= VIEW[0]]
    np.asarray(slide.levels[max(fits, default=0)][:, :])


def deep_zoom(path: Path) -> None:
    """Do the same with OpenSlide's tile generator."""
    import openslide
    from openslide.deepzoom import DeepZoomGenerator

    with openslide.OpenSlide(path) as slide:
        tiles = DeepZoomGenerator(slide, 510, 1)
        fits = [k for k, size in enumerate(tiles.level_dimensions) if size[0] >= VIEW[0]]
        columns, rows = tiles.level_tiles[fits[0]]
        for row in range(rows):
            for column in range(columns):
                np.asarray(tiles.get_tile(fits[0], (column, row)))


def measure(path: Path, mpp: float, side_um: float = AREA_UM) -> Iterator[dict]:
    """Measure one slide, row by row."""
    from napari_bonemarrow.slides import open_slide

    slide = open_slide(path)
    whole = slide.width * slide.height * (mpp / 1000) ** 2
    size = f"{slide.width}×{slide.height} px"
    first_view(path)
    ours, theirs = _seconds(lambda: first_view(path)), _seconds(lambda: deep_zoom(path))
    yield _row(f"slide of {size}: opened, first view read", ours, "s", "DeepZoom", theirs / ours, "1 s")
    base = 0.0
    for part, workers in ((1, 1), (2, 1), (4, 1), (4, 2)):
        seconds, area, tiles, cells, memory = searched(path, part, workers, side_um, mpp)
        rate = area / seconds
        base = base or rate
        name = f"searched {area:.1f} mm² ({tiles:.0f} tiles, {cells:.0f} cells), {workers} workers"
        yield _row(name, rate, "mm²/s", "the smallest area, 1 worker", rate / base)
        pace = f"the same, {tiles / seconds:.2f} tiles/s: memory of all"
        yield _row(pace, memory, "MiB", bar="1500")
    yield _row(f"all {whole:.0f} mm² at that rate", whole / rate / 60, "min")


def run() -> list[dict]:
    """Measure a slide of 300 megapixels that is made first."""
    from benchmarks.slide_maker import make_slide

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.tif"
        make_slide(path, 20_000, 15_000, folder=data())
        return list(measure(path, 0.1, 350.0))


if __name__ == "__main__":
    start = time.perf_counter()
    for row in measure(Path(sys.argv[1]), 0.1, 512.0) if len(sys.argv) > 1 else run():
        ratio = "" if row["ratio"] is None else f"  ({row['ratio']:.2f} against {row['peer']})"
        print(f"{row['name']}: {row['value']:.3f} {row['unit']}{ratio}", flush=True)
    print(f"{time.perf_counter() - start:.0f} s")
