"""The outline of the selected cell: where it lies, what it says, and when it is measured."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.correction import outline_request as outlining_module
from napari_bonemarrow.gui.correction.outline_request import size_text
from napari_bonemarrow.slides.detection.outlines import Outline


def _square(side: float) -> np.ndarray:
    return np.array([(0, 0), (side, 0), (side, side), (0, side), (0, 0)], float)


OUTLINE = Outline(_square(8), _square(14), np.pi * 16, np.pi * 49, 14.0, 16 / 49, 1, False)


@pytest.fixture
def measured(monkeypatch) -> list[tuple[float, float]]:
    """Where was outlined; the answer is always the same."""
    places: list[tuple[float, float]] = []

    def outline(_slide, x, y, _profile):
        places.append((x, y))
        return OUTLINE

    monkeypatch.setattr(outlining_module, "outline", outline)
    return places


def test_the_key_shows_the_outline_of_the_selected_cell_and_its_size(analysed, qtbot, smear):
    viewer, panel = analysed
    controller, tab = panel.controller, panel.review_tab
    review = controller.smear.review
    cell = int(controller.smear.session.case.cells.cell_id[0])
    review.navigation.select(cell, go=True)
    assert not tab.outline_box.isChecked()
    assert "outline" not in viewer.layers
    with qtbot.waitSignal(review.outline.shown, timeout=20_000):
        qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_U)
    assert tab.outline_box.isChecked()
    assert "N:C 0." in tab.outline_text.text()
    layer = viewer.layers["outline"]
    x, y = review.shown_cell.place(cell)
    for line in layer.data:
        (top, left), (bottom, right) = line.min(axis=0), line.max(axis=0)
        assert top < y < bottom
        assert left < x < right
    truth = smear.cells.diameter_um[np.hypot(smear.cells.x - x, smear.cells.y - y).argmin()]
    widest = max(np.ptp(line, axis=0).max() for line in layer.data) * layer.scale[0]
    assert truth * 0.7 < widest < 40
    assert not layer.editable
    assert viewer.layers.selection.active == controller.smear_viewer.rings.layer
    viewer.layers.selection.active = layer
    qtbot.waitUntil(lambda: viewer.layers.selection.active == controller.smear_viewer.rings.layer)
    qtbot.keyClick(panel.window()._qt_viewer.canvas.native, Qt.Key.Key_U)
    assert not layer.visible
    assert not tab.outline_text.text()


def test_only_the_cell_on_which_the_selection_rests_is_outlined(analysed, qtbot, measured):
    viewer, panel = analysed
    review = panel.controller.smear.review
    panel.review_tab.outline_box.click()
    cells = panel.controller.smear.session.case.cells.cell_id.tolist()
    with qtbot.waitSignal(review.outline.shown, timeout=20_000):
        for cell in cells[:4]:
            review.navigation.select(cell, go=False)
    assert measured == [review.shown_cell.place(cells[3])]
    review.case_sync.refresh()  # nothing of the cell has changed
    assert viewer.layers["outline"].visible
    assert not review.outline._rest.isActive()
    panel.controller.smear_viewer.camera.zoom *= 3
    layer = viewer.layers["outline"]
    width = max(layer.edge_width)
    qtbot.waitUntil(lambda: max(layer.edge_width) == pytest.approx(width / 3, rel=1e-3))
    review.navigation.select(None, go=False)
    assert not layer.visible


def test_an_outline_that_comes_too_late_is_not_shown(analysed, qtbot, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    late: list[float] = []

    def outline(_slide, x, _y, _profile):
        if not begun.is_set():
            begun.set()
            go.wait(20)
            late.append(x)
        return OUTLINE

    monkeypatch.setattr(outlining_module, "outline", outline)
    _viewer, panel = analysed
    review, shown = panel.controller.smear.review, []
    review.outline.shown.connect(lambda: shown.append(review.selection.current))
    cells = panel.controller.smear.session.case.cells.cell_id.tolist()
    panel.review_tab.outline_box.click()
    review.navigation.select(cells[0], go=False)
    qtbot.waitUntil(begun.is_set)
    review.navigation.select(cells[1], go=False)
    go.set()
    qtbot.waitUntil(lambda: bool(late) and bool(shown))
    assert shown == [cells[1]]


def test_where_there_is_no_nucleus_it_says_so(analysed, qtbot, smear):
    viewer, panel = analysed
    review = panel.controller.smear.review
    rows, columns = np.indices(smear.image.shape[:2])
    away = np.full(rows.shape, np.inf)
    for x, y in zip(smear.cells.x, smear.cells.y, strict=True):
        away = np.minimum(away, np.hypot(columns - x, rows - y))
    y, x = (float(at) for at in np.unravel_index(away.argmax(), away.shape))
    panel.review_tab.outline_box.click()
    with qtbot.waitSignal(review.outline.shown, timeout=20_000):
        review.corrections.add((x, y))
    assert panel.review_tab.outline_text.text() == "no outline here"
    assert "outline" not in viewer.layers


def test_the_size_is_told_of_cell_and_nucleus():
    assert size_text(OUTLINE) == "nucleus 8.0 µm, cell 14.0 µm across, N:C 0.33"
