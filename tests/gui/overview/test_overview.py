"""A small map says where one is, and leads elsewhere."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.drawing import write_sample
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.case_info import FieldInfo, field_infos
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.overview.overview_view import LONG_SIDE, OverviewView
from napari_bonemarrow.gui.widgets.theme import theme_colors


@pytest.fixture
def view(qtbot):
    made = OverviewView()
    qtbot.addWidget(made)
    made.set_colors(theme_colors("dark"))
    return made


@pytest.fixture
def folder(smear, tmp_path: Path) -> Path:
    made = tmp_path / "fields"
    made.mkdir()
    for name in ("a", "b", "c"):
        write_sample(made / f"{name}.png", smear)
    return made


def _open(panel, qtbot, path) -> None:
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(path)


def test_a_click_says_where_to_go(view, qtbot):
    view.show_slide(8000, 4000)
    view.show()
    told = []
    view.place_wanted.connect(lambda x, y: told.append((x, y)))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.rect().center())
    assert told[-1] == pytest.approx((4000, 2000), abs=8000 / LONG_SIDE * 2)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert told[-1] == (0, 0)  # beside the slide is its nearest edge
    assert view.width() <= LONG_SIDE + 10
    view.show_slide(90_000, 900)
    assert view.height() >= 40  # still to be hit


def test_what_is_seen_is_drawn_over_picture_regions_and_fields(view):
    view.show_slide(1000, 1000)
    empty = view.grab().toImage()
    view.show_picture(np.full((50, 50, 3), 200, np.uint8))
    picture = view.grab().toImage()
    view.show_regions([Region(100, 100, 300, 300)])
    region = view.grab().toImage()
    view.show_fields([FieldInfo("a", Region(500, 500, 400, 400), 4, 2)])
    field = view.grab().toImage()
    view.show_seen(10, 10, 90, 90)
    seen = view.grab().toImage()
    pictures = (empty, picture, region, field, seen)
    assert all(one != other for one, other in combinations(pictures, 2))


def test_it_comes_when_a_part_is_seen_and_leads_elsewhere(analysed, qtbot):
    viewer, panel = analysed
    controller = panel.controller
    view, smear_viewer = controller.smear.overview.view, controller.smear_viewer
    viewer.reset_view()
    qtbot.waitUntil(lambda: view.seen is not None and view.isHidden())
    smear_viewer.camera.zoom *= 6
    qtbot.waitUntil(view.isVisible)
    assert view.geometry().bottom() <= view.parentWidget().height()
    slide = controller.smear.session.slide
    view.place_wanted.emit(slide.width * 0.75, slide.height * 0.25)
    place = np.array([slide.height * 0.25, slide.width * 0.75]) * slide.microns_per_pixel
    assert smear_viewer.camera.center[-2:] == pytest.approx(tuple(place))
    qtbot.waitUntil(lambda: view.seen[0] < slide.width * 0.75 < view.seen[2])
    controller.do(TABLE.acts["overview"])
    assert view.isHidden()
    assert not settings.load().overview
    controller.do(TABLE.acts["overview"])
    assert view.isVisible()


def test_it_goes_with_the_smear_and_with_the_panel(analysed, qtbot):
    viewer, panel = analysed
    view = panel.controller.smear.overview.view
    panel.controller.smear_viewer.camera.zoom *= 6
    qtbot.waitUntil(view.isVisible)
    with qtbot.waitSignal(view.destroyed):
        viewer.window.remove_dock_widget(panel)


def test_fields_are_gone_through_by_key_and_told_with_their_progress(open_panel, folder, qtbot):
    _viewer, panel = open_panel()
    _open(panel, qtbot, folder)
    controller = panel.controller
    fields = controller.smear.session.slide.fields
    box = panel.slide_tab.field_box
    assert [box.itemText(at) for at in range(3)] == ["a.png", "b.png", "c.png"]

    def middle() -> str:
        at = controller.smear_viewer.view.nearest_region([each.region for each in fields])
        return fields[at].name

    controller.smear_viewer.view.show_region(fields[0].region)
    assert middle() == "a.png"
    controller.do(TABLE.acts["next_field"])
    assert middle() == "b.png"
    controller.do(TABLE.acts["next_field"])
    controller.do(TABLE.acts["next_field"])
    assert middle() == "c.png"  # the last is followed by none
    controller.do(TABLE.acts["previous_field"])
    assert middle() == "b.png"
    box.activated.emit(2)
    assert middle() == "c.png"
    told = [FieldInfo(each.name, each.region, 4, at) for at, each in enumerate(fields)]
    controller.smear.overview.fields_counted.emit(tuple(told))
    assert [box.itemText(at) for at in range(3)] == [
        f"{n}.png · {at} of 4 reviewed" for at, n in enumerate("abc")
    ]


def test_a_folder_is_shown_by_its_photographs_with_a_bar_for_what_was_reviewed(
    open_panel, folder, smear, qtbot
):
    _viewer, panel = open_panel()
    _open(panel, qtbot, folder)
    view, fields = panel.controller.smear.overview.view, panel.controller.smear.session.slide.fields
    qtbot.waitUntil(lambda: view.picture is not None, timeout=20_000)
    view.show_seen(0, 0, 1, 1)
    drawn = view.grab().toImage()
    place = view._region_box(fields[1].region)
    pixels = {
        drawn.pixel(x, y)
        for x in range(round(place.left()) + 4, round(place.right()) - 4)
        for y in range(round(place.top()) + 4, round(place.bottom()) - 8)
    }
    assert len(pixels) > 50  # a photograph, no box of one colour
    view.show_fields([FieldInfo(each.name, each.region, 4, 4) for each in fields])
    done = view.grab().toImage()
    foot = round(place.center().x()), round(place.bottom()) - 2
    assert drawn.pixel(*foot) != done.pixel(*foot)
    middle = round(place.center().x()), round(place.center().y())
    assert drawn.pixel(*middle) == done.pixel(*middle)


def test_what_counts_in_each_field_is_counted():
    fields = [SimpleNamespace(name=name, region=Region(x, 0, 100, 100)) for name, x in (("a", 0), ("b", 200))]
    cells = SimpleNamespace(
        x=np.array([10.0, 20.0, 30.0, 210.0]),
        y=np.array([10.0, 10.0, 10.0, 10.0]),
        in_frame=np.array([True, True, False, True]),
    )
    case = SimpleNamespace(cells=cells, reviewed=lambda: np.array([True, False, True, True]))
    first, second = field_infos(SimpleNamespace(fields=fields), case)
    assert (first.cells, first.reviewed) == (2, 1)
    assert second.text == "b · 1 of 1 reviewed"
