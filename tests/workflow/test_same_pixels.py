"""By whatever route an image is opened, a cell's place shows the same pixels, and nothing of a neighbour."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.engine import Engine, SlideSource, child
from napari_bonemarrow.report import export
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import (
    Scale,
    ScaleSource,
    Slide,
    SlideError,
    cut_crops,
    open_slide,
    slide_from_array,
)
from napari_bonemarrow.workflow import CountOptions, count_inputs, open_or_create_case, slide_of_case
from napari_bonemarrow.workflow.inputs import Input as Named
from tests.coded import INPUTS, MPP, Input, assert_shows, coded, places

SCALE = Scale(MPP, ScaleSource.USER, basis="given")
FINER = Scale(0.0413, ScaleSource.USER)
SIZE = 60
"""Side of the crops that are compared, px: a smaller one shows as well where they lie."""


@pytest.fixture(params=list(INPUTS))
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Input:
    folder = tmp_path / "in"
    folder.mkdir()
    return INPUTS[request.param](folder)


def _slides(given: Input, folder: Path) -> Iterator[tuple[str, Slide]]:
    """Open it in every way in which the program does, and give it the scale that it lacks."""
    yield "opened, then scaled", open_slide(given.path).with_scale(SCALE)
    yield "opened at a scale", open_slide(given.path, microns_per_pixel=MPP)
    child._slides.clear()
    yield "the child, told of a path", child._slide(SlideSource(given.path, MPP))
    child._slides.clear()
    yield "the child, told of a slide", child._slide(SlideSource.of(open_slide(given.path).with_scale(SCALE)))
    child._slides.clear()
    path = folder / "made.bmcase"
    slide, case = open_or_create_case(given.path, reviewer="A", case_path=path)
    case.sampling.confirm_scale(SCALE)
    yield "a new case, before it had a scale", slide.with_scale(SCALE)
    case.close()
    with Case.open(path, read_only=True) as case:
        yield "the slide of a case", slide_of_case(case)
    slide, case = open_or_create_case(given.path, reviewer="A", case_path=path)
    case.close()
    yield "a case with its scale", slide
    slide, case = open_or_create_case(path, reviewer="A")
    case.close()
    yield "a case opened by its file", slide
    other = folder / "given.bmcase"
    slide, case = open_or_create_case(given.path, reviewer="A", case_path=other, microns_per_pixel=MPP)
    case.close()
    yield "a case that was given a scale", slide


def _cells(given: Input, slide: Slide) -> tuple[Cells, list[tuple[int, tuple[float, float]]]]:
    """Put cells at the places of each image."""
    where = [(number, at) for number, image in enumerate(given.images) for at in places(image)]
    regions = slide.images
    x = np.array([regions[number].x + at[0] for number, at in where])
    y = np.array([regions[number].y + at[1] for number, at in where])
    count = len(where)
    numbers = np.arange(1, count + 1)
    same = np.full(count, 9, np.float32), np.ones(count, np.float32), np.ones(count, bool)
    return Cells(numbers, x, y, *same), where


def test_every_route_shows_the_same_pixels_under_a_cell(given: Input, tmp_path: Path) -> None:
    first = open_slide(given.path).with_scale(SCALE)
    cells, where = _cells(given, first)
    finer = cut_crops(first.with_scale(FINER), cells.x, cells.y, size=SIZE)
    for route, slide in _slides(given, tmp_path):
        assert slide.microns_per_pixel == MPP, route
        assert slide.fields == first.fields, route
        crops = cut_crops(slide, cells.x, cells.y, microns_per_pixel=MPP, size=SIZE)
        for crop, (number, at) in zip(crops, where, strict=True):
            assert_shows(crop, given, number, at)
        again = cut_crops(slide.with_scale(FINER), cells.x, cells.y, size=SIZE)
        np.testing.assert_array_equal(again, finer, route)


def test_an_exported_crop_is_what_lies_under_the_cell(given: Input, tmp_path: Path) -> None:
    slide, case = open_or_create_case(
        given.path, reviewer="A", case_path=tmp_path / "c.bmcase", microns_per_pixel=MPP
    )
    cells, where = _cells(given, slide)
    with case:
        case.detection.record(cells, {})
        case.set_label(cells.cell_id, "LYT")
        export(case, "crops", tmp_path / "crops")
    with (tmp_path / "crops" / "index.csv").open(newline="") as table:
        files = {int(row["cell_id"]): tmp_path / "crops" / row["file"] for row in csv.DictReader(table)}
    for cell, (number, at) in zip(cells.cell_id.tolist(), where, strict=True):
        assert_shows(np.asarray(Image.open(files[cell])), given, number, at)


@pytest.fixture
def folder(tmp_path: Path) -> Input:
    (tmp_path / "in").mkdir()
    return INPUTS["folder"](tmp_path / "in")


def _add(folder: Path) -> None:
    Image.fromarray(coded(300, 420, 99)).save(folder / "photograph 0.png")


def _remove(folder: Path) -> None:
    (folder / "photograph 2.png").unlink()


def _rename(folder: Path) -> None:
    (folder / "photograph 2.png").rename(folder / "other.png")


def _replace(folder: Path) -> None:
    Image.fromarray(coded(300, 420, 99)).save(folder / "photograph 2.png")


def _resize(folder: Path) -> None:
    Image.fromarray(coded(300, 440, 99)).save(folder / "photograph 2.png")


def _spoil(folder: Path) -> None:
    (folder / "photograph 2.png").write_bytes(b"no image any more")


ALTERED: dict[Callable[[Path], None], str] = {
    _add: r"photograph 0\.png is new",
    _remove: r"photograph 2\.png is missing",
    _rename: r"photograph 2\.png is missing or unreadable, other\.png is new",
    _replace: "one of its photographs was changed",
    _resize: r"photograph 2\.png is of another size",
    _spoil: r"photograph 2\.png is missing or unreadable",
}


@pytest.mark.parametrize("alter", ALTERED)
def test_a_folder_that_was_altered_is_refused_in_a_line_and_loses_nothing(
    folder: Input, alter: Callable[[Path], None]
) -> None:
    slide, case = open_or_create_case(folder.path, reviewer="A", microns_per_pixel=MPP)
    cells, _where = _cells(folder, slide)
    with case:
        case.detection.record(cells, {})
        case.set_label(3, "LYT")
    source = SlideSource.of(slide)
    child._slides.clear()
    alter(folder.path)
    for given in (folder.path, case.path):
        with pytest.raises(CaseError, match=ALTERED[alter]) as refused:
            open_or_create_case(given, reviewer="A")
        assert "\n" not in str(refused.value)
        assert "move" in str(refused.value)
        told = Named(folder.path, "4711", "4711").hide_name(str(refused.value))
        assert ".png" not in told
        assert "photographs" not in told
    with pytest.raises(SlideError, match="photographs were added, removed or changed"):
        child._slide(source)
    with Case.open(case.path, read_only=True) as kept:
        assert kept.verify().ok
        assert (len(kept.cells), kept.labels[3].code) == (len(cells), "LYT")


def test_a_photograph_that_is_replaced_while_its_folder_is_open_is_not_read(folder: Input) -> None:
    slide = open_slide(folder.path).with_scale(SCALE)
    _replace(folder.path)
    cells, where = _cells(folder, slide)
    for number in range(5):
        of_field = np.array([at[0] == number for at in where])
        if number == 1:
            with pytest.raises(SlideError, match="changed since its folder was opened"):
                cut_crops(slide, cells.x[of_field], cells.y[of_field])
        else:
            assert len(cut_crops(slide, cells.x[of_field], cells.y[of_field])) == 5


def test_a_case_of_an_earlier_layout_is_refused_and_stays_as_it_is(
    folder: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("napari_bonemarrow.slides.pixels.mosaic.LAYOUT", 1)
        _, case = open_or_create_case(folder.path, reviewer="A", microns_per_pixel=MPP)
        case.close()
    lines = [event.hash for event in case.history.events()]
    for given in (folder.path, case.path):
        with pytest.raises(CaseError, match=r"move this file away .* open the folder to begin a new case"):
            open_or_create_case(given, reviewer="A")
    with Case.open(case.path, read_only=True) as old:
        assert old.verify().ok  # it can be checked and its labels be had, yet not be shown
        with pytest.raises(CaseError, match="earlier version"):
            slide_of_case(old)
        assert [event.hash for event in old.history.events()] == lines
    case.path.rename(case.path.with_suffix(".old"))
    _, again = open_or_create_case(folder.path, reviewer="A")
    again.close()


@pytest.mark.parametrize("kind", ["photograph", "folder of one", "pyramidal TIFF"])
def test_cases_of_one_image_of_before_open_as_ever(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = INPUTS[kind](tmp_path)
    with monkeypatch.context() as before:
        before.setattr("napari_bonemarrow.slides.pixels.mosaic.LAYOUT", 1)
        _, case = open_or_create_case(given.path, reviewer="A", microns_per_pixel=MPP)
        case.close()
        written = case.path
    slide, again = open_or_create_case(written, reviewer="A")
    with again:
        assert again.path == written
        again.slide_file.check(slide)


def test_a_folder_counted_without_a_window_opens_with_every_cell_in_its_place(
    engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "marrow"
    folder.mkdir()
    drawn = []
    for number, (width, height) in enumerate([(420, 360), (360, 420), (420, 360)], start=1):
        kinds = {"LYT": 2, "NGS": 1, "EBO": 1}
        smear = draw_smear(
            30 + number, width=width, height=height, microns_per_pixel=MPP, cells_per_class=kinds
        )
        Image.fromarray(smear.image).save(folder / f"{number}.png")
        drawn.append(smear)
    options = CountOptions(microns_per_pixel=MPP, together=True)
    [row] = count_inputs([folder], tmp_path / "out", options, engine=engine)
    assert row.ok, row.error
    slide, case = open_or_create_case(tmp_path / "out" / "marrow" / "marrow.bmcase", reviewer="A")
    case.close()
    with (tmp_path / "out" / "marrow" / "cells.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(case.cells)
    for number, smear in enumerate(drawn, start=1):
        of_field = [each for each in rows if each["field"] == str(number)]
        x, y = (np.array([float(each[name]) for each in of_field]) for name in ("field_x_px", "field_y_px"))
        whole = smear.cells.select(~smear.at_border)
        apart = np.hypot(whole.x[:, None] - x, whole.y[:, None] - y).min(axis=1) * MPP
        assert apart.max() < 3.0
        # Far enough from the border that nothing of the padding is compared.
        inner = (x > 40) & (y > 40) & (x < smear.image.shape[1] - 40) & (y < smear.image.shape[0] - 40)
        places_shown = [
            [float(each[name]) for each, is_inner in zip(of_field, inner, strict=True) if is_inner]
            for name in ("x_px", "y_px")
        ]
        alone = slide_from_array(smear.image, MPP)
        np.testing.assert_array_equal(
            cut_crops(slide, *places_shown, microns_per_pixel=MPP, size=60),
            cut_crops(alone, x[inner], y[inner], microns_per_pixel=MPP, size=60),
        )
