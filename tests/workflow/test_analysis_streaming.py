"""A slide of several tiles: found in batches, broken off, gone on with, grown, and read in part only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_bonemarrow.cytology import BoneMarrowError, Cells, Frame, Region, RegionRanking
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case, EventKind
from napari_bonemarrow.slides import Slide, detect_cells, open_slide
from napari_bonemarrow.workflow import (
    CellsClassified,
    CellsFound,
    Doing,
    TilesFound,
    analyse,
    apply_step,
    detect_inputs,
    open_or_create_case,
    slide_search,
)
from tests.shared_engines import shared

MPP = 0.25
WIDTH, HEIGHT = 3200, 1920
TILES = 6


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """800 by 480 µm, six tiles, of one piece of smear again and again."""
    piece = draw_smear(
        5, width=640, height=480, microns_per_pixel=MPP, cells_per_class={"LYT": 2, "NGS": 2, "EBO": 1}
    ).image
    path = tmp_path_factory.mktemp("slide") / "slide.png"
    Image.fromarray(np.tile(piece, (4, 5, 1))).save(path)
    return path


@pytest.fixture(scope="module")
def whole(picture: Path) -> Cells:
    """What is found when all is searched in one process."""
    return detect_cells(open_slide(picture, microns_per_pixel=MPP))


@pytest.fixture
def opened(picture: Path, tmp_path: Path) -> Iterator[tuple[Slide, Case]]:
    path = tmp_path / "slide.png"
    os.link(picture, path)
    slide, case = open_or_create_case(path, reviewer="Dr A", microns_per_pixel=MPP)
    yield slide, case
    case.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slide_search, "BATCH_TILES", 2)


@pytest.fixture(scope="module")
def two() -> Iterator[Engine]:
    with shared(Engine("cpu", threads=1, workers=2)) as serving:
        yield serving


def test_batches_make_up_the_cells_of_the_whole(
    two: Engine, opened: tuple[Slide, Case], whole: Cells
) -> None:
    slide, case = opened
    steps = []
    for step in analyse(two, slide, case):
        apply_step(case, step)
        steps.append(step)
        if isinstance(step, CellsClassified):
            break
    batches = [step for step in steps if isinstance(step, TilesFound)]
    assert sorted(tile for batch in batches for tile in batch.tiles) == list(range(TILES))
    assert [batch.done for batch in batches] == sorted(batch.done for batch in batches)
    assert (batches[-1].done, batches[-1].total, batches[-1].seconds_left) == (TILES, TILES, 0)
    assert len(batches) >= 2
    [found] = [step for step in steps if isinstance(step, CellsFound)]
    assert sum(len(batch.cells) for batch in batches) == len(found.cells)
    for name in ("cell_id", "x", "y", "diameter_um", "score", "in_frame"):
        np.testing.assert_array_equal(getattr(case.cells, name), getattr(whole, name))
    assert case.detection.progress is None
    assert steps[-1].predictions.cell_id.size > 0
    in_frame = dict(zip(case.cells.cell_id.tolist(), case.cells.in_frame.tolist(), strict=True))
    assert all(in_frame[cell] for cell in steps[-1].predictions.cell_id.tolist())
    assert any(isinstance(step, Doing) for step in steps)
    assert two.tile_pids == []


def test_a_search_that_was_broken_off_goes_on(two: Engine, opened: tuple[Slide, Case], whole: Cells) -> None:
    slide, case = opened
    steps = analyse(two, slide, case)
    for step in steps:
        apply_step(case, step)
        if isinstance(step, TilesFound):
            steps.close()  # type: ignore[attr-defined]
            break
    progress = case.detection.progress
    assert progress is not None
    assert 0 < len(progress.done) < TILES
    again = []
    for step in analyse(two, slide, case):
        apply_step(case, step)
        if isinstance(step, TilesFound):
            again += step.tiles
        if isinstance(step, CellsFound):
            break
    assert set(again) == set(range(TILES)) - progress.done
    np.testing.assert_array_equal(case.cells.x, whole.x)


@pytest.mark.slow
def test_only_the_frame_is_searched_and_then_only_what_it_has_grown_by(
    two: Engine, opened: tuple[Slide, Case], whole: Cells
) -> None:
    slide, case = opened
    regions = (Region(100, 100, 900, 800), Region(1900, 700, 900, 800))
    case.sampling.record_ranking(RegionRanking(regions, (0.9, 0.8), {}, {}))
    case.sampling.set_frame(Frame(regions[:1], 5.0, slide.width, slide.height))

    def find() -> CellsFound:
        for step in analyse(two, slide, case):
            apply_step(case, step)
            if isinstance(step, CellsFound):
                return step
        raise AssertionError("nothing was searched")

    first = find()
    assert first.searched == regions[:1]
    assert first.cells.x.max() < 1100
    case.sampling.extend_frame(2)
    second = find()
    assert second.extends
    assert second.searched == regions[1:]
    assert second.cells.x.min() > 1800
    for region in regions:
        expected = region.contains(whole.x, whole.y)
        kept = region.contains(case.cells.x, case.cells.y)
        np.testing.assert_array_equal(np.sort(case.cells.x[kept]), np.sort(whole.x[expected]))
        assert case.cells.in_frame[kept].all()


@pytest.mark.slow
def test_a_tile_that_fails_costs_only_itself_and_is_written_down(
    two: Engine, opened: tuple[Slide, Case], whole: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide, case = opened
    ask = Engine.detect_tiles

    def breaking(engine: Engine, source: object, tiles: list) -> list:
        futures = ask(engine, source, tiles)  # type: ignore[arg-type]
        for number, tile in enumerate(tiles):
            if tile.number == 3:
                futures[number].cancel()
                futures[number] = engine.map_tiles("no_such_function", source, [tile])[0]  # type: ignore[arg-type]
        return futures

    monkeypatch.setattr(Engine, "detect_tiles", breaking)
    for step in analyse(two, slide, case):
        apply_step(case, step)
        if isinstance(step, CellsFound):
            break
    [run] = [event for event in case.history.events() if event.kind == EventKind.DETECTOR_RUN]
    [line] = run.new["parameters"]["failed_tiles"]
    assert "no_such_function" in line
    assert 0 < len(case.cells) < len(whole)


def _cut_in_the_middle(picture: Path, to: Path) -> tuple[int, int]:
    """Write the slide as a pyramid with one tile of zeros; return that tile's row and column."""
    pixels = np.asarray(Image.open(picture))
    same = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib", "metadata": None}
    with tifffile.TiffWriter(to) as writer:
        writer.write(pixels, **same)
        writer.write(pixels[::4, ::4], subfiletype=1, **same)
    row, column = 3, 9
    with tifffile.TiffFile(to) as file:
        page = file.pages[0]
        number = row * (-(-WIDTH // 256)) + column
        place, length = page.dataoffsets[number], page.databytecounts[number]
    with to.open("r+b") as opened:
        opened.seek(place)
        opened.write(b"\0" * length)
    return row, column


def test_a_file_damaged_in_the_middle_is_searched_and_classified_around_it(
    two: Engine, picture: Path, tmp_path: Path, whole: Cells
) -> None:
    path = tmp_path / "damaged.tif"
    row, column = _cut_in_the_middle(picture, path)
    slide, case = open_or_create_case(path, reviewer="Dr A", microns_per_pixel=MPP)
    with case:
        for step in analyse(two, slide, case):
            apply_step(case, step)
            if isinstance(step, CellsClassified):
                break
        [run] = [event for event in case.history.events() if event.kind == EventKind.DETECTOR_RUN]
        lines = run.new["parameters"]["failed_tiles"]
        assert lines
        for line in lines:
            assert f"damaged.tif: the tile at level 0, column {column}, row {row} cannot be read" in line
            assert "\n" not in line
        assert 0 < len(case.cells) < len(whole)
        far = np.hypot(whole.x - (column + 0.5) * 256, whole.y - (row + 0.5) * 256) > 1500
        assert far.sum() > 5
        found = set(zip(case.cells.x.round().tolist(), case.cells.y.round().tolist(), strict=True))
        expected = list(zip(whole.x[far].round().tolist(), whole.y[far].round().tolist(), strict=True))
        assert all(place in found for place in expected)
        assert case.effective_codes()


@pytest.mark.slow
def test_a_slide_that_has_gone_is_said_and_what_was_found_stays(
    two: Engine, opened: tuple[Slide, Case]
) -> None:
    slide, case = opened
    steps = analyse(two, slide, case)
    batch = next(step for step in steps if isinstance(step, TilesFound))
    apply_step(case, batch)
    steps.close()  # type: ignore[attr-defined]
    slide.path.unlink()
    with pytest.raises(BoneMarrowError, match=r"slide\.png"):
        list(analyse(two, slide, case))
    assert case.detection.progress is not None
    assert len(case.detection.progress.cells) > 0


def test_detect_streams_goes_on_and_leaves_nothing_behind(
    picture: Path, tmp_path: Path, whole: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slide_search, "BATCH_TILES", 1)
    out = tmp_path / "out"

    def stop(done: int, total: int, text: str) -> None:
        if "mm²/s" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_inputs([picture], out, microns_per_pixel=MPP, progress=stop)
    kept = out / "slide" / ".search.bmcase"
    with Case.open(kept, reviewer="Dr A") as case:
        assert case.detection.progress is not None
        done = len(case.detection.progress.done)
    assert 0 < done < TILES
    [row] = detect_inputs([picture], out, microns_per_pixel=MPP)
    assert row.found == len(whole)
    assert [path.name for path in (out / "slide").iterdir()] == ["cells.csv"]
