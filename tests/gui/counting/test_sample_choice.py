"""The choice of a random sample in the Count tab."""

from __future__ import annotations

import pytest

from napari_bonemarrow.gui.counting.sample_part import SampleInfo, SamplePart


@pytest.fixture
def desk(analysed, qtbot):
    """The panel in the Count tab, its case, and the part on samples."""
    _viewer, panel = analysed
    panel.show_count()
    return panel, panel.controller.smear.session.case, panel.count_tab.sample


def test_a_sample_begins_before_the_first_cell_is_named(desk, qtbot):
    panel, case, part = desk
    assert part.begin_button.isEnabled()
    case.set_label(int(case.cells.cell_id[case.cells.in_frame][0]), "BLA")
    qtbot.waitUntil(lambda: not part.begin_button.isEnabled())
    assert "1 cell reviewed already" in part.begin_button.toolTip()
    assert case.sample.refusal
    assert panel.count_tab.basis_text.text().startswith("1 of ")


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
