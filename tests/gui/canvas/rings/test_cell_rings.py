"""The rings: equal to the case, readable at any zoom."""

from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.gui.canvas.rings.cell_rings import MOST_TEXTS, CellRings
from napari_bonemarrow.gui.widgets import class_style


def _cells(n: int, spread: float = 1000.0) -> Cells:
    at = np.linspace(50, spread, n)
    inside = np.arange(n) % 2 == 0
    return Cells(np.arange(1, n + 1), at, at, np.full(n, 9, "f4"), np.ones(n, "f4"), inside)


@pytest.fixture
def rings():
    made = CellRings(lambda: None)
    made.set_scale(0.05)
    return made


def test_rings_have_class_colour_width_and_shape(rings):
    codes = ["BLA", "NGS", "ART", ""]
    rings.show(_cells(4), codes, {"class": codes})
    layer = rings.layer
    np.testing.assert_allclose(layer.border_color[0, :3], class_style.border_colors(["BLA"])[0, :3])
    assert (layer.face_color[:, 3] == 0).all()
    assert [str(symbol) for symbol in layer.symbol] == ["disc", "disc", "square", "disc"]
    assert layer.border_width[0] > layer.border_width[1]
    assert list(layer.border_color[:, 3] < 1) == [False, True, False, True]  # outside the frame
    assert list(layer.features["cell_id"]) == [1, 2, 3, 4]


def test_a_ring_lies_around_its_cell_in_micrometres(rings):
    rings.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    np.testing.assert_allclose(rings.layer.size * 0.05, 9 * 1.45, rtol=1e-5)


def test_lines_keep_their_width_on_the_screen(rings):
    rings.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    corners = np.array([[0, 0], [2000, 2000]])
    for zoom in (4.0, 12.0):
        rings.follow_view(corners, zoom)
        screen = rings.layer.border_width * rings.layer.size * 0.05 * zoom
        np.testing.assert_allclose(screen, class_style.PLAIN_WIDTH, rtol=1e-3)


def test_codes_are_written_for_what_is_in_view_and_large_enough(rings):
    codes = ["NGS"] * 2000
    rings.show(_cells(2000, 100_000), codes, {"class": codes})
    rings.follow_view(np.array([[0, 0], [100_000, 100_000]]), 0.5)
    assert not rings.texts
    rings.follow_view(np.array([[0, 0], [1000, 1000]]), 8.0)
    assert 0 < len(rings.texts) < 30
    assert set(rings.texts.values()) == {"NGS"}
    rings.follow_view(np.array([[0, 0], [100_000, 100_000]]), 8.0)
    assert 0 < len(rings.texts) <= MOST_TEXTS


def test_fewer_and_no_cells_after_codes_were_written(rings):
    rings.show(_cells(5), ["NGS"] * 5, {"class": ["NGS"] * 5})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    rings.show(_cells(2), ["BLA"] * 2, {"class": ["BLA"] * 2})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert rings.texts == {0: "BLA", 1: "BLA"}
    rings.show(Cells.empty(), [], {"class": []})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert len(rings.layer.data) == 0
    assert rings.nearest(50, 50) is None


def test_another_class_is_another_colour_and_code(rings):
    rings.show(_cells(2), ["NGS", "NGS"], {"class": ["NGS", "NGS"]})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    rings.recolour(["NGS", "BLA"], {"class": ["NGS", "BLA"]})
    np.testing.assert_allclose(rings.layer.border_color[1, :3], class_style.border_colors(["BLA"])[0, :3])
    assert rings.texts == {0: "NGS", 1: "BLA"}


def test_the_nearest_ring_that_holds_the_point_is_meant(rings):
    rings.show(_cells(2, 150), ["NGS", "NGS"], {"class": ["NGS", "NGS"]})  # at 50 and at 150
    assert rings.nearest(60, 60) == 1
    assert rings.nearest(120, 120) == 2
    assert rings.nearest(600, 600) is None


