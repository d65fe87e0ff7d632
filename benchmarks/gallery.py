"""The gallery with 50,000 cells in the case: what a frame of scrolling, a selection and its memory cost.

``python -m benchmarks.gallery`` runs it alone. It needs a display; on a server: ``tools/with-display.sh``.
The window runs in a process of its own, on the case of `benchmarks.reviewing`. A frame is a step of the
scroll bar and the painting of what came into view, with thumbnails of 100 px; crops are cut meanwhile in
their thread, as they are for a reviewer. What to compare it with is a frame in which one pixel of the
gallery is painted anew: what it costs to put the window on the screen with napari's canvas, which a graphics
card does in no time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.reviewing import CELLS, LARGE, _slide
from benchmarks.window import _peak_mib

FRAMES, STEP_PX = 600, 60
FRAME_MS = 1000 / 60
_WAIT_SECONDS = 180.0


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.gallery", str(_slide(Path(folder)))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the window failed: {done.stderr.strip()}")
        return _rows(dict(json.loads(done.stdout.splitlines()[-1])))


def _rows(figures: dict[str, float]) -> list[dict[str, object]]:
    def row(name: str, figure: str, unit: str = "ms", bar: str = "") -> dict[str, object]:
        named = f"gallery of {CELLS} cells: {name}"
        return {
            "name": named,
            "value": figures[figure],
            "unit": unit,
            "peer": None,
            "ratio": None,
            "bar": bar,
        }

    return [
        row("shown for the first time", "show"),
        row("a frame of scrolling, p50", "scroll_p50"),
        row("a frame of scrolling, p95", "scroll_p95", bar="< 16.7 ms"),
        row("frames over 16.7 ms", "scroll_late", "%", "0 %"),
        row("a frame where every crop is there, p95", "cached_p95", bar="< 16.7 ms"),
        row("a frame in which one pixel is painted, p95", "pixel_p95"),
        row("of a frame of scrolling the painting of thumbnails, p95", "painting_p95", bar="< 8 ms"),
        row("all that is seen painted, no crop there", "paint_bare"),
        row("all that is seen painted, crops there", "paint_full"),
        row(f"a class of {LARGE} selected by its key", "select_class", bar="< 100 ms"),
        row("relabel by key with the gallery open, p95", "key_p95", bar="< 16 ms"),
        row("crops kept", "crops_mib", "MiB", "< 128 MiB"),
        row("peak memory of the window", "peak_mib", "MiB", "< 1536 MiB"),
    ]


def _window(slide: Path) -> dict[str, float]:
    import napari
    from qtpy.QtWidgets import QApplication

    painting = _timed_painting()
    viewer = napari.Viewer()
    viewer.window.resize(1600, 1000)
    application = QApplication.instance()

    def until(done: Callable[[], bool]) -> None:
        start = time.perf_counter()
        while not done():
            application.processEvents()
            time.sleep(0.002)
            if time.perf_counter() - start > _WAIT_SECONDS:
                raise TimeoutError("the window did not come to rest")
        application.processEvents()

    _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
    controller = panel.controller
    controller.reviewer.use("benchmark")
    until(lambda: controller.engine.status is not None)
    controller.open_path(slide)
    until(lambda: controller.smear is not None)
    panel.show_review()
    begun = time.perf_counter()
    controller.smear.gallery.show()
    application.processEvents()
    figures = {"show": 1e3 * (time.perf_counter() - begun)}
    dock = controller.smear.gallery.dock
    figures.update(_painted(dock, controller.smear.session.slide, until))
    figures.update(_scrolled(dock, painting, application, until))
    figures.update(_selected(controller, dock, application, until))
    figures["crops_mib"] = dock.store.used / 2**20
    figures["peak_mib"] = _peak_mib()
    viewer.close()
    return figures


def _painted(dock, slide, until: Callable[[Callable[[], bool]], None]) -> dict[str, float]:
    """Time the painting of all that is seen, without crops and with them."""
    from qtpy.QtGui import QImage

    view = dock.view

    def seen() -> list[int]:
        return [int(dock.model.ids[place]) for place in view._in_view()]

    def paint() -> float:
        image = QImage(view.viewport().size(), QImage.Format.Format_RGB32)
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            view.viewport().render(image)
            took.append(1e3 * (time.perf_counter() - begun))
        return float(np.median(took))

    dock.store.open(None)
    bare = paint()
    dock.store.open(slide)
    view._want_crops()
    until(lambda: all(dock.store.get(cell) is not None for cell in seen()))
    return {"paint_bare": bare, "paint_full": paint(), "seen": float(len(seen()))}


def _scrolled(dock, painting, application, until: Callable[[Callable[[], bool]], None]) -> dict[str, float]:
    """Scroll on and on, then up and down where every crop is there."""
    bar = dock.view.verticalScrollBar()

    def frame(value: int) -> float:
        begun = time.perf_counter()
        bar.setValue(value)
        application.processEvents()
        return 1e3 * (time.perf_counter() - begun)

    painting.clear()
    fresh = np.array([frame(at * STEP_PX) for at in range(1, FRAMES + 1)])
    painted = np.percentile(painting, 95)
    bar.setValue(0)
    ahead = dock.view.viewport().height()  # so far beyond what is seen crops are cut unasked
    until(lambda: all(dock.store.get(int(dock.model.ids[place])) for place in dock.view._in_view(ahead)))
    known = np.array([frame(at % (ahead // STEP_PX + 1) * STEP_PX) for at in range(FRAMES)])
    pixel = [_pixel(dock.view.viewport(), application) for _ in range(FRAMES // 6)]
    return {
        "pixel_p95": float(np.percentile(pixel, 95)),
        "painting_p95": float(painted),
        "scroll_p50": float(np.median(fresh)),
        "scroll_p95": float(np.percentile(fresh, 95)),
        "scroll_late": 100 * float((fresh > FRAME_MS).mean()),
        "cached_p95": float(np.percentile(known, 95)),
    }


def _pixel(viewport, application) -> float:
    begun = time.perf_counter()
    viewport.update(0, 0, 1, 1)
    application.processEvents()
    return 1e3 * (time.perf_counter() - begun)


def _timed_painting() -> list[float]:
    """Have every painting of the gallery timed; Qt must not have looked the method up yet."""
    from napari_bonemarrow.gui.gallery.gallery_view import GalleryView

    painting: list[float] = []
    plain = GalleryView.paintEvent

    def paint(view: GalleryView, event) -> None:
        begun = time.perf_counter()
        plain(view, event)
        painting.append(1e3 * (time.perf_counter() - begun))

    GalleryView.paintEvent = paint
    return painting


def _selected(controller, dock, application, until: Callable[[Callable[[], bool]], None]) -> dict[str, float]:
    """Select a class by its key, and give classes by key, with the focus in the gallery."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    review, case = controller.smear.review, controller.smear.session.case

    def press(key, modifier=Qt.KeyboardModifier.NoModifier) -> float:
        begun = time.perf_counter()
        QTest.keyClick(dock.view, key, modifier)
        took = 1e3 * (time.perf_counter() - begun)
        application.processEvents()
        return took

    dock.window().activateWindow()
    dock.view.setFocus()
    until(dock.view.hasFocus)  # keys are heard where the focus is
    codes = np.array(case.effective_codes())
    review.navigation.select(int(case.cells.cell_id[codes == "NGS"][0]), go=True)
    application.processEvents()
    figures = {"select_class": press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)}
    if len(review.selection) < 0.9 * LARGE:
        raise RuntimeError(f"{len(review.selection)} cells were selected")
    press(Qt.Key.Key_Space)
    keys = (Qt.Key.Key_B, Qt.Key.Key_L, Qt.Key.Key_1, Qt.Key.Key_Return)
    took = [press(keys[at % len(keys)]) for at in range(110)][10:]
    if len(case.labels) < len(took):
        raise RuntimeError("the keys did not reach the case")
    figures["key_p95"] = float(np.percentile(took, 95))
    return figures


def main() -> None:
    """Print the rows, or in a child the figures of one window."""
    if len(sys.argv) == 2:
        print(json.dumps(_window(Path(sys.argv[1]))))
        return
    for row in run():
        print(f"{row['name']}: {row['value']:.4g} {row['unit']} (bar {row['bar']})")


if __name__ == "__main__":
    main()
