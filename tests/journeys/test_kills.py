"""What the window has shown survives its death at any moment, and nothing of it is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from napari_bonemarrow.drawing import DrawnSmear, draw_smear, write_sample
from napari_bonemarrow.review import Case
from napari_bonemarrow.system.files import DRAFT

from .reviewer import ANALYSING, LOADING, Reviewer

KILLS = 3
REAPING = 30  # seconds that children of a killed window may take to notice
MOST_SHOWN = 30
EARLY = 0.25
"""Part of the windows that are killed while they open."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")


@pytest.fixture(scope="module")
def smear() -> DrawnSmear:
    cells = {"BLA": 4, "NGS": 8, "EBO": 6, "LYT": 6, "PMO": 3, "MON": 3}
    return draw_smear(11, width=1300, height=1000, cells_per_class=cells)


class Windows:
    """The program that opens windows, one after another."""

    def __init__(self, path: Path) -> None:
        program = Path(__file__).with_name("window_reviewing.py")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(program), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def begin(self, command: object) -> psutil.Process:
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return psutil.Process(int(self.read().removeprefix("pid ")))

    def read(self) -> str:
        line = self.process.stdout.readline()
        assert line, "the windows' program has ended"
        assert not line.startswith("failed"), line
        return line.rstrip("\n")

    def rest(self) -> list[str]:
        return list(iter(self.read, "end"))

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


@pytest.fixture
def windows(tmp_path: Path, smear: DrawnSmear) -> Iterator[Windows]:
    """Windows on a drawn smear whose cells are found."""
    made = Windows(write_sample(tmp_path / "smear.png", smear))
    made.begin("find")
    assert made.rest() == ["closed"]
    yield made
    made.end()


def _kill(window: psutil.Process) -> None:
    """Kill a window outright, and wait until all that it had started has ended by itself."""
    os.kill(window.pid, signal.SIGSTOP)  # so that it starts nothing while we look
    started = window.children(recursive=True)
    os.kill(window.pid, signal.SIGKILL)
    _ended, living = psutil.wait_procs(started, timeout=REAPING)
    assert not living, [each.cmdline() for each in living]


def _assert_whole(folder: Path) -> None:
    """Find no file that is half written, beside the smear and in the user's own folder."""
    assert sorted(path.name for path in folder.iterdir()) == ["smear.bmcase", "smear.png"]
    for path in Path(os.environ["NAPARI_BONEMARROW_HOME"]).rglob("*"):
        assert path.suffix not in {".part", ".tmp"}
        assert not path.name.startswith(DRAFT)
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [7_401])
def test_every_correction_that_the_window_has_shown_survives_kill_9(
    windows: Windows, tmp_path: Path, seed: int
) -> None:
    path, dice = tmp_path / "smear.bmcase", random.Random(seed)
    shown: dict[int, str] = {}
    with Case.open(path, read_only=True) as case:
        before = len(case.history.events())
        cells = len(case.cells)
    assert cells > 15
    for kill in range(KILLS):
        window = windows.begin(seed + kill)
        count = 0 if dice.random() < EARLY else dice.randrange(1, MOST_SHOWN)
        lines = [windows.read() for _ in range(count)]
        sum(range(dice.randrange(20_000_000 if not count else 400_000)))  # it goes on, or opens, meanwhile
        _kill(window)
        lines += windows.rest()
        latest = {int(seq): digest for seq, digest in (line.split() for line in lines)}
        shown |= latest
        with Case.open(path, reviewer="Ben") as again:
            assert again.verify().ok
            written = {event.seq: event.hash for event in again.history.events()}
            assert shown.items() <= written.items()
            # At most the act under way, and what the model said of the cells it made, is not shown yet.
            assert len(written) <= max(latest, default=before) + 3
            before = len(written)
        _assert_whole(tmp_path)
    assert len(shown) > KILLS


@pytest.mark.slow
def test_the_engine_killed_while_classifying_costs_nothing(
    come_in: Callable[[], Reviewer], qtbot, tmp_path: Path, smear: DrawnSmear
) -> None:
    reviewer = come_in()
    controller = reviewer.controller
    told: list[str] = []
    controller.notices.failed.connect(told.append)
    path = write_sample(tmp_path / "smear.png", smear)
    with qtbot.waitSignal(controller.model_loaded, timeout=LOADING):
        reviewer.open(path, None)
    killed: list[int] = []

    def kill_engine(text: str, _part: float) -> None:
        if text.endswith("cells found") and not killed:
            killed.append(controller.engine.pid)
            os.kill(killed[0], signal.SIGKILL)

    controller.smear.cell_search.progressed.connect(kill_engine)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=ANALYSING):
        reviewer.click_button(reviewer.panel.slide_tab.find_button)
    case = reviewer.case
    assert killed
    assert controller.engine.pid != killed[0]
    assert told == []  # it was started again and asked once more
    assert all(case.effective_codes())
    reviewer.click_button(reviewer.panel.slide_tab.review_button)
    cell = int(case.cells.cell_id[0])
    controller.smear.review.navigation.select(cell, go=True)
    controller.smear.review.corrections.label("PLM", go_on=False)
    assert case.verify().ok
    _fail_twice(reviewer, qtbot, told)
    assert case.labels[cell].code == "PLM"


def _fail_twice(reviewer: Reviewer, qtbot, told: list[str]) -> None:
    """Kill each engine that is started: one clear line, and it goes on once that has ended."""
    controller, case = reviewer.controller, reviewer.case
    middle = (650.0, 500.0)  # well inside the frame

    done = threading.Event()

    def kill_each() -> None:
        while not done.wait(0.001):
            pid = controller.engine.pid
            # It may be gone when it is killed: an error would end this thread, and the engine started next
            # would live, so that nothing failed and the test waited in vain, about once in five runs.
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_each)  # the window's own thread would often come too late
    killer.start()
    try:
        with qtbot.waitSignal(controller.notices.failed, timeout=ANALYSING):
            controller.smear.review.corrections.add(middle)
    finally:
        done.set()
        killer.join()
    assert len(told) == 1
    assert told[0].startswith("engine: its process ended twice")
    assert "\n" not in told[0]
    added = controller.smear.review.selection.current
    assert case.has_cell(added)
    assert case.verify().ok
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=ANALYSING):
        controller.smear.setup.find_cells()
    assert case.effective_code(added)
