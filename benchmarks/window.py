"""The window: how soon the panel is there, how soon a field is found, classified and shown, how much memory.

``python -m benchmarks.window`` runs it alone. It needs a display; on a server: ``tools/with-display.sh``.
Each figure is the median of two windows, each in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 2
_WAIT_SECONDS = 180.0


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark."""
    from napari_bonemarrow.drawing import write_sample

    with tempfile.TemporaryDirectory() as folder:
        measured = []
        for number in range(REPEATS):
            place = Path(folder) / str(number)  # a case beside the smear would spare the second one the work
            place.mkdir()
            measured.append(_measure(write_sample(place / "smear.png")))

    def median(name: str) -> float:
        return statistics.median(each[name] for each in measured)

    own = median("peak_mib") - median("bare_peak_mib")
    cells = round(median("cells"))
    return [
        _row("panel opens", median("panel_s"), "s", "napari's own start", median("napari_s"), "< 1 s"),
        _row(
            f"drawn field of {cells} cells found, classified, shown",
            median("field_s"),
            "s",
            None,
            None,
            "< 3 s",
        ),
        _row(
            "window's memory beyond napari's",
            own,
            "MiB",
            "napari, same image",
            median("bare_peak_mib"),
            "< 1024 MiB",
        ),
    ]


def _row(
    name: str, value: float, unit: str, peer: str | None, other: float | None, bar: str
) -> dict[str, object]:
    ratio = None if other is None else value / other
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "bar": bar}


def _measure(smear: Path) -> dict[str, float]:
    """Open one window with the plugin and one without, each in a process of its own."""
    bare = _child("bare", smear)
    return {**_child("plugin", smear), "bare_peak_mib": bare["peak_mib"]}


def _child(kind: str, smear: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.window", kind, str(smear)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the {kind} window failed: {done.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _window(smear: Path, with_plugin: bool) -> dict[str, float]:
    """Run in the child process."""
    begun = time.perf_counter()
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer()
    application = QApplication.instance()

    def until(done: Callable[[], bool]) -> float:
        start = time.perf_counter()
        while not done():
            application.processEvents()
            time.sleep(0.002)  # a loop that never rests would take a core from the engine
            if time.perf_counter() - start > _WAIT_SECONDS:
                raise TimeoutError("the window did not come to rest")
        application.processEvents()
        return time.perf_counter() - start

    until(viewer.window.geometry)
    figures = {"napari_s": time.perf_counter() - begun}
    if with_plugin:
        figures.update(_plugin(viewer, smear, until))
    else:
        viewer.open(str(smear), plugin="napari")
        rest = time.perf_counter() + 1.0
        until(lambda: time.perf_counter() > rest)
    figures["peak_mib"] = _peak_mib()
    viewer.close()
    return figures


def _plugin(viewer, smear: Path, until: Callable[[Callable[[], bool]], float]) -> dict[str, float]:
    begun = time.perf_counter()
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
    until(panel.isVisible)
    opened = time.perf_counter() - begun
    controller = panel.controller
    controller.open_path(smear)
    until(lambda: controller.smear is not None and controller.engine.status is not None)
    layer = controller.smear_viewer.rings.layer
    begun = time.perf_counter()
    controller.smear.setup.find_cells()
    until(
        lambda: (
            not controller.smear.cell_search.running and len(layer.data) > 0 and all(layer.features["class"])
        )
    )
    shown = time.perf_counter() - begun
    return {"panel_s": opened, "field_s": shown, "cells": len(layer.data)}


def _peak_mib() -> float:
    """Return the process's peak memory, MiB; the engine's child is not in it."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would tell the parent's peak where that was higher
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 2**10
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset / 2**20)
    import resource

    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)  # macOS counts bytes


def main() -> None:
    """Print the rows, or in a child the figures of one window."""
    if len(sys.argv) == 3:
        print(json.dumps(_window(Path(sys.argv[2]), sys.argv[1] == "plugin")))
        return
    for row in run():
        against = "" if row["ratio"] is None else f", {row['ratio']:.2f} of {row['peer']}"
        print(f"{row['name']}: {row['value']:.3g} {row['unit']}{against} (bar {row['bar']})")


if __name__ == "__main__":
    main()
