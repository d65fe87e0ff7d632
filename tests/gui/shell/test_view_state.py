"""A case is opened again where one stopped, and opens whatever was kept for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.shell import view_state
from napari_bonemarrow.gui.shell.view_state import ViewState
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.review.case.view_memory import ViewMemory
from napari_bonemarrow.review.worklist.worklist import WorkList
from napari_bonemarrow.slides import Scale, ScaleSource, open_slide


class Smear(QObject):
    """A camera that moves."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.camera = SimpleNamespace(center=(0.0, 50.0, 60.0), zoom=1.0)
        self.view = self

    def look(self, centre: tuple[float, float], zoom: float) -> None:
        self.camera.center, self.camera.zoom = (0.0, *centre), zoom
        self.moved.emit()


class Shown(QObject):
    """What is shown of a case: the parts that are remembered, without a viewer."""

    def __init__(self, case: Case, tabs: QTabWidget) -> None:
        super().__init__()
        self.session, self.tabs = SimpleNamespace(case=case), tabs
        self.smear_viewer, self.selection, self.worklist = Smear(), Selection(self), WorkList(case)
        for name in ("Slide", "Review", "Count"):
            tabs.addTab(QWidget(), name)
        self.view_state = ViewState(
            self.session, self.smear_viewer, self.selection, self.worklist, tabs, self
        )

    @property
    def state(self) -> tuple:
        camera = self.smear_viewer.camera
        tab = self.tabs.tabText(self.tabs.currentIndex())
        return (
            self.selection.ids,
            self.selection.current,
            tab,
            camera.center[-2:],
            camera.zoom,
            self.worklist.asked,
        )


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Nine cells, all of them counted."""
    path, n = tmp_path / "smear.png", np.arange(9)
    Image.fromarray(np.full((300, 300, 3), 240, np.uint8)).save(path)
    places = 60.0 + 60 * (n % 3), 60.0 + 60 * (n // 3)
    cells = Cells(n + 1, *places, np.full(9, 9, "f4"), np.full(9, 0.9, "f4"), np.ones(9, bool))
    slide = open_slide(path).with_scale(Scale(0.2, ScaleSource.USER, basis="given"))
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="Ada") as made:
        made.sampling.set_frame(Frame.whole_field(300, 300, 0.0), target=100)
        made.detection.record(cells, {})
        yield made


@pytest.fixture
def show(qtbot) -> Callable[[Case], Shown]:
    def make(case: Case) -> Shown:
        tabs = QTabWidget()
        qtbot.addWidget(tabs)
        return Shown(case, tabs)

    return make


@pytest.fixture
def written(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Each view that was written into the case."""
    views: list[dict] = []
    remember = case.view_memory.remember

    def hear(view: dict) -> None:
        remember(view)
        views.append(view)

    monkeypatch.setattr(case.view_memory, "remember", hear)
    return views


def _go_somewhere(shown: Shown) -> None:
    shown.worklist.order = "position"
    shown.worklist.narrow(state="waiting", code="")
    shown.selection.set((7, 3, 5), current=3)
    shown.tabs.setCurrentIndex(1)
    shown.smear_viewer.view.look((12.5, 31.25), 4.0)


def test_what_was_shown_is_shown_again_to_the_same_reviewer(case, show) -> None:
    first = show(case)
    first.view_state.restore()
    unmoved = first.state
    _go_somewhere(first)
    first.view_state.close()
    path, events = case.path, case.verify()
    case.close()
    with Case.open(path, reviewer="Ada") as again:
        second = show(again)
        second.view_state.restore()
        assert second.selection.ids == (
            3,
        )  # of several the current one: nobody knows the next day which they were
        first.selection.keep_one()
        assert second.state == first.state != unmoved
        assert again.verify() == events, "it is not an act"
    with Case.open(path, reviewer="Ben") as others:
        third = show(others)
        third.view_state.restore()
        assert third.state == unmoved


def test_a_smear_whose_cells_are_not_found_yet_opens_in_the_first_tab(tmp_path: Path, show) -> None:
    path = tmp_path / "new.png"
    Image.fromarray(np.full((300, 300, 3), 240, np.uint8)).save(path)
    with Case.create(tmp_path / "new.bmcase", open_slide(path), reviewer="Ada") as new:
        shown = show(new)
        shown.tabs.setCurrentIndex(1)  # where the smear before was left
        assert not shown.view_state.restore()
        assert shown.tabs.currentIndex() == 0
        shown.tabs.setCurrentIndex(2)  # cells may be counted by eye
        shown.view_state.close()
        again = show(new)
        assert again.view_state.restore()
        assert again.tabs.currentIndex() == 2


