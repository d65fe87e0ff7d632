"""A slide of several levels in the real window: its view, its regions, what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Field, Region, RegionRanking
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.gui.canvas.layers.quality_layer import quality_pixels, reason_swatch, score_swatch
from napari_bonemarrow.gui.canvas.rings.found_cells import with_preview
from napari_bonemarrow.gui.canvas.tiles.redraw import stream_of
from napari_bonemarrow.gui.core.notice_text import doing_text
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.correction.split_merge import long_axis_places
from napari_bonemarrow.gui.inspector import cell_info
from napari_bonemarrow.gui.setup import region_choice, slide_info
from napari_bonemarrow.gui.setup.quality_map import legend_rows
from napari_bonemarrow.gui.window.open_smear import OpenSmear
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, Slide, slide_from_array
from napari_bonemarrow.slides.detection.search_plan import lay_out
from napari_bonemarrow.slides.survey.quality_map import Grid, QualityMap, Reason
from tests.gui.canvas.tiles.test_stream import Pyramid

RANKED = RegionRanking(
    tuple(Region(400 * k, 0, 300, 300) for k in range(4)),
    (0.9, 0.8, 0.7, 0.6),
    {"blank": 900, "thick": 30, "out of focus": 10},
    {"expected_cells": [300.0, 290.0, 280.0, 270.0]},
)


def _slide(pyramid: Pyramid, microns: float = 4.0) -> Slide:
    scale = Scale(microns, ScaleSource.FILE, basis="drawn")
    return Slide(Path("drawn.tif"), pyramid.levels, scale, "0" * 64)


@pytest.fixture
def session(tmp_path):
    """A slide of 5 mm², which nothing has been done to."""
    slide = _slide(Pyramid())
    case = Case.create(tmp_path / "drawn.bmcase", slide, reviewer="anna")
    yield Session(slide, case)
    case.close()


def test_the_view_becomes_sharp_and_is_let_go(open_panel, qtbot):
    _viewer, panel = open_panel()
    smear_viewer, pyramid = panel.controller.smear_viewer, Pyramid()
    smear_viewer.show_slide(_slide(pyramid, 0.25))
    layer = smear_viewer.smear
    assert layer.multiscale
    smear_viewer.camera.zoom = 20.0
    qtbot.waitUntil(lambda: layer.data_level == 0, timeout=10_000)

    def is_sharp() -> bool:
        (top, left), (bottom, right) = layer.corner_pixels
        return np.array_equal(layer._slice.image.raw, pyramid.pixels[0][top : bottom + 1, left : right + 1])

    qtbot.waitUntil(lambda: is_sharp() and smear_viewer.tiles.is_idle, timeout=10_000)
    stream = stream_of(layer)
    smear_viewer.clear()
    stream.views[1][:, :]  # nobody listens: it is read at once, and no thread is left
    assert not stream._wanted


def test_tiles_that_cannot_be_read_are_told_in_the_panel(open_panel, session, qtbot):
    _viewer, panel = open_panel()
    controller, pyramid = panel.controller, Pyramid(broken=frozenset({(2, 0, 0)}))
    session.slide = _slide(pyramid, 0.25)
    controller.smear_viewer.show_slide(session.slide)
    smear = OpenSmear(session, controller._workplace(), controller)
    text = panel.slide_tab.unreadable_text
    qtbot.waitUntil(lambda: text.text() == "1 tile of this slide can't be read and shows hatched.")
    pyramid.broken.clear()
    panel.slide_tab.retry_button.click()
    qtbot.waitUntil(lambda: not text.text())
    smear.close()


def test_where_to_look_leads_from_survey_to_regions(session):
    info = region_choice.where_info(session, analysed=False, counted=0)
    assert info.next_step == "survey"
    session.case.sampling.record_ranking(RANKED)
    info = region_choice.where_info(session, analysed=False, counted=0)
    assert info.next_step == "best"
    assert info.avoided == "Avoided: thick 75 %, out of focus 25 %"
    session.regions = RANKED.regions[:2]
    info = region_choice.where_info(session, analysed=False, counted=0)
    assert info.next_step == ""
    assert "590 nucleated cells" in info.text
    assert region_choice.frame_text(session).startswith("The best 2 regions")
    session.regions = (Region(5, 5, 100, 100), Region(200, 5, 100, 100))
    assert region_choice.frame_text(session).startswith("2 drawn regions")


def test_the_next_region_is_offered_while_the_target_is_not_met(session):
    case = session.case
    case.sampling.record_ranking(RANKED)
    session.regions = RANKED.regions[:2]
    case.sampling.set_frame(session.frame(), 500)
    case.set_label([case.cell_edits.add(100.0, 100.0)], "LYT")  # a class has been seen: the choice is fixed
    assert region_choice.where_info(session, analysed=True, counted=400).can_extend
    assert not region_choice.where_info(session, analysed=True, counted=500).can_extend
    case.sampling.extend_frame(4)
    info = region_choice.where_info(session, analysed=True, counted=400)
    assert not info.can_extend
    assert "No region is left" in info.text


def test_a_field_is_not_surveyed(tmp_path):
    slide = slide_from_array(np.full((500, 500, 3), 230, np.uint8), 0.1)
    with Case.create(tmp_path / "field.bmcase", slide, reviewer="anna") as case:
        assert region_choice.where_info(Session(slide, case), analysed=False, counted=0) is None


def test_a_search_that_was_broken_off_can_go_on(session):
    case = session.case
    assert slide_info.find_text(case) == "Find cells"
    plan = lay_out(session.slide)
    case.detection.record_tiles(plan.to_json(), [0], Cells.empty())
    assert slide_info.find_text(case) == f"Continue finding cells: 1 of {len(plan.tiles)} tiles done"


def test_cells_being_found_are_shown_beside_those_there_are(session):
    found = draw_smear(3, width=300, height=300, cells_per_class={"LYT": 3}).cells
    cells, codes, features = with_preview(session.case, [found, found])
    assert len(cells) == len(codes) == 2 * len(found)
    assert (cells.cell_id < 0).all()
    assert {len(values) for values in features.values()} == {len(cells)}


def test_a_cell_is_split_along_its_long_axis():
    rows, columns = np.mgrid[:400, :400]
    ends = [(180, 180), (220, 220)]  # (x, y): two discs that touch along a diagonal
    image = np.full((400, 400, 3), 235, np.uint8)
    for x, y in ends:
        image[np.hypot(columns - x, rows - y) <= 27] = (90, 50, 140)
    places = long_axis_places(slide_from_array(image, 0.1), 200, 200, 11.0)
    for (x, y), (true_x, true_y) in zip(sorted(places), ends, strict=True):
        assert np.hypot(x - true_x, y - true_y) * 0.1 < 1.5


def test_a_cell_of_a_mosaic_says_its_field(tmp_path):
    slide = slide_from_array(np.full((300, 600, 3), 230, np.uint8), 0.1)
    fields = (Field("a.png", Region(0, 0, 290, 300)), Field("b.png", Region(310, 0, 290, 300)))
    slide = Slide(slide.path, slide.levels, slide.scale, slide.fingerprint, fields=fields)
    with Case.create(tmp_path / "fields.bmcase", slide, reviewer="anna") as case:
        session = Session(slide, case)
        case.sampling.set_frame(session.frame())
        cell = case.cell_edits.add(450.0, 150.0)
        assert cell_info.cell_info(session, cell).counted_text == "b.png"
        assert region_choice.frame_text(session).startswith("All 2 fields")
        assert slide_info.slide_info(session).fields == ("a.png", "b.png")
        assert slide_info.slide_info(session).size.startswith("2 photographs of 290 × 300 px")


def _quality(slide: Slide | None = None) -> QualityMap:
    """Four places: good, thick, bare glass, not measured."""
    shape = (2, 2)
    reason = np.array([[Reason.NONE, Reason.THICK], [Reason.BLANK, Reason.NONE]], np.uint8)
    score = np.array([[0.9, 0], [0, np.nan]], np.float32)
    rest = [np.zeros(shape, np.float32)] * 5
    width, height, scale = (slide.width, slide.height, slide.microns_per_pixel) if slide else (800, 800, 0.25)
    return QualityMap(Grid(width, height, 2, 2, scale), score > 0, score, reason, *rest, score > 2)


def test_the_quality_map_is_clear_where_nothing_is_and_hatched_where_avoided():
    pixels = quality_pixels(_quality())
    quarters = [pixels[:8, :8], pixels[:8, 8:], pixels[8:, :8], pixels[8:, 8:]]
    assert (quarters[0][..., 3] > 0).all()
    assert 0 < (quarters[1][..., 3] > 0).mean() < 1
    assert not quarters[2][..., 3].any()
    assert not quarters[3][..., 3].any()


def test_the_key_shows_what_the_map_is_drawn_with():
    pixels, drawn = quality_pixels(_quality()), reason_swatch(Reason.THICK)
    np.testing.assert_array_equal(drawn[:8, :8, 3], pixels[:8, 8:, 3])
    seen = drawn[:8, :8, 3] > 0
    np.testing.assert_array_equal(drawn[:8, :8][seen], pixels[:8, 8:][seen])
    strip = score_swatch(11)
    np.testing.assert_array_equal(strip[0, 9], pixels[0, 0])  # a score of 0.9
    [row] = legend_rows(_quality())
    assert (row.text, row.share) == (Reason.THICK.text, "33 %")  # of three places: bare glass is not a smear


def test_a_kept_map_is_there_after_reopening_and_follows_its_switch(open_panel, session, qtbot):
    _viewer, panel = open_panel()
    controller, part = panel.controller, panel.slide_tab.where
    smear_viewer = controller.smear_viewer
    smear_viewer.show_slide(session.slide)
    OpenSmear(session, controller._workplace(), controller).close()
    assert part.legend.isHidden()
    assert smear_viewer.quality is None
    session.case.sampling.record_ranking(RANKED, _quality(session.slide).arrays())
    smear = OpenSmear(session, controller._workplace(), controller)
    assert not part.legend.isHidden()
    assert part.avoided_text.isHidden()  # the key tells it
    np.testing.assert_array_equal(smear_viewer.quality.data, quality_pixels(_quality(session.slide)))
    part.legend.box.click()
    assert not smear_viewer.quality.visible
    smear_viewer.quality.visible = True  # napari's eye
    assert part.legend.box.isChecked()
    smear_viewer.viewer.layers.remove(smear_viewer.quality)
    qtbot.waitUntil(lambda: not part.legend.box.isChecked())
    part.legend.box.click()
    assert smear_viewer.quality.visible
    smear.close()
    session.case.sampling.set_frame(session.frame(), 500)
    smear = OpenSmear(session, controller._workplace(), controller)
    assert not smear_viewer.quality.visible  # what is counted is settled: the map waits
    smear.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "a"),
        (20, "a · less than a minute left"),
        (200, "a · about 3 min left"),
        (7200, "a · about 2 h 00 min left"),
    ],
)
def test_the_time_left_is_told_in_words(seconds, text):
    assert doing_text("a", seconds) == text
