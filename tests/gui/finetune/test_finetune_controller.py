"""The Fine-tune tab in a real viewer; a small script stands in for the command that teaches."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QLineEdit, QProgressBar, QScrollArea

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.finetune import run_store as runs
from napari_bonemarrow.gui.finetune.finetune_controller import reviewed_info
from napari_bonemarrow.gui.finetune.finetune_tab import FinetuneTab, standing_text
from napari_bonemarrow.gui.finetune.held_out_table import HeldOutTable
from napari_bonemarrow.gui.finetune.learning_curve import LearningCurve
from napari_bonemarrow.gui.finetune.reviewed_cells import ReviewedInfo, ReviewedRow
from napari_bonemarrow.gui.finetune.run_status import (
    HeldOut,
    RunError,
    RunInfo,
    Wish,
    is_running,
    log_file,
    read_run,
)
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors
from napari_bonemarrow.gui.window.panel import WIDTH
from napari_bonemarrow.training.data.case_crops import read_cases

TEACH = """
import json, pathlib, sys, time
out = pathlib.Path(sys.argv[1])
(out / "checkpoints").mkdir(exist_ok=True)
done = (out / "history.csv").read_text().count("\\n") - 1 if (out / "history.csv").exists() else 0
rows = [f"{at},{1 / (at + 1)},{0.5 + at / 10},0.2" for at in range(done + 1)]
(out / "history.csv").write_text("epoch,loss,score,seconds\\n" + "\\n".join(rows) + "\\n")
(out / "checkpoints" / "last.pt").write_bytes(b"checkpoint")
if len(rows) < 2:
    time.sleep(600)
figures = {"n": 10, "balanced_accuracy": RATE, "balanced_accuracy_ci95": [0.3, 0.9],
           "per_class": {"BLA": {"n": 10, "recall": RATE}}, "recall_ci95": {"BLA": [0.2, 0.95]}}
better = {**figures, "balanced_accuracy": 0.8}
document = {"accepted": GOOD, "reason": "" if GOOD else "it is worse on the held-out part",
            "before": {"reviewed cells": figures}, "sources": {"reviewed cells": better}, "skipped": []}
(out / "metrics.json").write_text(json.dumps(document))
if not GOOD:
    print("error: it is worse on the held-out part")
    sys.exit(1)
"""


@pytest.fixture
def teaching(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Have runs teach by a script that stops in its first epoch and is done with its second."""

    def teach(good: bool) -> None:
        script = TEACH.replace("RATE", "0.6").replace("GOOD", str(good))
        monkeypatch.setattr(runs, "command", lambda folder, wish: [sys.executable, "-c", script, str(folder)])

    return teach


@pytest.fixture
def tab(analysed):
    """The Fine-tune tab of a case with every cell reviewed."""
    _viewer, panel = analysed
    case = panel.controller.smear.session.case
    for code in ("BLA", "NGS"):
        case.set_label([cell for cell in case.cells.cell_id.tolist() if (cell % 2) == (code == "BLA")], code)
    return panel.finetune_tab


def look(panel, qtbot) -> None:
    panel.tabs.setCurrentWidget(panel.slide_tab)  # a case is reopened in the tab where one stopped
    with qtbot.waitSignal(panel.controller.finetune.looked, timeout=20_000):
        panel.tabs.setCurrentWidget(panel.finetune_tab)


def enough(panel) -> None:
    """Let the few cells of the drawn field do."""
    info = panel.finetune_tab._reviewed
    panel.finetune_tab.show_reviewed(ReviewedInfo(info.rows, info.text, True))


def test_what_was_reviewed_is_counted_and_too_little_is_told(analysed, tab, qtbot):
    _viewer, panel = analysed
    look(panel, qtbot)
    cells = len(panel.controller.smear.session.case.cells)
    assert tab.reviewed_text.text() == f"{cells} reviewed cells in 1 case"
    assert tab.reviewed_grid.rowCount() >= 2
    assert not tab.start_button.isEnabled()
    assert "20 reviewed cells that are needed" in tab.hint.text()


