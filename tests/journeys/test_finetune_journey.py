"""Corrections made by keys, a model taught from them in the window, stopped, resumed and compared."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.drawing import DrawnSmear, draw_smear, write_sample
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.models import Bundle

from .reviewer import LOADING, Reviewer

TEACHING = 400_000  # a machine with other work is not a failure
EPOCHS = 2
CELLS = {"BLA": 6, "EOS": 6, "LYT": 6, "NGS": 6}


def _correct(reviewer: Reviewer, smear: DrawnSmear) -> int:
    """Give each found cell, by its key, the class that was drawn there; return how many."""
    case, truth = reviewer.case, smear.cells
    for cell in case.cells.cell_id.tolist():
        place = reviewer.controller.smear.review.shown_cell.place(cell)
        nearest = int(np.hypot(truth.x - place[0], truth.y - place[1]).argmin())
        reviewer.controller.smear.review.navigation.select(cell, go=False)
        reviewer.press(getattr(Qt.Key, f"Key_{key_of('label', smear.codes[nearest])}"))
        assert case.labels[cell].code == smear.codes[nearest]
    return len(case.cells)


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_model_is_taught_from_corrections_in_the_window(
    come_in: Callable[[], Reviewer], qtbot, tmp_path: Path
):
    smear = draw_smear(9, width=1400, height=1000, cells_per_class=CELLS)
    path = write_sample(tmp_path / "smear.png", smear)
    reviewer = come_in()
    reviewer.open(path, None)
    reviewer.find()
    count = _correct(reviewer, smear)
    assert count >= 20
    panel, tab = reviewer.panel, reviewer.panel.finetune_tab
    finetuning = reviewer.controller.finetune
    with qtbot.waitSignal(finetuning.looked, timeout=LOADING):
        panel.tabs.setCurrentWidget(tab)
    assert tab.reviewed_text.text() == f"{count} reviewed cells in 1 case"
    tab.epochs_box.setValue(EPOCHS)
    reviewer.click_button(tab.start_button)
    qtbot.waitUntil(lambda: tab._run is not None and tab._run.epochs >= 1, timeout=TEACHING)
    with qtbot.waitSignal(finetuning.ended, timeout=LOADING) as ended:
        reviewer.click_button(tab.cancel_button)
    folder = tab._run.folder
    assert ended.args == ["stopped"]
    assert len(tab.curve.loss) == 1
    assert not (folder / "bundle").exists()

    panel.show_review()  # it goes on while one reviews
    with qtbot.waitSignal(finetuning.ended, timeout=TEACHING) as ended:
        tab.resume_button.click()
        reviewer.press(Qt.Key.Key_Space)
    assert len(tab.curve.loss) == EPOCHS
    with (folder / "history.csv").open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == list(tab.curve.loss)
    assert tab.table.item(0, 0).text() == "Reviewed cells"
    assert tab.table.rowCount() >= 3
    assert ended.args[0] in ("better", "refused")
    assert (folder / ("bundle" if ended.args == ["better"] else "rejected")).is_dir()
    if ended.args == ["refused"]:
        assert "is worse" in tab.outcome.text()
        return
    with qtbot.waitSignal(reviewer.controller.smear.setup.analysed, timeout=LOADING):
        tab.use_button.click()
    bundle = Bundle.open(tab._run.wish.name)
    assert reviewer.case.predictions.model == bundle.reference
    assert len(reviewer.case.labels) == count
