"""Children that search tiles: side by side, replaced when they die, ended when nobody needs them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_bonemarrow.cytology import Frame
from napari_bonemarrow.engine import Engine, EngineError, SlideSource
from napari_bonemarrow.slides import detect_cells, estimate_scale, open_slide
from napari_bonemarrow.slides.detection.cell_detection import detection_plan
from napari_bonemarrow.slides.detection.tile_search import merge_tiles
from tests.shared_engines import shared

MPP = 0.08


@pytest.fixture
def source(field: Path) -> SlideSource:
    return SlideSource(field, MPP)


@pytest.fixture(scope="module")
def two() -> Iterator[Engine]:
    with shared(Engine("cpu", threads=1, workers=2)) as engine:
        yield engine


def test_tiles_together_are_the_field_whatever_the_number_of_workers(
    two: Engine, source: SlideSource
) -> None:
    slide = open_slide(source.path, microns_per_pixel=MPP)
    plan = detection_plan(slide, tile_um=20)
    assert len(plan.tiles) > 4
    futures = two.detect_tiles(source, plan.tiles)
    assert len(futures) == len(plan.tiles)
    found = merge_tiles([future.result() for future in futures], Frame.whole_field(800, 600), MPP)
    expected = detect_cells(slide)
    for name in ("x", "y", "diameter_um", "score"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert len(two.tile_pids) == 2
    assert two.pid is None  # nothing of this needs the child that has the network


def test_a_child_estimates_the_scale_as_this_process_does(two: Engine, source: SlideSource) -> None:
    [future] = two.map_tiles("estimate", source.path, [None])
    [found] = future.result()
    assert found == estimate_scale(open_slide(source.path))
    assert found.low is not None
    assert found.high is not None
    assert found.low < MPP < found.high


def test_children_load_no_torch(two: Engine, source: SlideSource) -> None:
    plan = detection_plan(open_slide(source.path, microns_per_pixel=MPP), tile_um=20)
    wait(two.detect_tiles(source, plan.tiles[:2]))
    for pid in two.tile_pids:
        maps = Path(f"/proc/{pid}/maps")
        if not maps.exists():
            pytest.skip("this system does not tell what a process has loaded")
        assert "torch" not in maps.read_text()


def test_a_child_that_dies_is_replaced_and_its_tile_asked_once_more(two: Engine, source: SlideSource) -> None:
    plan = detection_plan(open_slide(source.path, microns_per_pixel=MPP), tile_um=20)
    wait(two.detect_tiles(source, plan.tiles[:2]))
    before = set(two.tile_pids)
    for pid in before:
        psutil.Process(pid).kill()
    cells = [future.result() for future in two.detect_tiles(source, plan.tiles)]
    assert sum(map(len, cells)) >= 5
    assert before.isdisjoint(two.tile_pids)


def test_a_tile_that_kills_its_children_fails_alone(two: Engine, source: SlideSource) -> None:
    plan = detection_plan(open_slide(source.path, microns_per_pixel=MPP), tile_um=20)
    deadly = Deadly()
    futures = two.map_tiles("search", source, [plan.tiles[0], deadly, plan.tiles[1]])
    with pytest.raises(EngineError, match=r"two processes ended \(exit code 3\)"):
        futures[1].result()
    assert futures[0].exception() is None
    assert futures[2].exception() is None


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        import os

        return os._exit, (3,)


def test_what_a_tile_complains_of_is_one_line(two: Engine, source: SlideSource, tmp_path: Path) -> None:
    gone = replace(source, path=tmp_path / "gone.png")
    plan = detection_plan(open_slide(source.path, microns_per_pixel=MPP), tile_um=20)
    error = two.detect_tiles(gone, plan.tiles[:1])[0].exception()
    assert "gone.png" in str(error)
    assert "\n" not in str(error)


def test_waiting_tiles_can_be_dropped_and_the_children_ended(source: SlideSource) -> None:
    plan = detection_plan(open_slide(source.path, microns_per_pixel=MPP), tile_um=20)
    with Engine("cpu", workers=1) as engine:
        assert engine.workers == 1
        engine.detect_tiles(source, plan.tiles[:1])[0].result()
        [child] = [psutil.Process(pid) for pid in engine.tile_pids]
        futures = engine.detect_tiles(source, plan.tiles * 4)
        engine.drop_stale("detect")
        with pytest.raises(CancelledError):
            futures[-1].result()
        engine.end_tiles()
        assert engine.tile_pids == []
        assert not psutil.wait_procs([child], timeout=10)[1]
        assert engine.detect_tiles(source, plan.tiles[:1])[0].result() is not None
        [child] = [psutil.Process(pid) for pid in engine.tile_pids]
    assert not psutil.wait_procs([child], timeout=10)[1]
    with pytest.raises(EngineError, match="closed"):
        engine.detect_tiles(source, plan.tiles)