def test_the_selected_cell_is_marked_and_stays_so(rings):
    rings.show(_cells(3), ["NGS"] * 3, {"class": ["NGS"] * 3})
    rings.select(2)
    assert set(rings.layer.selected_data) == {1}
    assert rings.layer.border_width[1] > rings.layer.border_width[0]
    rings.show(_cells(2), ["NGS"] * 2, {"class": ["NGS"] * 2})
    assert set(rings.layer.selected_data) == {1}
    rings.select(None)
    assert set(rings.layer.selected_data) == set()


def test_reviewed_rings_are_quiet_and_flagged_ones_are_not(rings):
    codes, done = (
        ["NGS"] * 4,
        {"reviewed": [False, True, False, False], "flagged": [False, False, True, False]},
    )
    rings.show(_cells(4), codes, {"class": codes, **done})
    plain, reviewed, flagged = rings.layer.border_width[:3]
    assert reviewed < plain < flagged
    rings.update([4], ["NGS"], {"reviewed": [True], "flagged": [False]})
    assert rings.layer.border_width[3] == pytest.approx(reviewed)
    assert rings.layer.border_color[0, 3] == 1


def test_a_cell_that_had_no_class_has_a_code_once_it_has(rings):
    rings.show(_cells(3), [""] * 3, {"class": [""] * 3})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    assert not rings.texts
    rings.update([2], ["BLA"], {"class": ["BLA"]})
    assert rings.texts == {1: "BLA"}
    rings.recolour(["NGS"] * 3, {"class": ["NGS"] * 3})
    assert rings.texts == dict.fromkeys(range(3), "NGS")


def test_of_codes_that_collide_the_lesser_moves_or_goes(rings):
    """Three cells on one spot: no four sides hold three plates and three cells."""
    at = np.array([200.0, 204.0, 208.0])
    cells = Cells(np.arange(1, 4), at, at, np.full(3, 9, "f4"), np.ones(3, "f4"), np.ones(3, bool))
    codes = ["NGS", "BLA", "EOS"]
    rings.show(cells, codes, {"class": codes, "reviewed": [True, False, False], "flagged": [False] * 3})
    rings.follow_view(np.array([[0, 0], [2000, 2000]]), 8.0)
    rings.select(1)
    assert rings.texts[0] == "NGS"  # the current one's is never left out


def test_codes_come_to_what_a_larger_window_shows(analysed, qtbot):
    viewer, panel = analysed
    controller = panel.controller
    smear_viewer, rings = controller.smear_viewer, controller.smear_viewer.rings
    viewer.window.resize(640, 480)
    smear_viewer.camera.zoom = 8.0
    smear_viewer.camera.center = (45.0, 45.0)
    qtbot.waitUntil(lambda: len(rings.texts) > 0)
    few = set(rings.texts)
    viewer.window.resize(1300, 900)
    qtbot.waitUntil(lambda: len(rings.texts) > len(few))
    assert few <= set(rings.texts)


def test_a_code_follows_its_cell(analysed, qtbot):
    _viewer, panel = analysed
    controller = panel.controller
    rings = controller.smear_viewer.rings
    controller.smear_viewer.camera.zoom = 8.0
    qtbot.waitUntil(lambda: len(rings.texts) > 0)
    row = next(iter(rings.texts))
    controller.smear.session.case.set_label([int(controller.smear.session.case.cells.cell_id[row])], "KSC")
    qtbot.waitUntil(lambda: rings.texts[row] == "KSC")


def test_the_crop_comes_once_the_scale_was_confirmed(open_panel, plain_field, qtbot):
    _viewer, panel = open_panel()
    controller = panel.controller
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(plain_field)
    qtbot.waitUntil(lambda: not controller.smear.session.estimating, timeout=20_000)
    controller.smear.setup.confirm_scale(0.1)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    panel.show_review()
    controller.smear.review.navigation.next()
    qtbot.waitUntil(lambda: panel.review_tab.crop._image is not None)
