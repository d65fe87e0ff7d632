"""The way back: scale, frame and target change until classes are seen, then the smear is started over."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.cytology.defaults import MARGIN_UM
from napari_bonemarrow.gui.shell.fresh_start_dialog import FreshStartDialog
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import Scale, ScaleSource


def _open(qtbot, controller, path: Path) -> None:
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(path)


def _type(qtbot, box, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def _kinds(case: Case) -> list[str]:
    return [event.kind for event in case.history.events()]


@pytest.fixture
def searched(open_panel, qtbot, plain_field, truth_engine, monkeypatch):
    """A field without scale whose cells were found at 0.5 µm per pixel; the model has failed."""
    viewer, panel = open_panel()
    controller = panel.controller
    _open(qtbot, controller, plain_field)
    _type(qtbot, panel.slide_tab.scale_box, "0.5")
    monkeypatch.setattr(truth_engine, "fails", "classify")
    with qtbot.waitSignal(controller.notices.failed, timeout=20_000):
        panel.slide_tab.find_button.click()
    qtbot.waitUntil(lambda: not controller.smear.cell_search.running)
    monkeypatch.setattr(truth_engine, "fails", "")
    return viewer, panel


def test_the_typed_scale_is_confirmed_though_an_estimate_came(open_panel, qtbot, plain_field, truth_engine):
    truth_engine.scales = (Scale(0.0421, ScaleSource.ESTIMATE, 0.039, 0.046, "12 red cells"),)
    _viewer, panel = open_panel()
    controller, tab = panel.controller, panel.slide_tab
    _open(qtbot, controller, plain_field)
    tab.scale_box.setFocus()
    qtbot.keyClicks(tab.scale_box, "0.0")
    qtbot.waitUntil(tab.scale_part.offer_buttons["estimate"].isEnabled, timeout=20_000)
    assert tab.scale_box.text() == "0.0"
    qtbot.keyClicks(tab.scale_box, "5")
    qtbot.keyClick(tab.scale_box, Qt.Key.Key_Return)
    scale = controller.smear.session.case.scale
    assert (scale.microns_per_pixel, scale.source) == (0.05, ScaleSource.USER)


def test_a_wrong_scale_is_given_anew_after_cells_were_found(searched, qtbot):
    viewer, panel = searched
    controller, tab = panel.controller, panel.slide_tab
    case = controller.smear.session.case
    assert len(case.cells)
    assert tab.scale_box.isEnabled()
    _type(qtbot, tab.scale_box, "0.1")
    assert case.microns_per_pixel == 0.1
    assert len(case.cells) == 0
    assert _kinds(case)[-2:] == ["search discarded", "scale confirmed"]
    assert tuple(viewer.layers["plain"].scale) == (0.1, 0.1)
    assert tab.find_button.text() == "Find cells"
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        tab.find_button.click()
    assert len(case.cells)
    assert case.sampling.classes_seen
    assert not tab.scale_box.isEnabled()
    assert not tab.region_button.isEnabled()
    assert case.verify().ok


def test_margin_and_regions_change_after_cells_were_found(searched, qtbot, smear):
    viewer, panel = searched
    controller, tab = panel.controller, panel.slide_tab
    case = controller.smear.session.case
    tab.margin_box.setValue(0.0)
    assert case.frame.margin_um == 0.0
    tab.region_button.click()
    layer = viewer.layers["counted regions"]
    layer.add_rectangles(np.array([[100, 200], [100, 600], [500, 600], [500, 200]]))
    assert case.frame.regions[0].width == 400
    layer.data = []
    layer.add_rectangles(np.array([[0, 0], [0, 300], [300, 300], [300, 0]]))
    inside = (smear.cells.x < 300) & (smear.cells.y < 300)
    assert int(case.cells.in_frame.sum()) == int(inside.sum())
    with Case.open(case.path, read_only=True) as other:
        assert other.frame == case.frame
        np.testing.assert_array_equal(other.cells.in_frame, case.cells.in_frame)


def test_a_frame_that_holds_nothing_says_so_under_its_boxes(searched):
    _viewer, panel = searched
    tab, case = panel.slide_tab, panel.controller.smear.session.case
    before = case.frame
    tab.margin_box.setValue(100.0)
    assert case.frame.margin_um == 100.0  # 900 × 700 px are 450 × 350 µm here
    _type_scale = panel.controller.smear.setup.confirm_scale
    _type_scale(0.1)  # and 90 × 70 µm now
    tab.margin_box.setValue(90.0)
    assert "nothing is left" in tab.frame_problem.text().casefold()
    assert tab.frame_problem.isVisible()
    assert before.margin_um == MARGIN_UM
    tab.margin_box.setValue(10.0)
    assert not tab.frame_problem.isVisible()
    assert case.frame.margin_um == 10.0


def test_a_running_search_is_cancelled_by_another_scale(open_panel, qtbot, field, truth_engine, monkeypatch):
    asked: list[Future] = []

    def never(_engine, _source, _frame=None) -> Future:
        asked.append(Future())
        return asked[-1]

    monkeypatch.setattr(truth_engine, "detect", never)
    _viewer, panel = open_panel()
    controller, tab = panel.controller, panel.slide_tab
    _open(qtbot, controller, field)
    tab.find_button.click()
    qtbot.waitUntil(lambda: bool(asked))
    assert tab.scale_box.isEnabled()
    _type(qtbot, tab.scale_box, "0.2")
    assert not controller.smear.cell_search.running
    assert controller.smear.session.case.microns_per_pixel == 0.2
    qtbot.waitUntil(asked[0].cancelled, timeout=20_000)
    assert not tab.progress_part.running
    assert tab.find_button.isEnabled()


def test_no_cell_found_leaves_the_way_back_open(open_panel, qtbot, field, truth_engine, monkeypatch):
    def nothing(engine, _source, _frame=None) -> Future:
        return engine._answer("detect", Cells.empty())

    monkeypatch.setattr(truth_engine, "detect", nothing)
    _viewer, panel = open_panel()
    controller, tab = panel.controller, panel.slide_tab
    _open(qtbot, controller, field)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        tab.find_button.click()
    assert "Is the scale right?" in tab.found_text.text()
    assert tab.scale_box.isEnabled()
    _type(qtbot, tab.scale_box, "0.2")
    assert tab.find_button.isVisible()
    assert tab.find_button.isEnabled()
    assert not controller.smear.session.case.detection.was_run


def test_the_target_is_raised_after_classes_were_seen_and_not_lowered(analysed, qtbot):
    _viewer, panel = analysed
    tab, case = panel.slide_tab, panel.controller.smear.session.case
    panel.tabs.setCurrentIndex(0)
    tab.target_box.setValue(800)
    assert case.target == 800
    assert "of 800" in panel.count_tab.target_text.text() or case.differential().target == 800
    tab.target_box.setValue(100)
    assert case.target == 800
    assert "raised, not lowered" in tab.frame_problem.text()
    assert tab.target_box.value() == 800
    tab.target_box.setValue(500)
    assert case.target == 500
    assert not tab.frame_problem.isVisible()


def test_a_signed_case_keeps_its_target_and_can_be_started_over(analysed, qtbot):
    _viewer, panel = analysed
    controller, tab = panel.controller, panel.slide_tab
    controller.smear.session.case.sign("Dr A", "a try")
    controller.smear.setup.show()
    panel.tabs.setCurrentIndex(0)
    assert not tab.target_box.isEnabled()
    assert tab.again_button.isVisible()
    assert tab.again_button.isEnabled()


def _start_over(qtbot, panel) -> FreshStartDialog:
    panel.tabs.setCurrentIndex(0)
    qtbot.mouseClick(panel.slide_tab.again_button, Qt.MouseButton.LeftButton)
    [dialog] = panel.findChildren(FreshStartDialog)
    return dialog


def test_a_smear_is_started_over_and_its_case_kept(analysed, qtbot, field, notices):
    viewer, panel = analysed
    controller, tab = panel.controller, panel.slide_tab
    case = controller.smear.session.case
    case.set_label(int(case.cells.cell_id[0]), "PLM")
    head = case.history.last.hash
    dialog = _start_over(qtbot, panel)
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    new = controller.smear.session.case
    assert new.path == case.path == case_path_for(field)
    assert len(new.cells) == 0
    assert not new.sampling.classes_seen
    assert new.scale.source is ScaleSource.FILE
    assert tab.scale_box.isEnabled()
    assert tab.find_button.isEnabled()
    assert [layer.name for layer in viewer.layers] == ["field", "counted frame", "cells"]
    assert "field.before-1.bmcase" in notices[-1]
    kept = field.with_name("field.before-1.bmcase")
    with Case.open(kept, read_only=True) as old:
        assert old.verify().ok
        assert old.history.last.hash == head
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        tab.find_button.click()
    _open(qtbot, controller, kept)
    assert [label.code for label in controller.smear.session.case.labels.values()] == ["PLM"]
    _open(qtbot, controller, field)
    assert controller.smear.session.case.path == field.with_suffix(".bmcase")
    assert not controller.smear.session.case.labels


def test_starting_over_can_be_thought_better_of(analysed, qtbot, field):
    _viewer, panel = analysed
    case = panel.controller.smear.session.case
    dialog = _start_over(qtbot, panel)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)  # Enter alone does nothing
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert panel.controller.smear.session.case is case
    assert not field.with_name("field.before-1.bmcase").exists()


def test_a_case_that_cannot_be_kept_aside_is_open_again_as_it_was(
    analysed, qtbot, field, notices, monkeypatch
):
    _viewer, panel = analysed
    controller = panel.controller
    number = len(controller.smear.session.case.cells)
    with Case.open(field.with_suffix(".bmcase"), read_only=True):
        controller.smear.session.case.edits.comment(None, "noted")
        with qtbot.waitSignal(controller.opened, timeout=20_000):
            controller.fresh_start.start()
        assert "open in another window" in notices[-1]
        assert len(controller.smear.session.case.cells) == number
        assert not controller.smear.session.case.read_only
        assert controller.notices.open  # it stays until it is dealt with


def test_a_case_to_look_at_only_is_not_started_over(open_panel, qtbot, analysed, field, notices):
    _viewer, panel = analysed
    controller = panel.controller
    controller.smear.session.case._core.journal.read_only = True
    controller.fresh_start.ask()
    assert "open to look at only" in notices[-1]
    assert not panel.findChildren(FreshStartDialog)
    controller.smear.session.case._core.journal.read_only = False