def test_stop_and_resume_then_the_better_model_serves(analysed, tab, qtbot, teaching, monkeypatch):
    _viewer, panel = analysed
    finetuning = panel.controller.finetune
    teaching(good=True)
    look(panel, qtbot)
    enough(panel)
    assert tab.name_edit.text() == "starter-2"
    tab.start_button.click()
    qtbot.waitUntil(lambda: tab._run is not None and tab._run.epochs == 1, timeout=20_000)
    assert tab.cancel_button.isVisible()
    assert "epoch 1 of 12" in tab.standing.text()
    assert len(tab.curve.loss) == 1
    panel.show_review()  # reviewing goes on meanwhile
    case = panel.controller.smear.session.case
    assert case.set_label(int(case.cells.cell_id[0]), "PMO")
    panel.tabs.setCurrentWidget(tab)
    with qtbot.waitSignal(finetuning.ended) as ended:
        tab.cancel_button.click()
    assert ended.args == ["stopped"]
    assert tab.resume_button.isVisible()
    with qtbot.waitSignal(finetuning.ended, timeout=20_000) as ended:
        tab.resume_button.click()
    assert ended.args == ["better"]
    assert (tab.table.item(0, 2).text(), tab.table.item(0, 3).text()) == ("60 (30–90)", "▲ 80 (30–90)")
    assert tab.use_button.isVisible()
    monkeypatch.setattr(runs, "adopt", lambda info: info.wish.name)
    with qtbot.waitSignal(panel.controller.model_service.changed, timeout=20_000):
        tab.use_button.click()
    assert settings.model() == "starter-2"
    assert tab.use_button.text() == "In use"
    assert case.labels[int(case.cells.cell_id[0])].code == "PMO"


def test_a_worse_model_is_refused_in_words(analysed, tab, qtbot, teaching):
    _viewer, panel = analysed
    teaching(good=False)
    look(panel, qtbot)
    enough(panel)
    finetuning = panel.controller.finetune
    tab.start_button.click()
    qtbot.waitUntil(lambda: tab._run is not None and tab._run.epochs == 1, timeout=20_000)
    tab.cancel_button.click()
    with qtbot.waitSignal(finetuning.ended, timeout=20_000) as ended:
        tab.resume_button.click()
    assert ended.args == ["refused"]
    assert "is worse" in tab.outcome.text()
    assert not tab.use_button.isVisible()


