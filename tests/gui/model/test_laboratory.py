"""A laboratory head: remembered after a signature, chosen in the Model tab, given to the next smear."""

from __future__ import annotations

import shutil

import pytest

from napari_bonemarrow.gui.core import laboratory_files as files
from napari_bonemarrow.gui.core.laboratory_files import HeadInfo
from napari_bonemarrow.gui.model.laboratory_part import LaboratoryPart


@pytest.fixture
def signed(analysed, qtbot):
    """The panel with a smear of which every cell is named and which is signed."""
    _viewer, panel = analysed
    smear = panel.controller.smear
    case, learning = smear.session.case, smear.review.learning
    qtbot.waitUntil(lambda: case.model.features is not None, timeout=20_000)
    for cell, code in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True):
        case.set_label(cell, code)
    qtbot.waitUntil(lambda: not learning.busy, timeout=20_000)
    panel.show_count()
    assert not panel.count_tab.sign.remember_button.isVisible()
    case.sign("Ada")
    return panel


def _remember(panel, qtbot, name: str) -> None:
    service = panel.controller.laboratory
    panel.count_tab.sign.remember_button.click()
    qtbot.waitUntil(lambda: service.dialog is not None)
    service.dialog.name_box.setCurrentText(name)
    with qtbot.waitSignal(service.remembered, timeout=20_000):
        service.dialog.accept_button.click()


def test_the_next_smear_begins_with_what_a_signed_one_taught(signed, qtbot, field, notices):
    panel, controller = signed, signed.controller
    _remember(panel, qtbot, "our lab")
    assert [head.name for head in files.heads()] == ["our lab"]
    assert files.default_head() == "our lab"
    other = field.parent / "second" / "other.png"
    other.parent.mkdir()
    shutil.copy(field, other)
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(other)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    case = controller.smear.session.case
    qtbot.waitUntil(lambda: case.learning.laboratory_name == "our lab", timeout=20_000)
    assert any("begins with what our lab taught" in text for text in notices)
    with qtbot.waitSignal(controller.laboratory.shown, timeout=20_000):
        panel.tabs.setCurrentWidget(panel.model_tab)
    part = panel.model_tab.laboratory
    qtbot.waitUntil(lambda: "our lab" in part.serving_text.text())
    assert part.box.currentData() == "our lab"
    part.box.setCurrentIndex(0)
    part.box.activated.emit(0)
    qtbot.waitUntil(lambda: case.learning.laboratory_name == "", timeout=20_000)
    assert files.default_head() == ""
    qtbot.waitUntil(lambda: not controller.smear.review.learning.busy, timeout=20_000)


def test_a_bad_name_is_one_notice_and_writes_nothing(signed, qtbot, notices):
    panel = signed
    service = panel.controller.laboratory
    with qtbot.waitSignal(panel.controller.notices.failed, timeout=20_000):
        service.remember(panel.controller.smear.session.case.path, "../x")
    assert "is no name for a head" in notices[-1]
    assert not files.heads()


def test_the_card_says_what_a_head_knows_and_why_one_cannot_be_used(qtbot):
    part = LaboratoryPart()
    qtbot.addWidget(part)
    assert "After a smear is signed" in part.card_text.text()
    head = HeadInfo("our lab", "starter", "a" * 64, 1, {"PLM": 9, "BLA": 4}, None, "MGG")
    part.show_heads((head, HeadInfo("old", problem="old: it is damaged")), "our lab")
    assert part.box.count() == 3
    assert part.card_text.text().startswith("From 1 signed case, on starter: MGG")
    assert part.taught_text.text() == "Cells that taught it: BLA 4 · PLM 9"
    part.show_heads((HeadInfo("old", problem="old: it is damaged"),), "old")
    assert part.problem_text.text() == "old: it is damaged"
