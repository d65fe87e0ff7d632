"""Reviewing by keyboard with 50,000 cells in the case: what a key, a selection and opening cost.

``python -m benchmarks.reviewing`` runs it alone. It needs a display; on a server: ``tools/with-display.sh``.
The window runs in a process of its own, on a drawn slide with cells on a jittered grid and random
probabilities. A relabel is timed from the key event on napari's canvas to the return of the last slot, with
the journal's line on the disk, every view followed and the next cell of the work list selected; painting is
timed apart, as it depends on the graphics card (here often none). The peers: the same label written into the
same journal without a window, and the same relabel in a bare Points layer the documented way, by its
``features`` and ``refresh_colors``.
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

from benchmarks.window import _peak_mib

CELLS = 50_000
KEYS, PEER_KEYS = 300, 12
LARGE = 10_000
"""Cells of the class that is selected as a whole."""
_SIDE, _SCALE = 20_480, 0.25
_WAIT_SECONDS = 180.0


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        slide = _slide(Path(folder))
        command = [sys.executable, "-m", "benchmarks.reviewing", str(slide)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the window failed: {done.stderr.strip().splitlines()[-1:]}")
        return _rows(dict(json.loads(done.stdout.splitlines()[-1])))


def _rows(figures: dict[str, float]) -> list[dict[str, object]]:
    def row(name: str, figure: str, bar: str = "", peer: str = "", against: str = "") -> dict[str, object]:
        value, unit = figures[figure], "MiB" if figure.endswith("mib") else "ms"
        shown = f"{peer} ({figures[against]:.2f} ms)" if peer else None
        ratio = value / figures[against] if peer else None
        return {"name": name, "value": value, "unit": unit, "peer": shown, "ratio": ratio, "bar": bar}

    of = f"{CELLS} cells: "
    journal, bare = "the journal's line alone, p95", "features and refresh_colors of a bare Points layer"
    return [
        row(f"{of}relabel by key and go on, p50", "key_p50", "", bare, "bare_p50"),
        row(f"{of}relabel by key and go on, p95", "key_p95", "< 16 ms", journal, "journal_p95"),
        row(f"{of}the slowest of {KEYS}", "key_max"),
        row(f"{of}painting after a key, median", "paint_p50"),
        row(f"{of}one cell selected, p95", "select_p95", "< 100 ms"),
        row(f"{of}a class of {LARGE} selected", "select_class", "< 100 ms"),
        row(f"{of}those {LARGE} relabelled by one key", "relabel_class"),
        row(f"{of}undo of that", "undo_class"),
        row(f"{of}one cell removed", "remove"),
        row(f"{of}case opened in the window", "open", "< 2000 ms"),
        row(f"{of}of that the case itself", "open_case"),
        row(f"{of}peak memory of the window", "peak_mib", "< 1536 MiB"),
    ]


def _slide(folder: Path) -> Path:
    """Draw a slide, and lay a case with many cells beside it."""
    from benchmarks.slide_maker import make_slide
    from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
    from napari_bonemarrow.review import Case, case_path_for
    from napari_bonemarrow.slides import open_slide

    path = folder / "slide.tif"
    make_slide(path, _SIDE, _SIDE, _SCALE)
    rng = np.random.default_rng(7)
    across = int(np.ceil(np.sqrt(CELLS)))
    grid = (np.arange(across) + 0.5) * (_SIDE / across)
    x, y = (axis.ravel()[:CELLS] + rng.uniform(-15, 15, CELLS) for axis in np.meshgrid(grid, grid))
    ones = np.ones(CELLS)
    cells = Cells(
        np.arange(1, CELLS + 1), x, y, (9 * ones).astype("f4"), ones.astype("f4"), ones.astype(bool)
    )
    probabilities = rng.dirichlet(np.full(len(BMC21), 0.3), CELLS).astype("f4")
    probabilities[:LARGE, BMC21.index("NGS")] += 2
    probabilities[LARGE:, BMC21.index("NGS")] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    with Case.create(case_path_for(path), open_slide(path), reviewer="benchmark") as case:
        case.sampling.set_frame(Frame.whole_field(_SIDE, _SIDE, 0.0), 500)
        found = case.detection.record(cells)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        model = ModelReference("random", "0" * 64)
        case.model.record_predictions(Predictions(found.cell_id, probabilities, BMC21, support, model))
    return path


# the window, in a process of its own ----------------------------------------------------------------


def _window(slide: Path) -> dict[str, float]:
    import napari
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QApplication

    figures = _alone(slide)
    viewer = napari.Viewer()
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
    begun = time.perf_counter()
    controller.open_path(slide)
    until(lambda: controller.smear is not None)
    figures["open"] = 1e3 * (time.perf_counter() - begun)
    panel.show_review()
    session = controller.smear.session
    press = _Presser(panel, application)
    press(Qt.Key.Key_Space)
    figures.update(_relabelled(press, controller.smear.review))
    figures.update(_selected(press, controller.smear.review))
    if len(session.case.labels) < KEYS:
        raise RuntimeError("the keys did not reach the case")
    figures["peak_mib"] = _peak_mib()
    viewer.close()
    return figures


class _Presser:
    """Sends real key events to napari's canvas, and times them and the painting after each."""

    def __init__(self, panel, application) -> None:
        self._canvas = panel.window()._qt_viewer.canvas.native
        self._application = application
        self.painting: list[float] = []

    def __call__(self, key, modifier=None) -> float:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        begun = time.perf_counter()
        QTest.keyClick(self._canvas, key, modifier or Qt.KeyboardModifier.NoModifier)
        ended = time.perf_counter()
        self._application.processEvents()
        self.painting.append(1e3 * (time.perf_counter() - ended))
        return 1e3 * (ended - begun)


