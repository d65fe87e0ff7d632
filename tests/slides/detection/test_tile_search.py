"""Tiles: the same cells whatever their size and order, each once, and what fails costs only itself."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import Cells, Field, Frame, Region
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.slides import (
    Scale,
    ScaleSource,
    Slide,
    SlideError,
    detect_cells,
    slide_from_array,
)
from napari_bonemarrow.slides.detection.cell_detection import detection_plan
from napari_bonemarrow.slides.detection.empty_areas import stained_blocks
from napari_bonemarrow.slides.detection.search_plan import RIM_UM, DetectionPlan, lay_out
from napari_bonemarrow.slides.detection.tile_search import merge_tiles, search_tile, stained_tiles
from napari_bonemarrow.slides.pixels.tiled import TiledLevel, TileError

MPP = 0.25
DENSE = {"LYT": 14, "NGS": 14, "EBO": 12, "PLM": 6, "BLA": 6, "KSC": 3}


@cache
def smear() -> Slide:
    image = draw_smear(11, width=720, height=560, microns_per_pixel=MPP, cells_per_class=DENSE).image
    return slide_from_array(image, MPP)


@cache
def reference() -> Cells:
    return detect_cells(smear())


def searched(slide: Slide, plan: DetectionPlan, order: list[int] | None = None) -> Cells:
    tiles = [plan.tiles[number] for number in order or range(len(plan.tiles))]
    frame = Frame.whole_field(slide.width, slide.height, images=tuple(f.region for f in slide.fields))
    return merge_tiles([search_tile(slide, tile) for tile in tiles], frame, MPP)


def assert_same(first: Cells, second: Cells) -> None:
    for name in Cells.__slots__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), name)


@settings(max_examples=6, deadline=None)
@given(tile_um=st.floats(35, 150), seed=st.integers(0, 99))
def test_cells_do_not_depend_on_the_tiles_size_and_order(tile_um: float, seed: int) -> None:
    slide = smear()
    plan = detection_plan(slide, tile_um=tile_um)
    order = np.random.default_rng(seed).permutation(len(plan.tiles)).tolist()
    assert len(reference()) >= 40
    assert_same(searched(slide, plan, order), reference())


@settings(max_examples=8, deadline=None)
@given(
    boxes=st.lists(
        st.tuples(st.floats(0, 600), st.floats(0, 450), st.floats(8, 500), st.floats(8, 400)),
        min_size=1,
        max_size=3,
    ),
    tile_um=st.sampled_from([40.0, 90.0]),
)
def test_regions_hold_the_cells_that_the_whole_slide_has_there(
    boxes: list[tuple[float, float, float, float]], tile_um: float
) -> None:
    slide, whole = smear(), reference()
    regions = tuple(Region(*box) for box in boxes)
    plan = replace(lay_out(slide, regions, tile_um=tile_um), profiles=detection_plan(slide).profiles)
    found = searched(slide, plan)
    positions = set(zip(whole.x.tolist(), whole.y.tolist(), strict=True))
    assert set(zip(found.x.tolist(), found.y.tolist(), strict=True)) <= positions
    assert len(set(zip(found.x.tolist(), found.y.tolist(), strict=True))) == len(found)
    inside = np.zeros(len(whole), bool)
    near = np.zeros(len(found), bool)
    for region in regions:
        inside |= region.contains(whole.x, whole.y)
        near |= region.shrunk(-RIM_UM / MPP - 1).contains(found.x, found.y)
    wanted = set(zip(whole.x[inside].tolist(), whole.y[inside].tolist(), strict=True))
    assert wanted <= set(zip(found.x.tolist(), found.y.tolist(), strict=True))
    assert near.all()


def test_tiles_cover_their_areas_once() -> None:
    plan = lay_out(smear(), tile_um=37)
    seen = np.zeros((560, 720), int)
    for tile in plan.tiles:
        i0, j0, i1, j1 = tile.core
        seen[i0:i1, j0:j1] += 1
    assert (seen == 1).all()
    assert sum(tile.area_mm2 for tile in plan.tiles) == pytest.approx(560 * 720 * (MPP / 1000) ** 2)


def test_a_region_within_another_is_not_searched_twice() -> None:
    twice = lay_out(smear(), [Region(0, 0, 500, 500), Region(100, 100, 50, 50)])
    assert twice.areas == lay_out(smear(), [Region(0, 0, 500, 500)]).areas


def test_a_plan_is_read_back_and_continues_its_layout() -> None:
    layout = lay_out(smear(), [Region(10, 10, 300, 200), Region(400, 300, 200, 200)], tile_um=60)
    plan = layout.with_profiles(detection_plan(smear()).profiles)
    written = json.loads(json.dumps(plan.to_json()))
    assert DetectionPlan.from_json(written) == plan
    assert layout.continues(written) == plan
    assert lay_out(smear(), [Region(10, 10, 300, 200)], tile_um=60).continues(written) is None
    assert layout.continues({**written, "method": plan.method + 1}) is None
    assert layout.continues({}) is None
    for key in written:
        with pytest.raises(SlideError, match="search again"):
            DetectionPlan.from_json({name: value for name, value in written.items() if name != key})


def test_a_layout_cannot_be_searched_before_its_stain_is_measured() -> None:
    with pytest.raises(ValueError, match="layout"):
        search_tile(smear(), lay_out(smear()).tiles[0])


def test_fields_side_by_side_have_borders_and_stains_of_their_own() -> None:
    left = draw_smear(3, width=400, height=400, microns_per_pixel=MPP, cells_per_class={"LYT": 6}).image
    right = draw_smear(4, width=400, height=400, microns_per_pixel=MPP, cells_per_class={"LYT": 6}).image
    right = np.clip(right * np.array([0.8, 0.85, 0.9]), 0, 255).astype(np.uint8)
    canvas = np.full((400, 900, 3), 128, np.uint8)
    canvas[:, :400], canvas[:, 500:] = left, right
    regions = (Region(0, 0, 400, 400), Region(500, 0, 400, 400))
    fields = tuple(Field(name, region) for name, region in zip("ab", regions, strict=True))
    slide = replace(slide_from_array(canvas, MPP), fields=fields)
    together = searched(slide, detection_plan(slide))
    alone = [detect_cells(slide_from_array(image, MPP)) for image in (left, right)]
    np.testing.assert_array_equal(np.sort(together.x), np.sort([*alone[0].x, *(alone[1].x + 500)]))
    assert together.in_frame.sum() == alone[0].in_frame.sum() + alone[1].in_frame.sum() >= 8
    assert_same(together, detect_cells(slide))


def lazily(
    image: np.ndarray, factor: int, broken: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Slide, list[tuple[int, int]]]:
    """A slide of two levels whose tiles are read when asked for, and what was asked of level 0."""
    height, width = image.shape[:2]
    small = image[: height // factor * factor, : width // factor * factor]
    small = small.reshape(height // factor, factor, width // factor, factor, 3).mean(axis=(1, 3))
    small = np.rint(small).astype(np.uint8)
    padded = np.pad(image, ((0, -height % 256), (0, -width % 256), (0, 0)))
    asked: list[tuple[int, int]] = []

    def read(row: int, column: int) -> np.ndarray:
        asked.append((row, column))
        if (row, column) in broken:
            raise ValueError("a bit fell over")
        return padded[row * 256 : row * 256 + 256, column * 256 : column * 256 + 256]

    levels = (
        TiledLevel("drawn.tif", 0, image.shape, (256, 256), read),
        TiledLevel("drawn.tif", 1, small.shape, small.shape[:2], lambda row, column: small),
    )
    return Slide(Path(), levels, Scale(MPP, ScaleSource.USER), "0" * 64), asked


@cache
def sparse() -> np.ndarray:
    """Glass of 1.1 mm with one corner of smear, and one pyknotic nucleus alone far from it."""
    rng = np.random.default_rng(0)
    image = np.clip(np.array([236, 233, 240]) + rng.normal(0, 1.5, (1024, 4352, 3)), 0, 255).astype(np.uint8)
    image[:560, :720] = np.asarray(smear().levels[0][:, :])
    y, x = np.mgrid[:1024, :4352]
    for row, column in ((803, 3001), (803, 3500), (700, 3001)):
        image[np.hypot(x - column, y - row) <= 10] = (80, 40, 120)  # 5 µm across
    return image


def test_glass_is_not_read_and_no_cell_is_lost_by_it() -> None:
    slide, asked = lazily(sparse(), 16)
    stained = stained_blocks(slide)
    assert stained is not None
    assert stained.mean() < 0.25
    plan = detection_plan(slide, tile_um=64)
    busy = stained_tiles(slide, plan)
    assert len(busy) < len(plan.tiles) / 3
    asked.clear()
    cells = searched(slide, plan)
    everywhere = slide_from_array(sparse(), MPP)  # has no level that glass could be told from
    assert stained_blocks(everywhere) is None
    same = replace(lay_out(everywhere, tile_um=300), profiles=plan.profiles)
    assert_same(cells, searched(everywhere, same))
    assert ((cells.x > 2900) & (cells.y > 650)).sum() == 3
    read = np.unique(np.array(asked), axis=0)
    assert len(read) < 4 * 17 / 2
    assert_same(cells, searched(slide, detection_plan(slide, tile_um=200)))


def test_a_tile_that_cannot_be_read_names_itself_and_the_others_go_on() -> None:
    image = np.asarray(smear().levels[0][:, :])
    slide, _ = lazily(image, 4, broken=frozenset({(2, 2)}))
    plan = detection_plan(slide, tile_um=45)
    found, lines = [], []
    for tile in plan.tiles:
        try:
            found.append(search_tile(slide, tile))
        except TileError as error:
            lines.append(str(error))
    assert 0 < len(lines) < len(plan.tiles)
    assert all("column 2, row 2" in line and "\n" not in line for line in lines)
    assert sum(map(len, found)) > 10