def test_a_case_with_cells_and_no_view_opens_in_the_tab_that_is_shown(case, show) -> None:
    shown = show(case)
    shown.tabs.setCurrentIndex(1)
    assert not shown.view_state.restore()
    assert shown.tabs.currentIndex() == 1


def test_it_is_written_once_after_the_last_of_many_steps(case, show, written, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(view_state, "_REST_MS", 0)
    shown = show(case)
    shown.view_state.restore()
    for cell in range(1, 8):
        shown.selection.set((cell,))
        shown.smear_viewer.moved.emit()
    assert not written
    qtbot.waitUntil(lambda: len(written) > 0)
    assert [view["current"] for view in written] == [7]
    assert case.view_memory.remembered == written[0]


def test_nothing_is_written_that_was_not_changed_or_is_not_open(case, show, written) -> None:
    shown = show(case)
    shown.selection.set((2,))
    shown.view_state.save()
    assert not written, "not opened yet"
    shown.view_state.restore()
    shown.view_state.save()
    shown.view_state.save()
    assert len(written) == 1
    shown.view_state.close()
    shown.selection.set((3,))
    shown.view_state.save()
    assert len(written) == 1


def test_a_case_that_is_only_read_is_left_as_it_is(case, show) -> None:
    with Case.open(case.path, read_only=True) as reading:
        shown = show(reading)
        shown.view_state.restore()
        _go_somewhere(shown)
        shown.view_state.close()
        assert reading.view_memory.remembered == {}


def test_a_full_disk_costs_the_view_and_no_more(case, show, written, monkeypatch, caplog) -> None:
    shown = show(case)
    shown.view_state.restore()
    _go_somewhere(shown)

    def fail(_view: dict) -> None:
        raise CaseError("smear.bmcase: the disk is full: make room")

    with monkeypatch.context() as full, caplog.at_level("INFO"):
        full.setattr(case.view_memory, "remember", fail)
        shown.view_state.save()
    assert "the disk is full" in caplog.text
    shown.view_state.close()
    assert [view["current"] for view in written] == [3], "it is tried again"


@pytest.mark.parametrize(("current", "ids"), [(4, (4,)), (99, ())])
def test_a_selection_of_several_that_was_kept_before_is_not_taken_up(case, show, current, ids) -> None:
    case.view_memory.remember({"cells": [2, 99, 4], "current": current})
    shown = show(case)
    shown.view_state.restore()
    assert shown.selection.ids == ids


@pytest.mark.parametrize(
    "odd",
    [
        {"current": "1", "centre": "ab", "zoom": "far", "tab": 3, "list": []},
        {"current": True, "centre": [1, 2, 3], "zoom": 0},
        {"current": [1], "centre": [1, "2"], "zoom": -1.0, "tab": "Statistics"},
        {"current": 2**70, "centre": [float("nan"), 1.0], "zoom": float("inf")},
        {"current": 1.0, "centre": [10**400, 1], "zoom": 10**400, "tab": ["Review"]},
        {"list": {"order": ["position"], "filters": {"state": [], "code": "?", "flagged": "no"}}},
        {"list": {"order": 1, "grouped": None, "filters": {"state": "odd", "code": 7}}},
        {"list": {"filters": {"code": ["BLA"], "counted": 0}}},
    ],
)
def test_what_is_not_understood_is_left_as_it_is(case, show, odd: dict, monkeypatch) -> None:
    shown = show(case)
    before = shown.state
    monkeypatch.setattr(ViewMemory, "remembered", odd)
    shown.view_state.restore()
    assert shown.state == before


def test_what_is_understood_is_taken_beside_what_is_not(case, show, monkeypatch) -> None:
    asked = {"order": "size", "filters": {"state": "waiting", "stained": True}}
    odd = {"cells": ["a"], "current": 4, "zoom": "far", "tab": "Count", "list": asked}
    monkeypatch.setattr(ViewMemory, "remembered", odd)
    shown = show(case)
    shown.view_state.restore()
    assert shown.selection.ids == (4,)
    assert shown.tabs.currentIndex() == 2
    assert (shown.worklist.order, shown.worklist.filters.state) == ("uncertain", "waiting")
    assert len(shown.worklist.ids) == 9