def _relabelled(press: _Presser, review) -> dict[str, float]:
    """Give classes by key, one key a cell."""
    from qtpy.QtCore import Qt

    keys = (Qt.Key.Key_B, Qt.Key.Key_X, Qt.Key.Key_L, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_Return)
    for at in range(10):  # what is imported or made at the first key is not timed
        press(keys[at % len(keys)])
    press.painting.clear()
    took = []
    for at in range(KEYS):
        before = review.selection.current
        took.append(press(keys[at % len(keys)]))
        if review.selection.current == before:
            raise RuntimeError("a key did not go on to the next cell")
    return {
        "key_p50": float(np.median(took)),
        "key_p95": float(np.percentile(took, 95)),
        "key_max": max(took),
        "paint_p50": float(np.median(press.painting)),
    }


def _answered(review) -> float:
    """Say yes to the question that stands before so many cells are changed; return what that took, ms."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    begun = time.perf_counter()
    QTest.keyClick(review.caution.dialog, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    return 1e3 * (time.perf_counter() - begun)


def _selected(press: _Presser, review) -> dict[str, float]:
    from qtpy.QtCore import Qt

    rng, one = np.random.default_rng(3), []
    codes = np.array(review.session.case.effective_codes())
    ids = review.session.case.cells.cell_id
    for cell in rng.choice(ids, 40, replace=False).tolist():
        begun = time.perf_counter()
        review.navigation.select(cell, go=True)
        one.append(1e3 * (time.perf_counter() - begun))
        press(Qt.Key.Key_Shift)
    review.navigation.select(int(ids[codes == "NGS"][0]), go=True)
    figures = {"select_p95": float(np.percentile(one, 95))}
    figures["select_class"] = press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    if len(review.selection) < 0.9 * LARGE:
        raise RuntimeError(f"{len(review.selection)} cells were selected")
    figures["relabel_class"] = press(Qt.Key.Key_D) + _answered(review)
    figures["undo_class"] = press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    review.navigation.select(int(ids[CELLS // 2]), go=True)
    begun = time.perf_counter()
    press(Qt.Key.Key_Delete)
    review.case_sync.settle()
    figures["remove"] = 1e3 * (time.perf_counter() - begun) - press.painting[-1]
    return figures


def _alone(slide: Path) -> dict[str, float]:
    """Time the peers: the case without a window, and a bare Points layer."""
    from napari_bonemarrow.review import Case, case_path_for

    begun = time.perf_counter()
    with Case.open(case_path_for(slide), reviewer="benchmark") as case:
        opened = 1e3 * (time.perf_counter() - begun)
        took = []
        for cell in range(CELLS - KEYS, CELLS):
            begun = time.perf_counter()
            case.set_label([cell], "BLA")
            took.append(1e3 * (time.perf_counter() - begun))
        while case.can_undo:
            case.undo()
    return {"open_case": opened, "journal_p95": float(np.percentile(took, 95)), "bare_p50": _bare()}


def _bare() -> float:
    import pandas as pd
    from napari.layers import Points

    rng = np.random.default_rng(1)
    codes = rng.choice(["BLA", "NGS", "LYT", "ART"], CELLS)
    table = pd.DataFrame({"class": pd.Categorical(codes)})
    layer = Points(rng.uniform(0, _SIDE, (CELLS, 2)), features=table, border_color="class")
    took = []
    for row in range(PEER_KEYS):
        begun = time.perf_counter()
        changed = layer.features.copy()
        changed.loc[row, "class"] = "BLA"
        layer.features = changed
        layer.refresh_colors()
        took.append(1e3 * (time.perf_counter() - begun))
    return float(np.median(took))


def main() -> None:
    """Print the rows, or in a child the figures of one window."""
    if len(sys.argv) == 2:
        print(json.dumps(_window(Path(sys.argv[1]))))
        return
    for row in run():
        against = "" if row["ratio"] is None else f", {row['ratio']:.2f} of {row['peer']}"
        print(f"{row['name']}: {row['value']:.4g} {row['unit']}{against} (bar {row['bar']})")


if __name__ == "__main__":
    main()
