"""A reviewer's whole path in the real window with the real engine, and the same numbers headless."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.shell.export_dialog import first_options, write_export
from napari_bonemarrow.report import differential_document
from napari_bonemarrow.review import Case

from .reviewer import ANALYSING, LOADING, Reviewer


def _free_place(case: Case) -> tuple[float, float]:
    """Return a place in the frame that is farthest from every cell."""
    region = case.frame.counted_regions(case.microns_per_pixel)[0]
    xs, ys = np.meshgrid(
        np.linspace(region.x, region.x + region.width - 1, 20),
        np.linspace(region.y, region.y + region.height - 1, 20),
    )
    apart = np.hypot(xs[..., None] - case.cells.x, ys[..., None] - case.cells.y).min(axis=-1)
    at = np.unravel_index(apart.argmax(), apart.shape)
    return float(xs[at]), float(ys[at])


def _review(reviewer: Reviewer) -> None:
    """Select by a click, explain, relabel, undo, redo, add, remove."""
    case, controller, qtbot = reviewer.case, reviewer.controller, reviewer.qtbot
    inside = case.cells.cell_id[case.cells.in_frame].tolist()
    first, second = inside[0], inside[-1]
    reviewer.viewer.reset_view()
    reviewer.click_cell(first)
    assert controller.smear.review.selection.current == first
    with qtbot.waitSignal(controller.smear.heatmap.shown, timeout=LOADING):
        reviewer.press(Qt.Key.Key_E)
    heat = controller.smear_viewer.heat.layer
    x, y = controller.smear.review.shown_cell.place(first)
    scale = controller.smear.session.slide.microns_per_pixel
    middle = (heat.data.shape[0] - 1) / 2
    np.testing.assert_allclose(heat.data_to_world((middle, middle)), (y * scale, x * scale))
    assert 0 < heat.data.max() <= 1
    before = case.effective_code(first)
    other = "PLM" if before != "PLM" else "EBO"
    reviewer.press(Qt.Key.Key_C if other == "PLM" else Qt.Key.Key_N)
    assert case.labels[first].code == other
    reviewer.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert case.effective_code(first) == before
    reviewer.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert case.labels[first].code == other
    count, place = len(case.cells), _free_place(case)
    reviewer.viewer.reset_view()
    reviewer.hover(*place)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=ANALYSING):
        reviewer.press(Qt.Key.Key_Insert)
    assert len(case.cells) == count + 1
    added = controller.smear.review.selection.current
    assert np.hypot(*np.subtract(controller.smear.review.shown_cell.place(added), place)) * scale < 1.0
    assert case.effective_code(added)  # the model has looked at it
    reviewer.press(Qt.Key.Key_Escape)
    reviewer.click_cell(second)
    assert controller.smear.review.selection.current == second
    reviewer.press(Qt.Key.Key_Delete)
    assert not case.has_cell(second)
    reviewer.wait_for_screen()


def _journey(come_in: Callable[[], Reviewer], path: Path, scale: float | None, folder: Path) -> None:
    reviewer = come_in()
    reviewer.open(path, scale)
    reviewer.find()
    assert len(reviewer.case.cells) > 3
    reviewer.wait_for_screen()
    _review(reviewer)
    session = reviewer.controller.smear.session
    for kind in ("csv", "json", "html"):
        assert write_export(
            session, first_options(kind), folder / f"count.{kind}", reviewer.controller.notices
        )
    reviewer.panel.tabs.setCurrentWidget(reviewer.panel.count_tab)
    shown = reviewer.panel.count_tab.headline.text()
    codes = reviewer.case.effective_codes()
    document = differential_document(reviewer.case)
    reviewer.viewer.close()

    written = json.loads((folder / "count.json").read_text("utf-8"))
    assert written["classes"] == document["classes"]
    with Case.open(path.with_suffix(".bmcase"), read_only=True) as case:  # headless
        assert case.verify().ok
        assert differential_document(case) == document

    again = come_in()
    again.open(path, None)
    again.wait_for_screen()
    assert again.case.effective_codes() == codes
    again.panel.tabs.setCurrentWidget(again.panel.count_tab)
    assert again.panel.count_tab.headline.text() == shown
    assert differential_document(again.case) == document
    tab = again.panel.slide_tab
    assert tab.review_button.isVisibleTo(tab)  # nothing is to be run again
    assert again.case.can_undo


def test_a_real_field_from_opening_to_reopening(come_in, real_data: Path, tmp_path: Path):
    source = sorted((real_data / "fields" / "images").iterdir())[0]
    path = Path(shutil.copy(source, tmp_path / source.name))
    _journey(come_in, path, 0.05, tmp_path)


def test_the_drawn_smear_from_opening_to_reopening(come_in, tmp_path: Path):
    from napari_bonemarrow.drawing import draw_smear, write_sample

    smear = draw_smear(8, width=900, height=700, cells_per_class={"BLA": 2, "NGS": 3, "EBO": 2, "LYT": 2})
    _journey(come_in, Path(write_sample(tmp_path / "smear.png", smear)), None, tmp_path)
