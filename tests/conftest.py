"""Fixtures shared by every layer's tests."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

# Tests hold what is right, not how fast a busy machine finds it out.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Threads that wait by spinning slow each other down many times where the cores are shared; read by OpenMP
# when torch is imported, here and in the processes that tests start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_VARIABLE = "NAPARI_BONEMARROW_TEST_DATA"


def _real_data_folder() -> Path | None:
    named = os.environ.get(_VARIABLE)
    candidates = [Path(named)] if named else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared" / "data")
    return next((folder for folder in candidates if (folder / "fields").is_dir()), None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, or a skip with the reason."""
    folder = _real_data_folder()
    if folder is None:
        pytest.skip(f"no real images: set {_VARIABLE} to a folder with bmc/, fields/, blood_boxes/")
    return folder


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep models, cases and settings of the person who runs the tests out of them."""
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path_factory.mktemp("home")))


_ENDS_SOON_S = 30.0
"""How long what was begun in a test may take to end once the test has: it is asked again and again."""


def _threads() -> set[threading.Thread]:
    """Return the threads that keep the process alive, without the pool that prepares crops: it is kept.

    Daemons may stay: they hold nothing up.
    """
    return {each for each in threading.enumerate() if not each.daemon and not each.name.startswith("crops_")}


def _children() -> set[int]:
    """Return the child processes, without Python's own helper, shared engines and what reads whole slides.

    That one serves every slide and ends with this process, which a test of its own holds.
    """
    readers = sys.modules.get("napari_bonemarrow.slides.formats.openslide.openslide_process")
    kept = set(readers.readers.pids) if readers else set()
    shared = sys.modules.get("tests.shared_engines")
    kept |= shared.shared_processes() if shared else set()
    children = psutil.Process().children()
    return {each.pid for each in children if each.pid not in kept and not _is_pythons(each)}


def _is_pythons(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE or "resource_tracker" in " ".join(process.cmdline())
    except psutil.Error:
        return True


def _widgets() -> set[str]:
    """Return our widgets that no window holds, by what they are."""
    widgets = next((sys.modules[name] for name in _QT if name in sys.modules), None)
    application = widgets and widgets.QApplication.instance()
    if not application:
        return set()
    # A dialog that is closed is deleted on the next turn of the loop.
    application.sendPostedEvents(None, _DEFERRED_DELETE)
    ours = (each for each in application.topLevelWidgets() if type(each).__module__.startswith(_OURS))
    return {f"{type(each).__name__} at {id(each):#x}" for each in ours}


_QT = ("PyQt6.QtWidgets", "PySide6.QtWidgets")
_DEFERRED_DELETE = 52
_OURS = "napari_bonemarrow."


def _left(before: tuple[set[Any], ...]) -> list[str]:
    now = (_threads(), _children(), _widgets())
    return [str(each) for was, are in zip(before, now, strict=True) for each in are - was]


@pytest.fixture(autouse=True)
def _nothing_is_left(_own_home: None) -> Iterator[None]:
    """Fail a test that leaves a widget, a thread or a child process behind."""
    before = (_threads(), _children(), _widgets())
    yield
    end = time.monotonic() + _ENDS_SOON_S
    left = _left(before)
    while left and time.monotonic() < end:
        gc.collect()  # what only a circle of references holds is let go now
        threading.Event().wait(0.05)
        left = _left(before)
    if left:
        pytest.fail(f"the test leaves behind: {', '.join(left)}")
