"""A smear that napari opens brings the panel, and the window stays on the screen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.window.panel import WIDTH, BoneMarrowPanel
from napari_bonemarrow.gui.window.panel_dock import bring_panel, keep_on_screen, size_on_screen


def _panels() -> list[BoneMarrowPanel]:
    return [each for each in QApplication.allWidgets() if isinstance(each, BoneMarrowPanel)]


def test_a_smear_that_napari_opens_brings_the_panel(make_napari_viewer_proxy, truth_engine, field, qtbot):
    viewer = make_napari_viewer_proxy()
    viewer.open(str(field), plugin="napari-bonemarrow")
    qtbot.waitUntil(lambda: len(_panels()) == 1)
    [panel] = _panels()
    qtbot.waitUntil(lambda: panel.controller.smear is not None, timeout=20_000)
    assert panel.controller.smear.session.slide.path == field
    assert len([layer for layer in viewer.layers if layer.name == field.stem]) == 1
    with qtbot.waitSignal(panel.controller.queue.all_opened, timeout=20_000):
        viewer.open(str(field), plugin="napari-bonemarrow")
    assert len(_panels()) == 1


def test_the_sample_of_naparis_menu_brings_the_panel(make_napari_viewer_proxy, truth_engine, qtbot):
    viewer = make_napari_viewer_proxy()
    viewer.open_sample("napari-bonemarrow", "drawn_smear")
    qtbot.waitUntil(lambda: len(_panels()) == 1)


def test_a_file_that_napari_cannot_open_is_told_in_the_panel(
    make_napari_viewer_proxy, truth_engine, tmp_path, qtbot
):
    from napari.utils.notifications import notification_manager

    viewer = make_napari_viewer_proxy()
    bad = tmp_path / "bad.png"
    shutil.copy(__file__, bad)
    with pytest.raises(BoneMarrowError) as caught:
        viewer.open(str(bad), plugin="napari-bonemarrow")
    notification_manager.receive_error(caught.type, caught.value, caught.tb)  # as from the File menu
    [panel] = _panels()
    qtbot.waitUntil(lambda: panel.notices.isVisibleTo(panel))
    assert "bad.png" in panel.notices.text.text()


def test_the_panel_is_brought_once(open_panel):
    viewer, panel = open_panel()
    assert bring_panel(viewer) is panel
    panel.parentWidget().hide()
    assert bring_panel(viewer) is panel
    assert panel.parentWidget().isVisible()


def test_a_window_beyond_the_screen_is_brought_back(open_panel, qtbot):
    _viewer, panel = open_panel()
    window = panel.window()
    screen = window.screen().availableGeometry()
    window.setGeometry(
        screen.right() - 300, screen.bottom() - 200, screen.width() + 200, screen.height() + 100
    )
    qtbot.waitUntil(lambda: not screen.contains(window.frameGeometry()))
    keep_on_screen(window)
    qtbot.waitUntil(lambda: screen.contains(window.frameGeometry()))
    wide, high = size_on_screen((5000, 5000))
    assert screen.width() - 40 < wide < screen.width()
    assert screen.height() - 80 < high < screen.height()
    assert size_on_screen((700, 500)) == (700, 500)


_SCRIPT = """
import json, sys
from napari_bonemarrow.gui.launch import docked_window
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
viewer, panel = docked_window()
QTest.qWait(600)
window, screen = panel.window(), QApplication.primaryScreen().availableGeometry()
place = panel.mapTo(window, panel.rect().topLeft())
json.dump({
    "inside": screen.contains(window.frameGeometry()),
    "panel": [place.x(), panel.width(), panel.height()],
    "window": [window.width(), window.height()],
}, open(sys.argv[1], "w"))
viewer.close()
"""


@pytest.mark.parametrize("screen", ["1366x768", pytest.param("1280x720", marks=pytest.mark.slow)])
def test_on_a_small_screen_the_whole_window_is_seen(screen: str, tmp_path: Path):
    run = shutil.which("xvfb-run")
    if run is None:
        pytest.skip("no xvfb-run: a screen of another size cannot be had")
    told = tmp_path / "told.json"
    command = [run, "-a", "-s", f"-screen 0 {screen}x24", sys.executable, "-c", _SCRIPT, str(told)]
    subprocess.run(command, check=True, timeout=240)
    seen = json.loads(told.read_text())
    assert seen["inside"]
    x, width, height = seen["panel"]
    assert width >= WIDTH
    assert x + width <= seen["window"][0]
    assert height <= seen["window"][1]