def test_closing_the_panel_ends_the_run_and_a_new_one_offers_to_resume(
    analysed, tab, qtbot, teaching, open_panel, field
):
    viewer, panel = analysed
    teaching(good=True)
    look(panel, qtbot)
    enough(panel)
    tab.start_button.click()
    qtbot.waitUntil(lambda: tab._run is not None and tab._run.epochs == 1, timeout=20_000)
    folder = tab._run.folder
    assert is_running(folder)
    viewer.close()
    assert not is_running(folder)
    _viewer, again = open_panel()
    with qtbot.waitSignal(again.controller.opened, timeout=20_000):
        again.controller.open_path(field)
    look(again, qtbot)
    assert again.finetune_tab.resume_button.isVisible()
    assert "epoch 1 of 12, stopped" in again.finetune_tab.standing.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_tab_fits_the_panel_and_can_be_read_aloud(qtbot, tmp_path: Path, theme: str):
    tab = FinetuneTab()
    qtbot.addWidget(tab)
    tab.setStyleSheet(stylesheet(theme_colors(theme)))
    tab.set_colors(theme_colors(theme))
    tab.resize(WIDTH, 600)
    tab.show()
    rows = tuple(ReviewedRow(code, 1200, 12, "new: needs 10") for code in BMC21)
    tab.show_reviewed(ReviewedInfo(rows, "25200 reviewed cells in 12 cases", True))
    (area,) = tab.findChildren(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= WIDTH
    for kind in (QLineEdit, QAbstractSpinBox, QComboBox, QProgressBar, LearningCurve, HeldOutTable):
        for widget in tab.findChildren(kind):
            inside = isinstance(widget.parent(), QAbstractSpinBox)
            assert widget.accessibleName() or inside, widget
    share = (1.0, 0.85, 1.0)
    held = (
        HeldOut("reviewed cells", 300, share, share, True),
        *(HeldOut(c, 30, share, share) for c in BMC21),
    )
    wish = Wish(name="starter-2", cases=str(tmp_path), parent="starter")
    tab.show_run(RunInfo(tmp_path, wish, "better", 12, (2.0, 1.0), (0.5, 0.75), rows=held))
    assert area.widget().minimumSizeHint().width() <= WIDTH
    assert tab.table.horizontalHeader().length() <= tab.table.width()
    assert "balanced accuracy 75%" in tab.curve.accessibleDescription()
    assert tab.use_button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_run_of_another_window_is_left_alone(tmp_path: Path):
    folder = runs.begin_run(Wish(name="ours", cases=str(tmp_path), parent="starter"))
    runs.note_process(folder, os.getpid())
    info = read_run(folder)
    assert (info.state, info.elsewhere, info.resumable) == ("running", True, False)


def test_names_that_cannot_be_are_refused(tmp_path: Path):
    for name in ("", "starter", "../up", "a/b", ".hidden"):
        with pytest.raises(RunError, match="cannot be a model's name"):
            runs.begin_run(Wish(name=name, cases=str(tmp_path), parent="starter"))
    folder = runs.begin_run(Wish(name="ours", cases=str(tmp_path), parent="starter"))
    assert (
        runs.begin_run(Wish(name="ours", cases=str(tmp_path), parent="starter", epochs=3)) == folder
    )  # nothing was in it
    (folder / "metrics.json").write_text(json.dumps({}))
    with pytest.raises(RunError, match="choose another one"):
        runs.begin_run(Wish(name="ours", cases=str(tmp_path), parent="starter"))
    assert runs.free_name("ours") == "ours-2"


def test_a_spoilt_run_is_not_listed(tmp_path: Path):
    kept = runs.begin_run(Wish(name="kept", cases=str(tmp_path), parent="starter"))
    for name, spoilt, text in (
        ("one", "wish.json", "no json"),
        ("two", "metrics.json", '{"accepted": true}'),
    ):
        folder = runs.begin_run(Wish(name=name, cases=str(tmp_path), parent="starter"))
        (folder / spoilt).write_text(text)
    assert runs.list_runs() == [kept]


def test_the_pace_is_told_before_an_epoch_is_done(tmp_path: Path):
    folder = runs.begin_run(Wish(name="ours", cases=str(tmp_path), parent="starter"))
    log_file(folder).write_text("Epoch 1/12: 85 images/s, 11 min left\n")
    info = read_run(folder, ours=True)
    assert standing_text(info) == "ours: epoch 1 of 12, 85 images/s, 11 min left"
    log_file(folder).write_text("error: only 3 reviewed cells\n")
    assert read_run(folder).text == "only 3 reviewed cells"
    log_file(folder).write_text("error: stopped; the checkpoint keeps 2 epochs\n")
    assert read_run(folder).text == ""


def test_a_command_resumes_where_there_is_something_to_go_on_from(tmp_path: Path):
    wish = Wish(name="ours", cases="cases", parent="starter", base="crops", epochs=4)
    folder = runs.begin_run(wish)
    told = runs.command(folder, wish)
    assert told[:5] == [sys.executable, "-m", "napari_bonemarrow", "train", "--from-cases"]
    assert "--resume" not in told
    assert told[told.index("--base") + 1] == "crops"
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.pt").touch()
    assert "--resume" in runs.command(folder, wish)


def test_few_cells_of_a_class_that_the_model_does_not_know_are_marked(analysed, tab):
    case = analysed[1].controller.smear.session.case
    info = reviewed_info(read_cases([case.path]), {"BLA": Support.TRAINED}, of_new=50)
    assert {row.code: row.note for row in info.rows} == {"BLA": "", "NGS": "new: needs 50"}
