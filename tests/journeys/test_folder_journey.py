"""A folder of photographs that state no scale, in the real window: every ring lies on its cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.drawing import DrawnSmear, draw_smear
from napari_bonemarrow.gui.canvas.rings.code_plates import pixels_of
from napari_bonemarrow.slides import cut_crops, slide_from_array

from .reviewer import LOADING, Reviewer

MICRONS = 0.1
SIZES = [(520, 420), (480, 460), (520, 420), (600, 400)]
NEAR_UM = 3.0
SPAN_UM = 25.0
"""Side of a thumbnail."""


@pytest.fixture(scope="module")
def photographs() -> list[DrawnSmear]:
    cells = {"LYT": 2, "NGS": 2, "EBO": 1}
    return [
        draw_smear(seed, width=width, height=height, microns_per_pixel=MICRONS, cells_per_class=cells)
        for seed, (width, height) in enumerate(SIZES, start=21)
    ]


@pytest.fixture
def folder(photographs: list[DrawnSmear], tmp_path: Path) -> Path:
    path = tmp_path / "marrow"
    path.mkdir()
    for number, drawn in enumerate(photographs, start=1):
        Image.fromarray(drawn.image).save(path / f"photograph {number}.png")  # without a density
    return path


def _rings(reviewer: Reviewer) -> np.ndarray:
    """Return where the rings lie, x and y in px, by what the layers themselves say."""
    rings = reviewer.controller.smear_viewer.rings.layer
    smear = reviewer.controller.smear_viewer.smear
    world = [rings.data_to_world(place) for place in rings.data]
    return np.array([smear.world_to_data(place)[::-1] for place in world])


def _assert_rings_lie_on_cells(reviewer: Reviewer, photographs: list[DrawnSmear]) -> None:
    rings, regions = _rings(reviewer), reviewer.controller.smear.session.slide.images
    claimed = 0
    for drawn, region in zip(photographs, regions, strict=True):
        whole = drawn.cells.select(~drawn.at_border)
        for x, y in zip(whole.x + region.x, whole.y + region.y, strict=True):
            apart = np.hypot(rings[:, 0] - x, rings[:, 1] - y).min() * MICRONS
            assert apart < NEAR_UM, (region, x, y)
            claimed += 1
    assert claimed >= 4 * 3
    inside = reviewer.controller.smear.session.slide.images_at(rings[:, 0], rings[:, 1])
    assert set(inside.tolist()) == {0, 1, 2, 3}


def _assert_the_screen_shows_the_cells(reviewer: Reviewer, photographs: list[DrawnSmear]) -> None:
    """See that the middle of each ring of the last photograph has the colour of that photograph there."""
    controller, case = reviewer.controller, reviewer.case
    slide = controller.smear.session.slide
    last, image = slide.images[3], photographs[3].image
    for index in np.flatnonzero(slide.images_at(case.cells.x, case.cells.y) == 3):
        x, y = float(case.cells.x[index]), float(case.cells.y[index])
        controller.smear_viewer.view.look(
            (y * MICRONS, x * MICRONS), 2 / MICRONS
        )  # 2 px of the screen a pixel
        row, column = round(y - last.y), round(x - last.x)
        wanted = image[row - 2 : row + 3, column - 2 : column + 3].mean(axis=(0, 1))
        reviewer.qtbot.waitUntil(
            lambda x=x, y=y, wanted=wanted: np.abs(_seen(reviewer, x, y) - wanted).max() < 12, timeout=LOADING
        )


def _seen(reviewer: Reviewer, x: float, y: float) -> np.ndarray:
    """Return the mean colour that the screen shows around a place, level-0 px."""
    shot = reviewer.viewer.screenshot(canvas_only=True, flash=False)
    ratio = shot.shape[1] / reviewer._qt.canvas.native.width()
    place = reviewer.screen_place(x, y)
    row, column = round(place.y() * ratio), round(place.x() * ratio)
    return shot[row - 3 : row + 4, column - 3 : column + 4, :3].mean(axis=(0, 1))


def _assert_thumbnails_show_the_cells(reviewer: Reviewer, photographs: list[DrawnSmear]) -> None:
    controller, case, qtbot = reviewer.controller, reviewer.case, reviewer.qtbot
    slide, store = controller.smear.session.slide, controller.smear.gallery.dock.store
    controller.smear.gallery.show()
    # The gallery asks for those in view, the counted ones.
    in_view = set(case.cells.cell_id[case.cells.in_frame].tolist())
    qtbot.waitUntil(lambda: any(store.get(cell) is not None for cell in in_view), timeout=LOADING)
    cells = [cell for cell in case.cells.cell_id.tolist() if store.get(cell) is not None]
    alone = [slide_from_array(drawn.image, MICRONS) for drawn in photographs]
    numbers = slide.images_at(case.cells.x, case.cells.y)
    for index in np.searchsorted(case.cells.cell_id, cells):
        cell = int(case.cells.cell_id[index])
        shown = store.get(cell).toImage()
        side, number = shown.width(), int(numbers[index])
        region = slide.images[number]
        place = [case.cells.x[index] - region.x], [case.cells.y[index] - region.y]
        [wanted] = cut_crops(alone[number], *place, microns_per_pixel=SPAN_UM / side, size=side)
        pixels = pixels_of(shown)[..., :3].astype(int)
        middle = slice(side // 4, -side // 4)  # no cell is so near to a border that this lies beyond it
        assert np.abs(pixels - wanted)[middle, middle].mean() < 3, cell


def test_rings_thumbnails_and_cells_agree_in_every_photograph(
    come_in: Callable[[], Reviewer], folder: Path, photographs: list[DrawnSmear]
) -> None:
    reviewer = come_in()
    reviewer.open(folder, MICRONS)
    reviewer.find()
    reviewer.wait_for_screen()
    _assert_rings_lie_on_cells(reviewer, photographs)
    _assert_the_screen_shows_the_cells(reviewer, photographs)
    _assert_thumbnails_show_the_cells(reviewer, photographs)
    found, codes = reviewer.case.cells, reviewer.case.effective_codes()
    reviewer.viewer.close()

    again = come_in()
    again.open(folder, None)
    again.wait_for_screen()
    np.testing.assert_array_equal(again.case.cells.x, found.x)
    np.testing.assert_array_equal(again.case.cells.y, found.y)
    assert again.case.effective_codes() == codes
    _assert_rings_lie_on_cells(again, photographs)
    _assert_the_screen_shows_the_cells(again, photographs)
    _assert_thumbnails_show_the_cells(again, photographs)
