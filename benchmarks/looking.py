"""Looking at a whole slide in the window: how soon it is seen, and whether panning ever holds the window up.

``python -m benchmarks.looking [SLIDE...]`` runs it alone; without a slide one of 300 megapixels is made. It
needs a display; on a server: ``tools/with-display.sh``. Each opening is in a window of its own that has come
to rest before. The first view is timed from the opening of the path until another process that looks at the
screen sees the slide as it still is when everything has come to rest: the pixels of the level in view,
nothing coarser. While panning, a turn of the event loop is timed without the painting, by the processor's
time of the window's thread and by the clock, which also counts what other programs take; then the painting
alone, which depends on the graphics card (here often none).
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

OPENINGS = 5
STEPS = 60
"""Steps of a pan, an eighth of the view each."""
ZOOMS = (1.0, 4.0, 16.0)
"""Of the pans, against the view of the whole slide."""
_REST_S, _STEP_S = 1.0, 0.03
_SEEN_PX = 160
"""Side of the square of the screen that is looked at, within the slide and clear of the scale bar."""
_WAIT_SECONDS = 120.0


def run() -> list[dict[str, object]]:
    """Return the rows of this benchmark, on a slide that is made first."""
    from benchmarks.slide_maker import make_slide

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.tif"
        make_slide(path, 20_000, 15_000)
        return measure(path)


def measure(path: Path) -> list[dict[str, object]]:
    """Return the rows of one slide."""
    found = [_child(path) for _opening in range(OPENINGS)]
    width, height = (round(found[0][name]) for name in ("width", "height"))
    of = f"slide of {width}×{height} px: "
    steps = f"{len(ZOOMS) * STEPS * OPENINGS} steps of a pan"
    return [
        _row(f"{of}first view, median of {OPENINGS}", [each["first_s"] for each in found], "s", "< 1 s"),
        _row(f"{of}first view, best", [min(each["first_s"] for each in found)], "s"),
        _row(f"{of}the window answers again, median", [each["answers_s"] for each in found], "s"),
        _row(f"{of}longest turn in {steps}", [max(each["turn_ms"] for each in found)], "ms", "< 50 ms"),
        _row(f"{of}the same by the clock", [max(each["clock_ms"] for each in found)], "ms"),
        _row(f"{of}longest painting in them", [max(each["paint_ms"] for each in found)], "ms"),
        _row(f"{of}peak memory of the window", [max(each["peak_mib"] for each in found)], "MiB"),
    ]


def _row(name: str, values: list[float], unit: str, bar: str = "") -> dict[str, object]:
    return {
        "name": name,
        "value": statistics.median(values),
        "unit": unit,
        "peer": None,
        "ratio": None,
        "bar": bar,
    }


def _child(slide: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        if slide.is_file():  # a case beside the slide would be opened with it the second time
            (Path(folder) / slide.name).symlink_to(slide.resolve())
            slide = Path(folder) / slide.name
        command = [sys.executable, "-m", "benchmarks.looking", "window", str(slide)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the window failed: {done.stderr.strip().splitlines()[-1:]}")
    sys.stderr.write("".join(line + "\n" for line in done.stderr.splitlines() if line.startswith("turn")))
    return dict(json.loads(done.stdout.splitlines()[-1]))


# the window, in a process of its own ----------------------------------------------------------------


def _window(slide: Path) -> dict[str, float]:
    import napari
    from qtpy.QtWidgets import QApplication

    from benchmarks.window import _peak_mib
    from napari_bonemarrow.gui.core import preload

    viewer = napari.Viewer()
    viewer.window.resize(1366, 768)
    application = QApplication.instance()

    def until(done: Callable[[], bool]) -> None:
        start = time.perf_counter()
        while not done():
            application.processEvents()
            time.sleep(0.002)
            if time.perf_counter() - start > _WAIT_SECONDS:
                raise TimeoutError("the window did not come to rest")

    _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
    controller = panel.controller
    until(lambda: controller.engine.status is not None and preload.is_ready())
    rest = time.perf_counter() + _REST_S
    until(lambda: time.perf_counter() > rest)
    screen, idle = _Screen(viewer.window._qt_viewer.canvas.native), []
    controller.smear_viewer.tiles.idle.connect(lambda: idle.append(True))
    begun = time.monotonic()
    controller.open_path(slide)
    until(lambda: idle)
    figures = {"answers_s": time.monotonic() - begun}
    rest = time.perf_counter() + _REST_S
    until(lambda: time.perf_counter() > rest)
    seen = screen.close()
    figures["first_s"] = next(when for when, what in seen if what == seen[-1][1]) - begun
    session = controller.smear.session
    figures |= {"width": session.slide.width, "height": session.slide.height}
    until(lambda: not session.estimating)
    figures |= _panned(controller.smear_viewer, until)
    figures["peak_mib"] = _peak_mib()
    viewer.close()
    return figures


class _Screen:
    """What a process of its own sees of the screen, and since when."""

    def __init__(self, canvas) -> None:
        from qtpy.QtCore import QPoint

        corner = canvas.mapToGlobal(QPoint(canvas.width(), canvas.height() // 2))
        place = (corner.x() - _SEEN_PX - 60, corner.y() - _SEEN_PX // 2)
        command = [sys.executable, "-m", "benchmarks.looking", "screen", *map(str, place)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._lines = [self._process.stdout.readline()]

    def close(self) -> list[tuple[float, str]]:
        """Return when the screen changed, on the clock of `time.monotonic`, and to what."""
        self._process.terminate()
        self._lines += self._process.stdout.readlines()
        self._process.wait()
        pairs = [line.split() for line in self._lines]
        return [(float(when), what) for when, what in pairs]


def _look_at_screen(x: int, y: int) -> None:
    """Print when a square of the screen changes; runs until it is ended."""
    from qtpy.QtGui import QGuiApplication, QImage

    application = QGuiApplication([])
    screen, before = application.primaryScreen(), None
    while True:
        image = screen.grabWindow(0, x, y, _SEEN_PX, _SEEN_PX).toImage()
        bits = image.convertToFormat(QImage.Format.Format_RGB32).constBits()
        seen = hashlib.sha1(bits.asstring(4 * _SEEN_PX**2)).hexdigest()
        if seen != before:
            print(time.monotonic(), seen, flush=True)
            before = seen
        time.sleep(0.005)


def _panned(smear_viewer, until: Callable[[Callable[[], bool]], None]) -> dict[str, float]:
    """Pan over the slide at several zooms; the longest turn without painting, and the longest painting."""
    turns = _Turns()
    whole, centre = float(smear_viewer.camera.zoom), tuple(smear_viewer.camera.center)
    span = smear_viewer.smear.extent.world
    for zoom in ZOOMS:
        smear_viewer.camera.zoom = whole * zoom
        step = float(span[1][-1] - span[0][-1]) / zoom / 8
        for number in range(STEPS):
            across = (number % 16 - 8) * step * min(1.0, zoom / 4)
            down = (number // 16 - 2) * step
            with turns.timed():
                smear_viewer.camera.center = (centre[0], centre[1] + down, centre[2] + across)
            pause = time.perf_counter() + _STEP_S
            turns.until(lambda pause=pause: time.perf_counter() > pause)
    turns.close()
    return {
        "turn_ms": turns.longest_ms,
        "clock_ms": turns.longest_clock_ms,
        "paint_ms": turns.longest_paint_ms,
    }


class _Turns:
    """Times turns of the event loop on the clock, and painting apart from them."""

    def __init__(self) -> None:
        from qtpy.QtCore import QEvent, QObject
        from qtpy.QtWidgets import QApplication

        painting = {QEvent.Type.UpdateRequest, QEvent.Type.Paint, QEvent.Type.Expose}
        owner = self

        class _Filter(QObject):
            def eventFilter(self, _receiver, event) -> bool:  # noqa: N802 (Qt names it)
                owner._on_event(event.type() in painting)
                return False

        self._filter = _Filter()
        self._application = QApplication.instance()
        self._application.installEventFilter(self._filter)
        self._since: tuple[float, float] | None = None
        self._painting = (0.0, 0.0)
        self.longest_ms = self.longest_clock_ms = self.longest_paint_ms = 0.0

    def close(self) -> None:
        self._application.removeEventFilter(self._filter)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time what is done in here as one turn."""
        self._painting, (cpu, clock) = (0.0, 0.0), _now()
        yield
        self._stop()
        cpu_now, clock_now = _now()
        self.longest_ms = max(self.longest_ms, 1e3 * (cpu_now - cpu - self._painting[0]))
        self.longest_clock_ms = max(self.longest_clock_ms, 1e3 * (clock_now - clock - self._painting[1]))

    def until(self, done: Callable[[], bool]) -> None:
        """Let the loop turn, each turn timed."""
        while not done():
            with self.timed():
                self._application.processEvents()
            time.sleep(0.001)

    def _on_event(self, paints: bool) -> None:
        self._stop()
        if paints:
            self._since = _now()

    def _stop(self) -> None:
        """Painting ends where the next event begins."""
        if self._since is not None:
            cpu, clock = (now - since for now, since in zip(_now(), self._since, strict=True))
            self._painting = (self._painting[0] + cpu, self._painting[1] + clock)
            self.longest_paint_ms = max(self.longest_paint_ms, 1e3 * clock)
            self._since = None


def _now() -> tuple[float, float]:
    """Return the processor's time of this thread and the clock's, seconds."""
    return time.thread_time(), time.perf_counter()


def main() -> None:
    """Print the rows, or in a child the figures of one window."""
    if len(sys.argv) == 4 and sys.argv[1] == "screen":
        _look_at_screen(int(sys.argv[2]), int(sys.argv[3]))
    if len(sys.argv) == 3 and sys.argv[1] == "window":
        print(json.dumps(_window(Path(sys.argv[2]))))
        return
    rows = [row for path in sys.argv[1:] for row in measure(Path(path))] if len(sys.argv) > 1 else run()
    for row in rows:
        print(f"{row['name']}: {row['value']:.3g} {row['unit']}" + f" (bar {row['bar']})" * bool(row["bar"]))


if __name__ == "__main__":
    main()
