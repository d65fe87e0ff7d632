"""A photograph without a scale, in the real window: typed, measured, and the smear started over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.drawing import DrawnSmear, draw_smear
from napari_bonemarrow.gui.shell.fresh_start_dialog import FreshStartDialog
from napari_bonemarrow.review import Case, EventKind
from napari_bonemarrow.slides import ScaleSource

from .reviewer import ANALYSING, LOADING, Reviewer

MICRONS, BAR_PX = 0.1, 300


@pytest.fixture(scope="module")
def drawn() -> DrawnSmear:
    return draw_smear(
        31, width=700, height=520, microns_per_pixel=MICRONS, cells_per_class={"LYT": 3, "NGS": 2, "EBO": 2}
    )


@pytest.fixture
def photograph(drawn: DrawnSmear, tmp_path: Path) -> Path:
    """The drawn smear with a scale bar in it, in a file that states no scale."""
    image = drawn.image.copy()
    image[500:506, 40 : 40 + BAR_PX] = 0
    path = tmp_path / "photograph.png"
    Image.fromarray(image).save(path)
    return path


def _types_while_the_estimate_comes(reviewer: Reviewer) -> None:
    """See that what was typed stays, and is what Enter confirms."""
    tab, session = reviewer.panel.slide_tab, reviewer.controller.smear.session
    reviewer.qtbot.mouseClick(tab.scale_box, Qt.MouseButton.LeftButton)
    reviewer.qtbot.keyClicks(tab.scale_box, "0.2")
    reviewer.qtbot.waitUntil(lambda: not session.estimating, timeout=LOADING)
    assert tab.scale_box.text() == "0.2"
    reviewer.qtbot.keyClick(tab.scale_box, Qt.Key.Key_Return)
    assert (reviewer.case.scale.microns_per_pixel, reviewer.case.scale.source) == (0.2, ScaleSource.USER)


def _measures_the_bar(reviewer: Reviewer) -> None:
    """Draw over the bar on the screen, and say what it is long."""
    qtbot, part, native = reviewer.qtbot, reviewer.panel.slide_tab.scale_part, reviewer._qt.canvas.native
    reviewer.click_button(part.bar.start_button)
    reviewer.wait_for_view()
    first, last = (reviewer.screen_place(x, 503) for x in (40, 40 + BAR_PX))
    qtbot.mouseMove(native, first)
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=first)
    for share in (0.4, 0.8, 1.0):
        qtbot.mouseMove(native, first + QPoint(*(round(share * each) for each in _apart(first, last))))
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=last)
    assert reviewer.controller.smear_viewer.bar_length() == pytest.approx(BAR_PX, abs=4)
    qtbot.waitUntil(part.bar.length_box.hasFocus)
    qtbot.keyClicks(part.bar.length_box, f"{BAR_PX * MICRONS:g} µm")
    qtbot.keyClick(part.bar.length_box, Qt.Key.Key_Return)
    assert reviewer.case.microns_per_pixel == 0.2  # it counts once it is confirmed
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert reviewer.case.microns_per_pixel == pytest.approx(MICRONS, rel=0.02)


def _apart(first: QPoint, last: QPoint) -> tuple[int, int]:
    return last.x() - first.x(), last.y() - first.y()


def _finds(reviewer: Reviewer) -> None:
    reviewer.find()
    reviewer.wait_for_screen()


def _starts_over(reviewer: Reviewer) -> Path:
    """Begin a new case, and return where the one before is kept."""
    panel, path = reviewer.panel, reviewer.case.path
    panel.tabs.setCurrentIndex(0)
    assert not panel.slide_tab.scale_box.isEnabled()
    reviewer.click_button(panel.slide_tab.again_button)
    [dialog] = panel.findChildren(FreshStartDialog)
    with reviewer.qtbot.waitSignal(reviewer.controller.opened, timeout=LOADING):
        reviewer.click_button(dialog.accept_button)
    assert reviewer.case.path == path
    return path.with_name(f"{path.stem}.before-1.bmcase")


def test_a_scale_is_typed_measured_and_given_again(
    come_in: Callable[..., Reviewer], photograph: Path, drawn: DrawnSmear
):
    reviewer = come_in()
    with reviewer.qtbot.waitSignal(reviewer.controller.opened, timeout=LOADING):
        reviewer.controller.open_path(photograph)
    reviewer.panel.window().activateWindow()
    reviewer.qtbot.waitUntil(reviewer.panel.window().isActiveWindow, timeout=LOADING)
    _types_while_the_estimate_comes(reviewer)
    _measures_the_bar(reviewer)
    _finds(reviewer)
    assert len(reviewer.case.cells) >= 0.7 * len(drawn.cells)
    reviewer.controller.smear.review.navigation.next()
    reviewer.press(Qt.Key.Key_M)
    assert len(reviewer.case.labels) == 1
    kept = _starts_over(reviewer)
    assert not reviewer.case.labels
    assert not len(reviewer.case.cells)
    tab = reviewer.panel.slide_tab
    assert tab.scale_box.isEnabled()
    with Case.open(kept, read_only=True) as before:
        assert len(before.labels) == 1
        assert before.verify().ok
        assert [event.kind for event in before.history.events()].count(EventKind.SCALE_CONFIRMED) == 2
    reviewer.qtbot.mouseClick(tab.scale_box, Qt.MouseButton.LeftButton)
    reviewer.qtbot.keyClicks(tab.scale_box, f"{MICRONS:g}")
    reviewer.qtbot.keyClick(tab.scale_box, Qt.Key.Key_Return)
    with reviewer.qtbot.waitSignal(reviewer.controller.smear.setup.analysed, timeout=ANALYSING):
        reviewer.click_button(tab.find_button)
    assert reviewer.case.microns_per_pixel == MICRONS
    tab.target_box.setValue(700)
    assert reviewer.case.target == 700
