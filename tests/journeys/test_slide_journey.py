"""A reviewer's whole path over a whole slide: survey, best regions, cells, splitting, joining, reopening."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from qtpy.QtCore import Qt

from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.review import Case, EventKind

from .reviewer import ANALYSING, LOADING, Reviewer

MICRONS = 0.25
BLOCK, BLOCKS = 640, 9  # 160 µm and 2.1 mm²
CELLS = {"LYT": 8, "NGS": 12, "EBO": 10, "MYB": 6}
TARGET = 40


def _drawn_slide() -> NDArray[np.uint8]:
    """Draw a smear on the right of a slide whose left third is bare glass."""
    glass = np.full((BLOCK, BLOCK, 3), (238, 234, 240), np.uint8)
    smears = [
        draw_smear(
            seed, width=BLOCK, height=BLOCK, microns_per_pixel=MICRONS, cells_per_class=CELLS,
            red_cells_per_um2=0.013,
        ).image
        for seed in (1, 2)
    ]  # fmt: skip
    rows = [
        np.concatenate([glass] * 3 + [smears[(row + column) % 2] for column in range(BLOCKS - 3)], axis=1)
        for row in range(BLOCKS)
    ]
    return np.concatenate(rows)


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """A pyramidal TIFF that states its scale."""
    path, pixels = tmp_path / "slide.tif", _drawn_slide()
    resolution = (1e4 / MICRONS, 1e4 / MICRONS)
    options = {
        "tile": (256, 256),
        "photometric": "rgb",
        "compression": "zlib",
        "resolutionunit": "CENTIMETER",
    }
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=2, resolution=resolution, **options)
        for step in (2, 8):
            file.write(pixels[::step, ::step], subfiletype=1, **options)
    return path


def _survey_and_find(reviewer: Reviewer) -> None:
    tab, controller, qtbot = reviewer.panel.slide_tab, reviewer.controller, reviewer.qtbot
    tab.target_box.setValue(TARGET)
    tab.target_box.editingFinished.emit()
    assert tab.where.survey_button.isVisible()
    assert not tab.where.best_button.isVisible()
    window = reviewer.panel.window()
    assert window.focusWidget() is tab.where.survey_button  # Enter does not begin to count the whole slide
    with qtbot.waitSignal(controller.smear.survey.surveyed, timeout=ANALYSING):
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert reviewer.case.frame is None
    ranking = reviewer.case.sampling.ranking
    assert min(region.x for region in ranking.regions) >= 3 * BLOCK - 400  # nothing is counted on bare glass
    assert "quality map" in [layer.name for layer in reviewer.viewer.layers]
    assert window.focusWidget() is tab.where.best_button
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert window.focusWidget() is tab.find_button
    chosen = controller.smear.session.regions
    assert chosen == ranking.regions[: len(chosen)]
    assert len(reviewer.viewer.layers["counted regions"].data) == len(chosen) > 0
    assert tab.frame_text.text().startswith(f"The best {len(chosen)} region")
    reviewer.find()
    assert reviewer.case.frame.regions == chosen
    assert reviewer.case.sampling.frame_choice == "ranked"
    assert len(reviewer.case.cells) > TARGET / 2


def _split_and_join(reviewer: Reviewer) -> None:
    case, controller, qtbot = reviewer.case, reviewer.controller, reviewer.qtbot
    count, first = len(case.cells), int(case.cells.cell_id[case.cells.in_frame][0])
    controller.smear.review.navigation.select(first, go=True)
    reviewer.press(Qt.Key.Key_W)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=ANALYSING):
        reviewer.press(Qt.Key.Key_W)  # along its long axis; the model looks at what was made
    assert not case.has_cell(first)
    assert len(case.cells) == count + 1
    one = controller.smear.review.selection.current
    [other] = [event.cells[2] for event in case.history.events() if event.kind == EventKind.CELL_SPLIT]
    assert case.effective_code(one)
    reviewer.click_cell(one)
    assert controller.smear.review.selection.current == one
    reviewer.click_cell(other, Qt.KeyboardModifier.ShiftModifier)
    assert controller.smear.review.selection.others == (other,)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=ANALYSING):
        reviewer.press(Qt.Key.Key_J)
    assert len(case.cells) == count
    reviewer.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    reviewer.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert case.has_cell(first)
    assert len(case.cells) == count
    reviewer.wait_for_screen()


def test_a_drawn_slide_from_survey_to_reopening(come_in: Callable[[], Reviewer], slide: Path):
    reviewer = come_in()
    reviewer.open(slide, None)
    reviewer.qtbot.waitUntil(lambda: reviewer.controller.smear_viewer.tiles.is_idle, timeout=LOADING)
    layer = reviewer.viewer.layers["slide"]
    assert layer.multiscale
    _survey_and_find(reviewer)
    _split_and_join(reviewer)
    codes = reviewer.case.effective_codes()
    reviewer.panel.tabs.setCurrentWidget(reviewer.panel.count_tab)
    shown = reviewer.panel.count_tab.headline.text()
    reviewer.viewer.close()

    with Case.open(slide.with_suffix(".bmcase"), read_only=True) as case:
        assert case.verify().ok
        regions = case.frame.regions
    again = come_in()
    again.open(slide, None)
    again.wait_for_screen()
    assert again.case.effective_codes() == codes
    again.panel.tabs.setCurrentWidget(again.panel.count_tab)
    assert again.panel.count_tab.headline.text() == shown
    drawn = again.viewer.layers["counted regions"]
    assert len(drawn.data) == len(regions)
    assert not drawn.editable  # what is counted is fixed
    assert not again.panel.slide_tab.region_button.isEnabled()
