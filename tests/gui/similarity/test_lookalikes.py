"""Look-alikes in the inspector: only reviewed cells, the most alike first, a click selects one."""

from __future__ import annotations

import pytest


@pytest.fixture
def reviewed(analysed, qtbot):
    """The drawn field with its features found, and the controller that shows it."""
    _viewer, panel = analysed
    controller = panel.controller
    qtbot.waitUntil(lambda: controller.smear.session.case.model.features is not None)
    return panel, controller


def test_only_reviewed_cells_are_shown_and_those_of_the_class_come_first(reviewed, qtbot) -> None:
    panel, controller = reviewed
    case, row = controller.smear.session.case, panel.review_tab.lookalikes
    codes = dict(zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True))
    segmented = [cell for cell, code in codes.items() if code == "NGS"]
    others = [cell for cell, code in codes.items() if code == "EBO"]
    controller.smear.review.navigation.select(segmented[0], go=False)
    qtbot.waitUntil(lambda: "No other cell is reviewed" in row.text.text())
    case.set_label(others, "EBO")
    case.set_label(segmented[1:], "NGS")
    qtbot.waitUntil(lambda: set(row.cell_ids) == {*others, *segmented[1:]})
    assert set(row.cell_ids[: len(segmented) - 1]) == set(segmented[1:])
    distances = [made.shown.distance for made in row.buttons if made.shown is not None]
    assert distances == sorted(distances)
    assert {made.shown.code for made in row.buttons if made.shown is not None} == {"NGS", "EBO"}
    assert "distance" in row.buttons[0].toolTip()


def test_a_click_selects_the_look_alike_and_crops_arrive(reviewed, qtbot) -> None:
    panel, controller = reviewed
    case, row = controller.smear.session.case, panel.review_tab.lookalikes
    first, second = case.cells.cell_id[:2].tolist()
    case.set_label([second], "LYT")
    controller.smear.review.navigation.select(first, go=False)
    qtbot.waitUntil(lambda: row.cell_ids == (second,))
    qtbot.waitUntil(lambda: row.buttons[0]._image is not None)
    row.buttons[0].click()
    assert controller.smear.review.selection.current == second
    controller.smear.similarity.lookalike_finder.go_to_most_alike()
    assert controller.smear.review.selection.current == second, "no other cell is reviewed"


def test_crops_are_cut_at_the_scale_that_was_confirmed_after_opening(reviewed, qtbot) -> None:
    from dataclasses import replace

    panel, controller = reviewed
    session, row = controller.smear.session, panel.review_tab.lookalikes
    first, second = session.case.cells.cell_id[:2].tolist()
    known, session.slide = session.slide, replace(session.slide, scale=None)
    controller.smear.similarity.lookalike_finder._crops.follow(session.slide)
    session.case.set_label([second], "LYT")
    session.slide = known
    controller.smear.review.navigation.select(first, go=False)
    qtbot.waitUntil(lambda: row.buttons[0]._image is not None)


def test_features_of_a_signed_or_read_only_case_are_held_beside_it(reviewed, qtbot) -> None:
    _panel, controller = reviewed
    cell_features, case = controller.smear.similarity.cell_features, controller.smear.session.case
    known = case.model.features
    cell_features._hold(known.select([0]))
    assert len(cell_features.features) >= len(known)
    assert cell_features.missing == 0
