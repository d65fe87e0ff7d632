"""Opening: fields, cases, spoilt files, unknown scales, cases that somebody else has."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QFileDialog

from napari_bonemarrow.review import Case, CaseError, case_path_for
from napari_bonemarrow.slides import Scale, ScaleSource, open_slide


def _open(qtbot, controller, path: Path) -> None:
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(path)


def test_an_unknown_scale_is_asked_for_with_an_estimate(open_panel, qtbot, plain_field, truth_engine):
    estimate = Scale(0.081, ScaleSource.ESTIMATE, 0.076, 0.086, "12 red cells")
    truth_engine.scales = (estimate,)
    viewer, panel = open_panel()
    controller, tab = panel.controller, panel.slide_tab
    _open(qtbot, controller, plain_field)
    offer = tab.scale_part.offer_buttons["estimate"]
    qtbot.waitUntil(offer.isEnabled, timeout=20_000)
    assert "0.081 (0.076 to 0.086)" in offer.text()
    assert tab.scale_box.text() == ""
    assert not tab.find_button.isEnabled()
    assert tuple(viewer.layers["plain"].scale) == (1.0, 1.0)
    offer.click()
    tab.confirm_button.click()
    assert controller.smear.session.case.scale == estimate
    assert tuple(viewer.layers["plain"].scale) == pytest.approx((0.081, 0.081))
    assert tuple(controller.smear_viewer.rings.layer.scale) == pytest.approx((0.081, 0.081))
    assert tab.find_button.isEnabled()


def test_a_corrected_estimate_is_the_reviewers_and_an_absurd_one_is_refused(
    open_panel, qtbot, plain_field, notices
):
    _viewer, panel = open_panel()
    controller = panel.controller
    _open(qtbot, controller, plain_field)
    controller.smear.setup.confirm_scale(4000.0)
    assert "not possible" in notices[-1]
    assert controller.smear.session.case.scale is None
    controller.smear.setup.confirm_scale(0.08)
    assert controller.smear.session.case.scale.source is ScaleSource.USER


def test_the_window_can_be_closed_while_the_scale_is_estimated(
    open_panel, qtbot, plain_field, truth_engine, monkeypatch, recwarn
):
    asked: list[Future] = []

    def answer(_engine, _name: str, _source: object, _items: list) -> list[Future]:
        asked.append(Future())
        return asked[-1:]

    monkeypatch.setattr(truth_engine, "map_tiles", answer)
    viewer, panel = open_panel(show=False)
    _open(qtbot, panel.controller, plain_field)
    assert len(asked) == 1
    with qtbot.captureExceptions() as raised:
        viewer.close()
        qtbot.waitUntil(lambda: not isalive(panel))
    with qtbot.captureExceptions() as later:
        if asked[0].set_running_or_notify_cancel():
            asked[0].set_result(())
        assert QThreadPool.globalInstance().waitForDone(20_000)
    assert raised + later == []
    assert not [warned for warned in recwarn.list if issubclass(warned.category, RuntimeWarning)]


def test_opening_another_smear_gives_up_the_estimate_of_the_one_before(
    open_panel, qtbot, plain_field, field, truth_engine, monkeypatch
):
    asked: list[Future] = []

    def answer(_engine, _name: str, source: Path, _items: list) -> list[Future]:
        assert source == plain_field
        asked.append(Future())
        return asked[-1:]

    monkeypatch.setattr(truth_engine, "map_tiles", answer)
    _viewer, panel = open_panel(show=False)
    _open(qtbot, panel.controller, plain_field)
    assert not asked[0].cancelled()
    _open(qtbot, panel.controller, field)
    assert asked[0].cancelled()


def _spoilt(folder: Path) -> list[Path]:
    """Return what cannot be opened, each in its own way."""
    (folder / "spoilt-folder.png").mkdir()
    (folder / "spoilt-empty.png").write_bytes(b"")
    (folder / "spoilt-text.png").write_bytes(b"this is no image")
    (folder / "spoilt.bmcase").write_bytes(b"this is not a case")
    names = (
        "spoilt-missing.png",
        "spoilt-folder.png",
        "spoilt-empty.png",
        "spoilt-text.png",
        "spoilt.bmcase",
    )
    return [folder / name for name in names]


def test_what_cannot_be_opened_is_one_notice_and_leaves_what_was_open(
    open_panel, qtbot, field, tmp_path, notices
):
    _viewer, panel = open_panel(show=False)
    controller = panel.controller
    _open(qtbot, controller, field)
    for path in _spoilt(tmp_path):
        told = len(notices)
        with qtbot.waitSignal(controller.notices.failed, timeout=20_000):
            controller.open_path(path)
        assert len(notices) == told + 1
        assert "spoilt" in notices[-1]
        assert "\n" not in notices[-1]
        assert controller.smear.session.slide.path == field


def test_a_case_somebody_else_has_is_open_to_look_at_only(open_panel, qtbot, field, notices, monkeypatch):
    Case.create(case_path_for(field), open_slide(field), reviewer="anna").close()
    text = "field.bmcase is being reviewed by anna on lab-2 (process 7, since today)"

    def refuse(path, *, reviewer="", read_only=False, take_over=False):
        if not read_only:
            raise CaseError(text)
        return opened(path, reviewer=reviewer, read_only=True)

    opened = Case.open
    monkeypatch.setattr(Case, "open", refuse)
    _viewer, panel = open_panel()
    _open(qtbot, panel.controller, field)
    assert panel.controller.smear.session.case.read_only
    assert notices[-1] == f"{text}. It is open to look at only."
    assert panel.header.saved_label.text() == "read only"
    assert not panel.slide_tab.find_button.isEnabled()


def test_a_case_whose_smear_moved_asks_where_it_is(open_panel, qtbot, field, tmp_path, monkeypatch):
    path = case_path_for(field)
    Case.create(path, open_slide(field), reviewer="anna").close()
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.move(field, tmp_path / "elsewhere" / "renamed.png"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(moved), ""))
    _viewer, panel = open_panel()
    _open(qtbot, panel.controller, path)
    assert panel.controller.smear.session.slide.path == moved
    assert panel.controller.smear.session.case.path == path


def test_a_smear_that_napari_opened_is_taken_up(open_panel, qtbot, field):
    viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        viewer.open(str(field), plugin="napari-bonemarrow")
    assert [layer.name for layer in viewer.layers] == ["field", "counted frame", "cells"]
    assert panel.pages.currentWidget() is panel.tabs


def test_of_several_smears_the_chosen_one_is_under_review(open_panel, qtbot, field, tmp_path):
    other = Path(shutil.copy(field, tmp_path / "other.png"))
    viewer, panel = open_panel()
    controller = panel.controller
    controller.open_paths([field, other])
    qtbot.waitUntil(
        lambda: len(controller.smear_viewer.smears()) == 2 and controller.smear.session.slide.path == field,
        timeout=20_000,
    )
    assert viewer.layers["field"].visible
    assert not viewer.layers["other"].visible
    qtbot.waitUntil(lambda: not panel.welcome.waiting.text())
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        viewer.layers.selection.active = viewer.layers["other"]
    assert controller.smear.session.slide.path == other
    assert viewer.layers["other"].visible
    Case.open(case_path_for(field)).close()  # the first is closed


def test_smears_with_and_without_scale_side_by_side_are_shown_one_at_a_time(
    open_panel, qtbot, field, plain_field, notices
):
    viewer, panel = open_panel()
    controller = panel.controller
    with qtbot.waitSignal(controller.queue.all_opened, timeout=20_000):
        controller.open_paths([field, plain_field])
    assert controller.smear.session.slide.path == field
    scale = controller.smear.session.slide.microns_per_pixel
    np.testing.assert_allclose(viewer.layers.extent.world[1], np.array([700, 900]) * scale, atol=15)
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        viewer.layers.selection.active = viewer.layers["plain"]
    assert tuple(viewer.layers["plain"].scale) == (1.0, 1.0)
    assert not [text for text in notices if "units" in text]


def test_only_a_drawn_region_is_counted(open_panel, qtbot, field, smear):
    viewer, panel = open_panel()
    controller = panel.controller
    _open(qtbot, controller, field)
    panel.slide_tab.region_button.click()
    layer = viewer.layers["counted regions"]
    layer.add_rectangles(np.array([[100, 200], [100, 600], [500, 600], [500, 200]]))
    assert panel.slide_tab.frame_text.text().startswith("The drawn region")
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    case = controller.smear.session.case
    inside = (smear.cells.x >= 200) & (smear.cells.x < 600) & (smear.cells.y >= 100) & (smear.cells.y < 500)
    np.testing.assert_array_equal(case.cells.in_frame, inside)
    assert not panel.slide_tab.region_button.isEnabled()


def test_an_engine_that_fails_is_one_notice_and_can_be_asked_again(
    open_panel, qtbot, field, truth_engine, notices, monkeypatch
):
    _viewer, panel = open_panel()
    controller = panel.controller
    _open(qtbot, controller, field)
    monkeypatch.setattr(truth_engine, "fails", "classify")
    with qtbot.waitSignal(controller.notices.failed, timeout=20_000):
        controller.smear.setup.find_cells()
    qtbot.waitUntil(lambda: not controller.smear.cell_search.running)
    assert notices[-1] == "engine: it could not classify: close other programs"
    assert len(controller.smear.session.case.cells)  # what was found is kept
    assert panel.slide_tab.find_button.isEnabled()
    assert panel.slide_tab.find_button.text() == "Classify the cells that wait"
    monkeypatch.setattr(truth_engine, "fails", "")
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        panel.slide_tab.find_button.click()


def test_an_export_that_cannot_be_written_is_one_notice(analysed, tmp_path, notices):
    from napari_bonemarrow.gui.shell.export_dialog import first_options, write_export

    _viewer, panel = analysed
    session = panel.controller.smear.session
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert not write_export(session, first_options("csv"), blocked / "cells.csv", panel.controller.notices)
    assert "\n" not in notices[-1]
    assert write_export(session, first_options("json"), tmp_path / "count.json", panel.controller.notices)
    assert (tmp_path / "count.json").stat().st_size > 100


def test_another_reviewers_name_is_written_beside_what_follows(analysed):
    _viewer, panel = analysed
    panel.controller.smear.review.navigation.next()
    panel.header.reviewer_button.click()
    panel.name_part.edit.setText("Berta")
    panel.name_part.ok_button.click()
    panel.controller.smear.review.corrections.label("BLA")
    assert panel.controller.smear.session.case.history.events()[-1].reviewer == "Berta"
    assert panel.header.reviewer_button.text() == "Berta"


def test_the_themes_are_followed(open_panel):
    viewer, panel = open_panel(show=False)
    dark = panel.styleSheet()
    viewer.theme = "light"
    assert panel.styleSheet() != dark
