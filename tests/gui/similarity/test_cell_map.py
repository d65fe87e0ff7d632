"""The map of cells: drawn by class, picked from, lassoed; linked with the case and the selection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.cytology import CLASSES, CODES
from napari_bonemarrow.gui.similarity.map_geometry import MapView, inside, medians, nearest
from napari_bonemarrow.gui.similarity.map_markers import SIGN_OF_CODE, SIGNS, colors_of_codes, stamp
from napari_bonemarrow.gui.similarity.map_raster import MapRaster

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


def test_each_lineage_has_a_sign_of_its_own() -> None:
    assert len({cell.lineage for cell in CLASSES.values()}) == len(set(SIGNS.values()))
    for radius in (2, 4, 6):
        shapes = {sign: frozenset(map(tuple, stamp(sign, radius))) for sign in set(SIGN_OF_CODE)}
        assert len(set(shapes.values())) == len(shapes), "told apart without colour"
        for pixels in shapes.values():
            assert max(abs(value) for pixel in pixels for value in pixel) <= radius + 1


def test_points_are_painted_in_the_colour_of_their_class_and_none_beyond_the_border() -> None:
    raster = MapRaster(40, 30, 0xFF000000)
    codes = np.array([CODES.index("BLA"), CODES.index("LYT"), CODES.index("LYT")])
    raster.draw(np.array([[10, 8], [30, 20], [39, 29]]), codes, 3)
    blast, lymphocyte = colors_of_codes()[codes[:2]].tolist()
    assert blast != lymphocyte
    assert raster.pixels[8, 10] == blast
    assert raster.pixels[20, 30] == lymphocyte
    assert raster.pixels[29, 39] == 0xFF000000
    assert set(np.unique(raster.pixels)) == {0xFF000000, blast, lymphocyte}


def test_zooming_keeps_the_place_under_the_mouse() -> None:
    view, xy = MapView(), np.array([[0, 0], [4, 2], [1, 1]], float)
    view.fit(xy, 400, 300)
    places = view.to_screen(xy)
    assert (places >= 0).all()
    assert (places <= [400, 300]).all()
    x, y = places[2].tolist()
    view.zoom(3, x, y)
    np.testing.assert_allclose(view.to_screen(xy)[2], (x, y), atol=1e-3)
    np.testing.assert_allclose(np.ptp(view.to_screen(xy), axis=0), 3 * np.ptp(places, axis=0), rtol=1e-4)


def test_a_lasso_holds_what_lies_within_its_line_not_within_its_box() -> None:
    places = np.array([[1, 3], [8, 9], [5, 4.5], [1, 9]], float)
    assert inside(places, np.array([[0, 0], [10, 0], [10, 10]], float)).tolist() == [2]
    assert inside(places, np.array([[0, 0], [10, 0]], float)).tolist() == []
    assert nearest(places, 8, 9, 2) == 1
    assert nearest(places, 8, 5, 2) is None


def test_names_stand_at_the_middle_of_classes_that_are_not_rare() -> None:
    xy = np.array([[0, 0], [2, 2], [100, 4], [7, 7]], float)
    (code, middle), *others = medians(xy, np.array([3, 3, 3, 0]), 2)
    assert (code, middle.tolist(), others) == (3, [2, 2], [])


@pytest.fixture
def mapped(analysed, qtbot) -> Callable:
    """A panel whose map is made and seen."""
    _viewer, panel = analysed
    similarity = panel.controller.smear.similarity
    qtbot.waitUntil(lambda: not similarity.cell_features.running)
    similarity.show_map()
    qtbot.waitUntil(similarity.map.isVisible)
    with qtbot.waitSignal(similarity.map_controller.made, timeout=10_000):
        similarity.map.make.click()
    return panel


def drag(canvas, corners: list[QPointF]) -> None:
    steps = [(QEvent.Type.MouseButtonPress, corners[0], LEFT)]
    steps += [(QEvent.Type.MouseMove, corner, NONE) for corner in corners[1:]]
    steps += [(QEvent.Type.MouseButtonRelease, corners[-1], LEFT)]
    for kind, at, button in steps:
        held = NONE if kind == QEvent.Type.MouseButtonRelease else LEFT
        modifiers = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(canvas, QMouseEvent(kind, at, canvas.mapToGlobal(at), button, held, modifiers))


def around(canvas, rows: list[int]) -> list[QPointF]:
    """Return the corners of a box around some points."""
    places = [canvas.place(row) for row in rows]
    left, right = min(p.x() for p in places) - 9, max(p.x() for p in places) + 9
    top, bottom = min(p.y() for p in places) - 9, max(p.y() for p in places) + 9
    return [QPointF(left, top), QPointF(right, top), QPointF(right, bottom), QPointF(left, bottom)]


def test_a_cluster_is_lassoed_relabelled_by_a_key_and_given_back_by_undo(mapped, qtbot) -> None:
    controller = mapped.controller
    case, selection = controller.smear.session.case, controller.smear.review.selection
    canvas = controller.smear.similarity.map.canvas
    ids, _xy = case.model.cell_map
    before = dict(zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True))
    cluster = [cell for cell in ids.tolist() if before[cell] == "EBO"]
    assert len(cluster) >= 2
    drag(canvas, around(canvas, [ids.tolist().index(cell) for cell in cluster]))
    assert set(selection.ids) == set(cluster)
    events = len(case.history.events())
    controller.smear.review.corrections.label("PEB")
    assert {cell: label.code for cell, label in case.labels.items()} == dict.fromkeys(cluster, "PEB")
    assert len(case.history.events()) == events + 1, "one act"
    rows = [ids.tolist().index(cell) for cell in cluster]
    qtbot.waitUntil(lambda: {CODES[canvas._codes[row]] for row in rows} == {"PEB"})
    controller.smear.review.corrections.undo()
    assert not case.labels
    qtbot.waitUntil(lambda: {CODES[canvas._codes[row]] for row in rows} == {"EBO"})


def test_the_map_and_the_selection_follow_one_another(mapped, qtbot) -> None:
    controller = mapped.controller
    canvas, selection = controller.smear.similarity.map.canvas, controller.smear.review.selection
    ids = controller.smear.session.case.model.cell_map[0].tolist()
    selection.set((ids[1], ids[3]), ids[3])
    assert sorted(canvas._selected.tolist()) == [1, 3]
    assert canvas._current == 3
    at = canvas.place(0)
    drag(canvas, [at])
    assert selection.current == ids[0] or nearest(canvas.view.to_screen(canvas._xy), at.x(), at.y(), 7) != 0
    drag(canvas, [QPointF(2, 2)])
    assert selection.ids == ()


def test_a_map_is_kept_by_the_case(mapped) -> None:
    case = mapped.controller.smear.session.case
    ids, xy = case.model.cell_map
    assert ids.tolist() == case.cells.cell_id.tolist()
    assert xy.shape == (len(ids), 2)
    text = mapped.controller.smear.similarity.map.text.text()
    assert text.startswith(f"{len(ids)} cells by what the network sees (t-SNE)")
    assert case.model.map_method == "t-SNE"


def test_the_child_that_lays_out_is_ready_while_a_map_can_be_made_and_gone_after(analysed, qtbot) -> None:
    _viewer, panel = analysed
    similarity, engine = panel.controller.smear.similarity, panel.controller.engine
    qtbot.waitUntil(lambda: not similarity.cell_features.running)
    similarity.show_map()
    qtbot.waitUntil(lambda: "prepare layout" in engine.asked)
    with qtbot.waitSignal(similarity.map_controller.made, timeout=10_000):
        similarity.map.make.click()
    assert engine.asked.count("prepare layout") == 1
    assert engine.asked[-1] == "end layout"


def test_what_is_done_and_how_far_is_said_and_can_be_stopped(analysed, qtbot, monkeypatch) -> None:
    _viewer, panel = analysed
    similarity = panel.controller.smear.similarity
    qtbot.waitUntil(lambda: not similarity.cell_features.running)
    similarity.show_map()
    waiting: Future = Future()
    monkeypatch.setattr(similarity.map_controller._engine, "lay_out", lambda *_given: waiting, raising=False)
    similarity.map.make.click()
    assert "Laying cells out (t-SNE) · " in similarity.map.text.text()
    assert similarity.map.stop.isVisible()
    similarity.map.stop.click()
    assert not similarity.map_controller.running
    assert "sketch until the map is made" in similarity.map.text.text()


def test_why_there_is_no_map_stands_where_it_would_be(analysed, qtbot, monkeypatch) -> None:
    from napari_bonemarrow.training import TrainingError

    _viewer, panel = analysed
    similarity = panel.controller.smear.similarity
    qtbot.waitUntil(lambda: not similarity.cell_features.running)
    similarity.show_map()
    assert "two principal axes" in similarity.map.text.text()

    def missing(*_ignored: object) -> None:
        raise TrainingError("UMAP needs umap-learn; run: pip install 'napari-bonemarrow[training]'")

    monkeypatch.setattr(similarity.map_controller._engine, "lay_out", missing, raising=False)
    similarity.map.make.click()
    assert "pip install" in similarity.map.text.text()
    assert not similarity.map_controller.running
