"""A review by keys that teaches the guesses of the other cells, and a random sample up to its goal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology import BMC21, Features, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.gui.counting.differential_model import MODEL, PERCENT
from napari_bonemarrow.report import export
from napari_bonemarrow.review import Case, EventKind, case_path_for
from napari_bonemarrow.review.worklist.order import SAMPLE
from napari_bonemarrow.slides import open_slide

from .reviewer import LOADING, Reviewer

CELLS = {"NGS": 44, "EBO": 32, "PLM": 28, "LYT": 32, "BLA": 14}
KEYS = {"NGS": "S", "EBO": "N", "PLM": "C", "LYT": "L", "BLA": "B"}
DRAWN = ModelReference("drawn", "0" * 64)
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    """A drawn smear, and the class of each cell of the case beside it, in which a model is mostly wrong."""
    smear = draw_smear(7, width=3000, height=2300, cells_per_class=CELLS)
    path = Path(write_sample(tmp_path_factory.mktemp("taught") / "smear.png", smear))
    rng = np.random.default_rng(4)
    with Case.create(case_path_for(path), open_slide(path), reviewer="first") as case:
        case.sampling.set_frame(Frame.whole_field(3000, 2300, 0.0), len(smear.cells))
        found = case.detection.record(smear.cells)
        truth = np.array([list(CELLS).index(code) for code in smear.codes])
        said = np.full((len(found), len(BMC21)), 0.02, np.float32)
        said[:, BMC21.index("NGS")] = rng.uniform(0.5, 0.7, len(found))
        said /= said.sum(axis=1, keepdims=True)
        support = dict.fromkeys(BMC21, Support.TRAINED) | {"PLM": Support.NONE}
        case.model.record_predictions(Predictions(found.cell_id, said, BMC21, support, DRAWN))
        values = 3 * np.eye(len(CELLS), 8)[truth] + rng.normal(0, 0.4, (len(found), 8))
        axes = np.eye(8, 16, dtype=np.float32)
        case.model.record_features(
            Features(found.cell_id, values.astype(np.float16), DRAWN, np.zeros(16, np.float32), axes)
        )
    return path, dict(zip(found.cell_id.tolist(), smear.codes, strict=True))


@pytest.fixture
def sit_down(
    come_in: Callable[[], Reviewer], drawn: tuple[Path, dict[int, str]], tmp_path: Path
) -> Callable[[], Reviewer]:
    """Open a copy of the drawn case, in the Review tab."""

    def make() -> Reviewer:
        path = tmp_path / "smear.png"
        for file in drawn[0].parent.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        reviewer = come_in()
        with reviewer.qtbot.waitSignal(reviewer.controller.opened, timeout=LOADING):
            reviewer.controller.open_path(path)
        reviewer.click_button(reviewer.panel.slide_tab.review_button)
        return reviewer

    return make


def name_cell(reviewer: Reviewer, truth: dict[int, str]) -> None:
    """Press the key of the class that the current cell has."""
    cell = reviewer.controller.smear.review.selection.current
    reviewer.press(getattr(Qt.Key, f"Key_{KEYS[truth[cell]]}"))
    assert reviewer.case.labels[cell].code == truth[cell]


def wait_for_lesson(reviewer: Reviewer) -> None:
    learning = reviewer.controller.smear.review.learning
    reviewer.qtbot.waitUntil(lambda: not learning.busy, timeout=LOADING)
    reviewer.wait_for_screen()


def test_what_is_named_teaches_the_guesses_of_the_others(
    sit_down: Callable[[], Reviewer], drawn: tuple[Path, dict[int, str]]
) -> None:
    reviewer, truth = sit_down(), drawn[1]
    case, tab, review = reviewer.case, reviewer.panel.review_tab, reviewer.controller.smear.review
    places = review.worklist.ids.tolist()
    assert set(case.effective_codes()) == {"NGS"}
    for _cell in range(24):
        name_cell(reviewer, truth)
    wait_for_lesson(reviewer)
    rest = [cell for cell in truth if cell not in case.labels]
    assert np.mean([case.effective_code(cell) == truth[cell] for cell in rest]) > 0.9
    assert review.worklist.ids.tolist() == places, "no cell moves under the mouse"
    assert review.worklist.moved
    shown = tab.heading.teaching_text.text()
    assert shown.startswith("last 24: model alone ")
    assert "with what you taught" in shown

    plasma = next(cell for cell in rest if truth[cell] == "PLM")
    review.navigation.select(plasma, go=True)
    assert "as taught here" in tab.standing.text()
    first = tab.bars._guesses[0]
    assert (first.code, first.learnt_here) == ("PLM", case.learning.learnt_here["PLM"])
    assert not tab.unreliable.isVisible() or any(not guess.is_known for guess in tab.bars._guesses[:3])
    reviewer.press(Qt.Key.Key_1)
    assert case.labels[plasma].code == "PLM"
    wait_for_lesson(reviewer)

    taught = case.effective_codes()
    reviewer.press(Qt.Key.Key_H, SHIFT)
    assert not tab.learning_box.isChecked()
    reviewer.wait_for_screen()
    assert all(case.effective_code(cell) == "NGS" for cell in rest if cell != plasma)
    reviewer.click_button(tab.learning_box)
    wait_for_lesson(reviewer)
    assert case.effective_codes() == taught

    reviewer.press(Qt.Key.Key_Z, CONTROL)
    assert plasma not in case.labels
    wait_for_lesson(reviewer)
    learnt = [event for event in case.history.events() if event.kind == EventKind.PREDICTIONS_LEARNT]
    assert learnt[-1].new["labels"] == 24
    reviewer.viewer.close()


def test_a_sample_is_reviewed_to_its_goal_signed_and_exported(
    sit_down: Callable[[], Reviewer], drawn: tuple[Path, dict[int, str]], tmp_path: Path
) -> None:
    reviewer, truth = sit_down(), drawn[1]
    case, panel = reviewer.case, reviewer.panel
    count, review = panel.count_tab, reviewer.controller.smear.review
    panel.show_count()
    assert count.basis_text.text() == f"Model alone, {len(truth)} cells"
    reviewer.click_button(count.sample.begin_button)
    dialog = count.sample.dialog
    dialog.of_box.setCurrentIndex(dialog.of_box.findData("blasts"))
    dialog.width_box.setValue(12.0)
    reviewer.click_button(dialog.accept_button)
    assert panel.shows_review
    assert review.worklist.ids.tolist() == case.sample.handed_out().tolist()
    odd = int(case.sample.plan.cell_id[-1])  # caught the eye
    review.navigation.select(odd, go=True)
    name_cell(reviewer, truth)
    for _cell in range(len(truth)):
        current = review.selection.current
        if current in case.labels:
            break
        before = review.worklist.ids.tolist()
        name_cell(reviewer, truth)
        assert review.worklist.ids.tolist()[: len(before)] == before
    assert case.sample.goal_reached
    heading = panel.review_tab.heading
    assert heading.progress_text.text() == "blasts within ±12 % · done: count and sign"
    assert "another wave" in panel.review_tab.standing.text()
    reviewer.qtbot.waitUntil(lambda: "within ±12 %" in heading.sample_text.text())
    assert not review.worklist.sample_left
    reviewer.click_button(heading.count_button)
    entering = case.sample.tally.total
    reviewer.qtbot.waitUntil(lambda: f"{entering} of {len(truth)}" in count.basis_text.text())
    assert count.basis_text.text().startswith("Estimated from a random sample")
    assert count.sample.wave_button.isVisible()
    assert count.sign.sign_button.isEnabled()
    reviewer.press(Qt.Key.Key_S, SHIFT)
    signing = count.sign.dialog
    if signing is None:  # keys are the review's; the Count tab has its button
        reviewer.click_button(count.sign.sign_button)
        signing = count.sign.dialog
    assert signing.figures["This count"].startswith("random sample")
    reviewer.click_button(signing.accept_button)
    assert case.is_signed
    reviewer.qtbot.waitUntil(lambda: not isalive(signing))
    assert case.signature.estimate is not None
    assert count.basis_text.text().startswith("Signed by Ada")
    export(case, "json", tmp_path / "count.json")
    document = json.loads((tmp_path / "count.json").read_text())
    assert document["estimate"]["reviewed"] == entering


def test_without_a_goal_each_wave_is_asked_for_and_all_cells_are_a_way_back(
    sit_down: Callable[[], Reviewer], drawn: tuple[Path, dict[int, str]]
) -> None:
    reviewer, truth = sit_down(), drawn[1]
    case, panel = reviewer.case, reviewer.panel
    count, work = panel.count_tab, reviewer.controller.smear.review.worklist
    panel.show_count()
    reviewer.click_button(count.sample.begin_button)
    count.sample.dialog.goal_box.setChecked(False)
    reviewer.click_button(count.sample.dialog.accept_button)
    assert case.sample.goal is None
    for _cell in work.ids.tolist():
        name_cell(reviewer, truth)
    assert case.sample.wave == 1
    assert "Wave 1 is done: Space for another one" in panel.review_tab.standing.text()
    panel.show_count()
    reviewer.qtbot.waitUntil(lambda: "Estimated from a random sample" in count.basis_text.text())
    assert count.sign.text.text() == "Every cell of the wave is named"
    table = count.table.model()
    assert table.headerData(MODEL, Qt.Orientation.Horizontal) == "sample"
    at = [row.code for row in table.rows].index("BAS")
    assert table.text(at, MODEL) == "0"
    assert table.text(at, PERCENT).startswith("≤ ")
    panel.show_review()
    first = work.ids.tolist()
    reviewer.press(Qt.Key.Key_Space)
    assert case.sample.wave == 2
    assert work.ids.tolist()[: len(first)] == first
    assert reviewer.controller.smear.review.selection.current == work.ids[len(first)]
    panel.show_count()
    reviewer.click_button(count.sample.all_button)
    reviewer.click_button(count.sample.dialog.accept_button)
    assert not case.sample.in_progress
    assert work.order != SAMPLE
    assert len(work.ids) == len(truth)
    reviewer.qtbot.waitUntil(lambda: "sample" not in count.basis_text.text())
    reviewer.viewer.close()
