"""The rings: equal to the case, readable at any zoom."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.gui.canvas.rings.cell_rings import MOST_TEXTS, CellsOverlay
from napari_bonemarrow.gui.widgets import class_style


def _cells(n: int, spread: float = 1000.0) -> Cells:
    at = np.linspace(50, spread, n)
    inside = np.arange(n) % 2 == 0
    return Cells(np.arange(1, n + 1), at, at, np.full(n, 9, "f4"), np.ones(n, "f4"), inside)


@pytest.fixture
def overlay():
    made = CellsOverlay(lambda: None)
    made.set_scale(0.05)
    return made


def test_rings_have_class_colour_width_and_shape(overlay):
    codes = ["BLA", "NGS", "ART", ""]
    overlay.show(_cells(4), codes, {"class": codes})
    layer = overlay.layer
    np.testing.assert_allclose(layer.border_color[0, :3], class_style.border_colors(["BLA"])[0, :3])
    assert (layer.face_color[:, 3] == 0).all()
    assert [str(symbol) for symbol in layer.symbol] == ["disc", "disc", "square", "disc"]
    assert layer.border_width[0] > layer.border_width[1]
    assert list(layer.border_color[:, 3] < 1) == [False, True, False, True]  # outside the frame
    assert list(layer.features["cell_id"]) == [1, 2, 3, 4]


def test_a_ring_lies_around_its_cell_in_micrometres(overlay):
    overlay.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    np.testing.assert_allclose(overlay.layer.size * 0.05, 9 * 1.45, rtol=1e-5)


def test_lines_keep_their_width_on_the_screen(overlay):
    overlay.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    corners = np.array([[0, 0], [2000, 2000]])
    for zoom in (4.0, 12.0):
        overlay.follow_view(corners, zoom)
        screen = overlay.layer.border_width * overlay.layer.size * 0.05 * zoom
        np.testing.assert_allclose(screen, class_style.PLAIN_WIDTH, rtol=1e-3)


def test_codes_are_written_for_what_is_in_view_and_large_enough(overlay):
    codes = ["NGS"] * 2000
    overlay.show(_cells(2000, 100_000), codes, {"class": codes})
    overlay.follow_view(np.array([[0, 0], [100_000, 100_000]]), 0.5)
    assert not overlay.texts
    overlay.follow_view(np.array([[0, 0], [1000, 1000]]), 8.0)
    assert 0 < len(overlay.texts) < 30
    assert set(overlay.texts.values()) == {"NGS"}
    overlay.follow_view(np.array([[0, 0], [100_000, 100_000]]), 8.0)
    assert 0 < len(overlay.texts) <= MOST_TEXTS


def test_fewer_and_no_cells_after_codes_were_written(overlay):
    overlay.show(_cells(5), ["NGS"] * 5, {"class": ["NGS"] * 5})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    overlay.show(_cells(2), ["BLA"] * 2, {"class": ["BLA"] * 2})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert overlay.texts == {0: "BLA", 1: "BLA"}
    overlay.show(Cells.empty(), [], {"class": []})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert len(overlay.layer.data) == 0
    assert overlay.nearest(50, 50) is None


def test_another_class_is_another_colour_and_code(overlay):
    overlay.show(_cells(2), ["NGS", "NGS"], {"class": ["NGS", "NGS"]})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    overlay.recolour(["NGS", "BLA"], {"class": ["NGS", "BLA"]})
    np.testing.assert_allclose(overlay.layer.border_color[1, :3], class_style.border_colors(["BLA"])[0, :3])
    assert overlay.texts == {0: "NGS", 1: "BLA"}


def test_the_nearest_ring_that_holds_the_point_is_meant(overlay):
    overlay.show(_cells(2, 150), ["NGS", "NGS"], {"class": ["NGS", "NGS"]})  # at 50 and at 150
    assert overlay.nearest(60, 60) == 1
    assert overlay.nearest(120, 120) == 2
    assert overlay.nearest(600, 600) is None


def test_the_selected_cell_is_marked_and_stays_so(overlay):
    overlay.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    overlay.select(2)
    assert set(overlay.layer.selected_data) == {1}
    assert overlay.layer.border_width[1] > overlay.layer.border_width[0]
    overlay.show(_cells(2), ["NGS"] * 2, {"class": ["NGS"] * 2})
    assert set(overlay.layer.selected_data) == {1}
    overlay.select(None)
    assert set(overlay.layer.selected_data) == set()


def test_reviewed_rings_are_quiet_and_flagged_ones_are_not(overlay):
    codes, done = (
        ["NGS"] * 4,
        {"reviewed": [False, True, False, False], "flagged": [False, False, True, False]},
    )
    overlay.show(_cells(4), codes, {"class": codes, **done})
    plain, reviewed, flagged = overlay.layer.border_width[:3]
    assert reviewed < plain < flagged
    overlay.update([4], ["NGS"], {"reviewed": [True], "flagged": [False]})
    assert overlay.layer.border_width[3] == pytest.approx(reviewed)
    assert overlay.layer.border_color[0, 3] == 1


def test_a_cell_that_had_no_class_has_a_code_once_it_has(overlay):
    overlay.show(_cells(3), [""] * 3, {"class": [""] * 3})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert not overlay.texts
    overlay.update([2], ["BLA"], {"class": ["BLA"]})
    assert overlay.texts == {1: "BLA"}
    overlay.recolour(["NGS"] * 3, {"class": ["NGS"] * 3})
    assert overlay.texts == dict.fromkeys(range(3), "NGS")


def test_of_codes_that_collide_the_lesser_moves_or_goes(overlay):
    """Three cells on one spot: no four sides hold three plates and three cells."""
    at = np.array([200.0, 204.0, 208.0])
    cells = Cells(np.arange(1, 4), at, at, np.full(3, 9, "f4"), np.ones(3, "f4"), np.ones(3, bool))
    codes = ["NGS", "BLA", "EOS"]
    overlay.show(cells, codes, {"class": codes, "reviewed": [True, False, False], "flagged": [False] * 3})
    overlay.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    overlay.select(1)
    assert overlay.texts[0] == "NGS"  # the current one's is never left out


def test_codes_come_to_what_a_larger_window_shows(analysed, qtbot):
    viewer, panel = analysed
    coordinator = panel.coordinator
    stage, overlay = coordinator.stage, coordinator.stage.overlay
    viewer.window.resize(640, 480)
    stage.camera.zoom = 8.0
    stage.camera.center = (45.0, 45.0)
    qtbot.waitUntil(lambda: len(overlay.texts) > 0)
    few = set(overlay.texts)
    viewer.window.resize(1300, 900)
    qtbot.waitUntil(lambda: len(overlay.texts) > len(few))
    assert few <= set(overlay.texts)


def test_a_code_follows_its_cell(analysed, qtbot):
    _viewer, panel = analysed
    coordinator = panel.coordinator
    overlay = coordinator.stage.overlay
    coordinator.stage.camera.zoom = 8.0
    qtbot.waitUntil(lambda: len(overlay.texts) > 0)
    row = next(iter(overlay.texts))
    coordinator.session.case.set_label([int(coordinator.session.case.cells.cell_id[row])], "KSC")
    qtbot.waitUntil(lambda: overlay.texts[row] == "KSC")


def test_the_crop_comes_once_the_scale_was_confirmed(open_panel, plain_field, qtbot):
    _viewer, panel = open_panel()
    coordinator = panel.coordinator
    with qtbot.waitSignal(coordinator.opened, timeout=20_000):
        coordinator.open_path(plain_field)
    qtbot.waitUntil(lambda: not coordinator.session.estimating, timeout=20_000)
    coordinator.preparing.confirm_scale(0.1)
    with qtbot.waitSignal(coordinator.preparing.analysed, timeout=20_000):
        coordinator.preparing.find_cells()
    panel.show_review()
    coordinator.review.next()
    qtbot.waitUntil(lambda: panel.review_tab.crop._image is not None)
