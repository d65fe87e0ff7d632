"""The choice of a random sample in the Count tab, its waves, and the way back to all cells."""

from __future__ import annotations

import pytest

from napari_bonemarrow.gui.counting.differential_model import COUNT, MODEL, PERCENT
from napari_bonemarrow.gui.counting.sample_part import SampleInfo, SamplePart
from napari_bonemarrow.review.worklist.order import SAMPLE


@pytest.fixture
def desk(analysed, qtbot):
    """The panel in the Count tab, its case, and the part on samples."""
    _viewer, panel = analysed
    panel.show_count()
    return panel, panel.controller.smear.session.case, panel.count_tab.sample


def _name_wave(case) -> None:
    for cell in case.sample.next(100).tolist():
        case.set_label(cell, case.effective_code(cell))


def test_a_sample_begins_before_the_first_cell_is_named(desk, qtbot):
    panel, case, part = desk
    assert part.begin_button.isEnabled()
    case.set_label(int(case.cells.cell_id[case.cells.in_frame][0]), "BLA")
    qtbot.waitUntil(lambda: not part.begin_button.isEnabled())
    assert "1 cell reviewed already" in part.begin_button.toolTip()
    assert case.sample.refusal
    assert panel.count_tab.basis_text.text().startswith("1 of ")


def test_the_waves_without_a_goal_are_asked_for_and_all_cells_are_a_way_back(desk, qtbot):
    panel, case, part = desk
    part.begin_button.click()
    part.dialog.goal_box.setChecked(False)
    part.dialog.accept_button.click()
    assert case.sample.in_progress
    assert case.sample.goal is None
    work = panel.controller.smear.review.worklist
    assert work.order == SAMPLE
    assert panel.shows_review
    wave = case.sample.wave
    _name_wave(case)
    assert case.sample.wave == wave, "another wave is the reader's choice"
    panel.show_count()
    qtbot.waitUntil(lambda: "Estimated from a random sample" in panel.count_tab.basis_text.text())
    table = panel.count_tab.table.model()
    assert table.headerData(MODEL, panel_axis()) == "sample"
    seen = {row.code: at for at, row in enumerate(table.rows)}
    assert table.text(seen["BAS"], MODEL) == "0"
    assert table.text(seen["BAS"], PERCENT).startswith("≤ ")
    assert table.text(seen["BAS"], COUNT) == "0"
    part.all_button.click()
    part.dialog.accept_button.click()
    assert not case.sample.in_progress
    assert work.order != SAMPLE
    qtbot.waitUntil(lambda: "sample" not in panel.count_tab.basis_text.text())


def panel_axis():
    from qtpy.QtCore import Qt

    return Qt.Orientation.Horizontal


def test_the_goal_of_the_dialog(qtbot):
    part = SamplePart()
    qtbot.addWidget(part)
    part.show_info(SampleInfo("To review: all cells", cells=400, can_change=True))
    asked: list[object] = []
    part.begin_requested.connect(asked.append)
    part.ask_to_begin()
    part.dialog.of_box.setCurrentIndex(part.dialog.of_box.findData("PLM"))
    part.dialog.width_box.setValue(2.5)
    part.dialog.accept()
    assert asked == [{"of": "PLM", "width": 2.5}]
