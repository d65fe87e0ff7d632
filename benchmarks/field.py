"""One field found and classified end to end through the engine, after the model is loaded.

The field is the drawn sample smear, which has more cells than an ordinary field; with
``NAPARI_BONEMARROW_FIELD`` (a file) and ``NAPARI_BONEMARROW_FIELD_SCALE`` (µm per pixel) it is that one.
The peer is the same work called directly in one process: what the child, the queue, the chunks and the
case's journal cost is the ratio. The child takes two threads, as the bar is for two cores.

Run alone with ``python benchmarks/field.py``.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.workflow import CellsFound, analyse, apply_step, open_or_create_case

# As the engine's child has it, so that the peer does not spin while it waits; read when torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

REPEATS = 5
THREADS = 2


def the_field(folder: Path) -> tuple[Path, float | None]:
    """Return the field to work on, and its scale where its file does not tell it."""
    named = os.environ.get("NAPARI_BONEMARROW_FIELD")
    if named:
        return Path(named), float(os.environ["NAPARI_BONEMARROW_FIELD_SCALE"])
    from napari_bonemarrow.workflow import write_sample_slide

    return write_sample_slide(folder), None


def through_engine(engine: Engine, path: Path, scale: float | None, folder: Path) -> tuple[float, int]:
    """Open, find, classify and journal; seconds and cells."""
    started = time.perf_counter()
    slide, case = open_or_create_case(
        path, reviewer="benchmark", microns_per_pixel=scale, case_path=folder / "field.bmcase"
    )
    for step in analyse(engine, slide, case):
        apply_step(case, step)
        if isinstance(step, CellsFound):
            found = len(step.cells)
    seconds = time.perf_counter() - started
    case.close()
    return seconds, found


def directly(path: Path, scale: float | None) -> float:
    """Open, find, cut out and classify in this process, torch imported and the model loaded before."""
    import torch

    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.slides import cut_crops, detect_cells, open_slide

    torch.set_num_threads(THREADS)
    classifier = Classifier("starter", "cpu")
    card = classifier.bundle.card
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        slide = open_slide(path, microns_per_pixel=scale)
        cells = detect_cells(slide)
        crops = cut_crops(
            slide, cells.x, cells.y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size
        )
        classifier.classify(crops, cells.cell_id)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def run() -> list[dict[str, object]]:
    """Measure, the median of a few runs each."""
    with tempfile.TemporaryDirectory() as name, Engine("cpu", threads=THREADS) as engine:
        folder = Path(name)
        path, scale = the_field(folder)
        started = time.perf_counter()
        engine.load().result()
        loading = time.perf_counter() - started
        runs = []
        for number in range(REPEATS + 1):
            own = folder / str(number)
            own.mkdir()
            runs.append(through_engine(engine, path, scale, own))
        engine.close()
        seconds = statistics.median(seconds for seconds, _ in runs[1:])
        cells = runs[0][1]
        direct = directly(path, scale)
    what = f"field of {cells} cells opened, found, classified and journalled, {THREADS} threads"
    return [
        {
            "name": what,
            "value": seconds,
            "unit": "s",
            "peer": f"the same calls in one process ({direct:.2f} s)",
            "ratio": seconds / direct,
            "bar": "under 3 s",
        },
        {
            "name": "model loaded in a fresh child",
            "value": loading,
            "unit": "s",
            "peer": "",
            "ratio": None,
            "bar": "",
        },
    ]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
