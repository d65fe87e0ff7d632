"""The panel's work in a real viewer, against an engine that knows the drawn truth."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.review import Case, CaseError, EventKind


def canvas(panel):
    """Return the widget of napari's canvas, to which real key and mouse events go."""
    return panel.window()._qt_viewer.canvas.native


def press(qtbot, panel, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(canvas(panel), key, modifier)


def test_a_field_is_opened_found_classified_and_counted(analysed, smear):
    viewer, panel = analysed
    controller = panel.controller
    layer = controller.smear_viewer.rings.layer
    assert len(layer.data) == len(smear.cells)
    assert list(layer.features["class"]) == controller.smear.session.case.effective_codes()
    assert layer.editable is False
    assert [each.name for each in viewer.layers] == ["field", "counted frame", "cells"]
    assert tuple(viewer.layers["field"].scale) == pytest.approx((smear.microns_per_pixel,) * 2)
    panel.tabs.setCurrentWidget(panel.count_tab)
    counted = controller.smear.session.case.differential().counted
    assert panel.count_tab.headline.text().startswith(f"{counted} of 500")


def newest_on_disk(path) -> dict:
    """Return the newest line of a journal as another program reads it."""
    with closing(sqlite3.connect(path)) as file:
        return json.loads(file.execute("SELECT body FROM events ORDER BY seq DESC LIMIT 1").fetchone()[0])


def test_keys_correct_the_selected_cell_and_the_disk_knows_before_the_screen(analysed, qtbot, monkeypatch):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    review.navigation.set_goes_on(False)  # several keys for one cell
    press(qtbot, panel, Qt.Key.Key_Space)
    cell = review.selection.current
    assert cell is not None
    layer, shown = panel.controller.smear_viewer.rings.layer, []
    draw = layer.redraw

    def redraw(rows=None) -> None:
        shown.append(newest_on_disk(case.path))
        draw(rows)

    monkeypatch.setattr(layer, "redraw", redraw)
    press(qtbot, panel, Qt.Key.Key_Y)
    assert case.labels[cell].code == "MYB"
    assert case.history.events()[-1].kind == EventKind.LABEL_SET
    assert shown[0]["kind"] == "label set"  # on the disk before it is on the screen
    assert shown[0]["cells"] == [cell]
    row = panel.controller.smear_viewer.rings.index_of(cell)
    assert layer.features["class"][row] == "MYB"  # when the key has returned
    assert layer.features["reviewed"][row]
    press(qtbot, panel, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert cell not in case.labels
    press(qtbot, panel, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert case.labels[cell].code == "MYB"
    press(qtbot, panel, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert case.labels[cell].code == "PRM"
    press(qtbot, panel, Qt.Key.Key_D, Qt.KeyboardModifier.AltModifier)
    assert case.tags[cell] == {"dysplastic"}
    press(qtbot, panel, Qt.Key.Key_Delete)
    assert not case.has_cell(cell)
    qtbot.waitUntil(lambda: len(panel.controller.smear_viewer.rings.layer.data) == len(case.cells))


def test_digits_give_the_ranked_guesses_and_enter_accepts(analysed, qtbot):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    press(qtbot, panel, Qt.Key.Key_Space)
    first = review.selection.current
    guess = panel.review_tab.bars._guesses[1].code
    press(qtbot, panel, Qt.Key.Key_2)
    assert case.labels[first].code == guess
    press(qtbot, panel, Qt.Key.Key_Space)
    second, code = review.selection.current, case.effective_code(review.selection.current)
    assert second != first
    press(qtbot, panel, Qt.Key.Key_Return)
    assert case.labels[second].code == code
    assert review.selection.current not in {first, second}
    press(qtbot, panel, Qt.Key.Key_Backspace)
    assert review.selection.current == second
    assert len(case.cells) == len(panel.controller.smear_viewer.rings.layer.data)


def test_space_goes_through_the_unreviewed_least_certain_first(analysed, qtbot):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    order = []
    press(qtbot, panel, Qt.Key.Key_Space)
    for _cell in range(int(case.cells.in_frame.sum())):
        order.append(review.selection.current)
        press(qtbot, panel, Qt.Key.Key_1)  # one key a cell: it goes on by itself
    certain = dict(zip(case.predictions.cell_id, case.predictions.probabilities.max(axis=1), strict=True))
    assert len(set(order)) == len(order)
    assert [certain[cell] for cell in order] == sorted(certain[cell] for cell in order)
    press(qtbot, panel, Qt.Key.Key_Space)
    assert "Every counted cell" in panel.review_tab.standing.text()


def test_leaving_the_review_tab_gives_napari_its_keys_back(analysed, qtbot):
    _viewer, panel = analysed
    assert panel.controller.keys.on
    panel.tabs.setCurrentIndex(0)
    assert not panel.controller.keys.on
    before = dict(panel.controller.smear.session.case.labels)
    panel.controller.smear.review.navigation.next()
    press(qtbot, panel, Qt.Key.Key_B)
    assert dict(panel.controller.smear.session.case.labels) == before


def test_in_the_count_tab_the_keys_of_the_count_work_and_no_class_key(analysed, qtbot):
    _viewer, panel = analysed
    case = panel.controller.smear.session.case
    panel.controller.smear.review.navigation.next()
    panel.show_count()
    QApplication.clipboard().clear()
    press(qtbot, panel, Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: QApplication.clipboard().text().startswith("code\t"))
    press(qtbot, panel, Qt.Key.Key_B)
    assert not case.labels
    panel.show_review()
    press(qtbot, panel, Qt.Key.Key_B)
    assert len(case.labels) == 1


def test_a_case_that_opens_in_the_count_tab_hears_its_keys_at_once(analysed, plain_field, qtbot):
    _viewer, panel = analysed
    controller, path = panel.controller, panel.controller.smear.session.slide.path
    panel.show_count()
    for each in (plain_field, path):
        panel.window()._qt_viewer.layers.setFocus()
        with qtbot.waitSignal(controller.opened, timeout=20_000):
            controller.open_path(each)
    assert panel.shows_count
    assert panel.window().focusWidget() is panel.window().centralWidget()


def test_a_key_of_the_users_own_waits_while_one_reviews(analysed, qtbot):
    viewer, panel = analysed
    heard: list[str] = []
    viewer.bind_key("B", lambda _viewer: heard.append("mine"))
    panel.show_review()
    press(qtbot, panel, Qt.Key.Key_B)
    assert heard == []
    panel.tabs.setCurrentWidget(panel.count_tab)
    press(qtbot, panel, Qt.Key.Key_B)
    assert heard == ["mine"]


def test_keys_work_with_the_focus_in_the_panel_but_not_in_the_comment(analysed, qtbot):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    review.navigation.next()
    panel.window().activateWindow()
    panel.review_tab.next_button.setFocus()
    qtbot.waitUntil(panel.review_tab.next_button.hasFocus)
    review.navigation.set_goes_on(False)
    qtbot.keyClick(panel.review_tab.next_button, Qt.Key.Key_B)
    assert case.labels[review.selection.current].code == "BLA"
    box = panel.review_tab.comment_box
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    qtbot.keyClicks(box, "Auer rods? 1")
    assert case.labels[review.selection.current].code == "BLA"
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert case.edits.comments[-1].text == "Auer rods? 1"
    assert case.edits.comments[-1].cell_id == review.selection.current


def test_what_cannot_be_written_is_not_shown(analysed, qtbot, monkeypatch, notices):
    _viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    cell, case = controller.smear.review.selection.current, controller.smear.session.case
    before = list(controller.smear_viewer.rings.layer.features["class"])
    title = panel.review_tab.title.text()

    def full(*_ignored, **_options):
        raise CaseError("field.bmcase: the disk is full: free some space and do it again")

    monkeypatch.setattr(case._core, "act", full)
    press(qtbot, panel, Qt.Key.Key_K)
    assert notices[-1] == "field.bmcase: the disk is full: free some space and do it again"
    assert list(controller.smear_viewer.rings.layer.features["class"]) == before
    assert panel.review_tab.title.text() == title
    assert cell not in case.labels


def test_edits_behind_the_journals_back_are_taken_back(analysed, notices):
    _viewer, panel = analysed
    rings, case = panel.controller.smear_viewer.rings, panel.controller.smear.session.case
    layer, events = rings.layer, len(case.history.events())
    data = layer.data.copy()
    layer.data = data[:-1]
    np.testing.assert_array_equal(layer.data, data)
    layer.data = data + 5
    np.testing.assert_array_equal(layer.data, data)
    layer.add([10, 10])
    np.testing.assert_array_equal(layer.data, data)
    changed = layer.features.copy()
    changed["class"] = "BLA"
    layer.features = changed
    assert list(layer.features["class"]) == case.effective_codes()
    layer.selected_data = {0}
    layer.remove_selected()
    np.testing.assert_array_equal(layer.data, data)
    layer.editable = True
    assert layer.editable is False
    assert len(case.history.events()) == events
    assert notices.count("The rings show what the case says: correct cells in the Review tab.") == 5


def test_the_heatmap_lies_on_its_cell_and_goes_when_it_is_off(analysed, qtbot):
    viewer, panel = analysed
    controller = panel.controller
    controller.smear.review.navigation.next()
    with qtbot.waitSignal(controller.smear.heatmap.shown, timeout=10_000):
        press(qtbot, panel, Qt.Key.Key_E)
    heat, code = controller.smear_viewer.heat.layer, panel.review_tab.bars._guesses[0].code
    assert heat.name == f"why? {code} (Grad-CAM)"
    x, y = controller.smear.review.shown_cell.place(controller.smear.review.selection.current)
    scale = controller.smear.session.slide.microns_per_pixel
    np.testing.assert_allclose(heat.data_to_world((124.5, 124.5)), (y * scale, x * scale))
    assert viewer.layers.selection.active == controller.smear_viewer.rings.layer
    assert [layer.name for layer in viewer.layers][-1] == "cells"
    with qtbot.waitSignal(controller.smear.heatmap.shown, timeout=10_000):
        press(qtbot, panel, Qt.Key.Key_E)
    assert heat.name.endswith("(SmoothGrad)")
    assert heat.visible
    press(qtbot, panel, Qt.Key.Key_E)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["field", "counted frame", "cells"]


def test_an_added_cell_gets_its_class_from_the_model(analysed, qtbot):
    _viewer, panel = analysed
    controller = panel.controller
    case, count = controller.smear.session.case, len(controller.smear.session.case.cells)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=10_000):
        controller.smear.review.corrections.add((450.0, 350.0))
    assert len(case.cells) == count + 1
    assert case.effective_code(controller.smear.review.selection.current)
    controller.smear.review.corrections.undo()
    qtbot.waitUntil(lambda: len(controller.smear_viewer.rings.layer.data) == count)


def test_taking_the_smear_out_of_the_layer_list_closes_its_case(analysed, qtbot, field):
    viewer, panel = analysed
    panel.controller.smear.review.navigation.next()
    panel.controller.smear.review.corrections.label("BLA")
    viewer.layers.remove("field")
    qtbot.waitUntil(lambda: panel.controller.smear is None)
    assert panel.pages.currentWidget() is panel.welcome
    assert list(viewer.layers) == []
    with Case.open(field.with_suffix(".bmcase")) as case:
        assert [label.code for label in case.labels.values()] == ["BLA"]


def test_the_docks_cross_ends_engine_and_case_and_leaves_the_smear(analysed, qtbot, field):
    viewer, panel = analysed
    engine = panel.controller.engine
    viewer.window.remove_dock_widget(panel)
    assert engine.closed
    assert [layer.name for layer in viewer.layers] == ["field"]
    assert viewer.keymap == {}
    assert not [each for each in viewer.mouse_drag_callbacks if "Pointer" in each.__qualname__]
    Case.open(field.with_suffix(".bmcase")).close()  # nobody holds it any more
    qtbot.waitUntil(lambda: not isalive(panel))
    _dock, again = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
    qtbot.waitUntil(lambda: again.controller.smear is not None, timeout=10_000)
    assert len(again.controller.smear.session.case.cells) > 0
