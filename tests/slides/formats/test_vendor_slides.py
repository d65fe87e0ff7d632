"""Slides of each scanner, written as the scanner lays them out: levels, scale, cells."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.slides import Slide, SlideError, fingerprint, open_slide
from tests.slides._pyramids import halved
from tests.slides.conftest import WriteSlide, Written
from tests.slides.vendors import OTHERS, WRITERS
from tests.slides.vendors.planted import has_label, label

MPP = 0.25
ONE_SIZE = ("aperio", "aperio-jpeg2000", "aperio-jpeg2000-ycbcr", "ventana")
"""Scanners that state one size for both directions."""

each_scanner = pytest.mark.parametrize("name", WRITERS)
each_format = pytest.mark.parametrize("name", [*WRITERS, *OTHERS])


def _difference(slide: Slide, written: Written) -> list[float]:
    pairs = zip(slide.levels, written.levels, strict=False)
    return [float(np.abs(level[:, :].astype(int) - true).mean()) for level, true in pairs]


def test_the_labels_colour_is_told_from_any_smears(smear_levels: list[np.ndarray]) -> None:
    assert has_label(label())
    assert not any(has_label(level) for level in smear_levels)


@each_scanner
def test_a_scanners_name_and_objective(written: Callable[[str], Written], name: str) -> None:
    slide = open_slide(written(name).path)
    assert slide.vendor == slide.properties["format"] == WRITERS[name][0]
    assert slide.properties["objective"] == "40"


@each_format
def test_levels_and_scale_are_those_that_were_written(written: Callable[[str], Written], name: str) -> None:
    slide = open_slide(written(name).path)
    assert slide.microns_per_pixel == pytest.approx(MPP, rel=1e-4)
    assert slide.scale is not None
    assert slide.scale.basis == (OTHERS[name][0] if name in OTHERS else f"{WRITERS[name][0]} pixel size")
    assert slide.warnings == ()
    shapes = [level.shape for level in written(name).levels]
    assert [level.shape for level in slide.levels[: len(shapes)]] == shapes
    assert max(_difference(slide, written(name))) < 3  # of JPEG
    for level in slide.levels:
        assert abs(level.shape[0] / level.shape[1] - slide.height / slide.width) < 0.02
        assert not has_label(level[:, :])


@each_format
def test_cells_are_those_of_the_same_drawing_as_png(
    found: Callable[[str], tuple[Slide, Cells]],
    written: Callable[[str], Written],
    plain_cells: Cells,
    name: str,
) -> None:
    (_slide, cells), (left, top) = found(name), written(name).offset
    one = np.column_stack([cells.x - left, cells.y - top]) * MPP
    other = np.column_stack([plain_cells.x, plain_cells.y]) * MPP
    right, bottom = 736 * MPP, 496 * MPP  # what is there in each of the formats
    margin = 12.0

    def inside(centres: np.ndarray) -> np.ndarray:
        x, y = centres.T
        return (x > margin) & (x < right - margin) & (y > margin) & (y < bottom - margin)

    gaps = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1))
    assert inside(other).sum() > 12
    assert (gaps.min(axis=0)[inside(other)] < 1).all()
    assert (gaps.min(axis=1)[inside(one)] < 1).all()


@pytest.mark.parametrize("name", [name for name in [*WRITERS, *OTHERS] if name not in ONE_SIZE])
def test_pixels_that_are_not_square_give_no_scale(write_slide: WriteSlide, name: str) -> None:
    assert open_slide(write_slide(name, (MPP, MPP * 1.2)).path).scale is None


@each_format
@pytest.mark.parametrize("size", [0.001, 200.0])
def test_absurd_sizes_count_as_unknown(write_slide: WriteSlide, name: str, size: float) -> None:
    slide = open_slide(write_slide(name, (size, size)).path)
    assert slide.scale is None
    assert open_slide(slide.path, microns_per_pixel=0.3).microns_per_pixel == 0.3


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("ndpi", ".tif"),
        ("aperio", ".jpg"),
        ("leica", ".svs"),
        ("ventana", ".tif"),
        ("philips", ""),
        ("czi", ".tiff"),
        ("vms", ".txt"),
        ("dicom", ".jpg"),
    ],
)
def test_a_slide_under_a_wrong_name(
    write_slide: WriteSlide, written: Callable[[str], Written], name: str, suffix: str
) -> None:
    path = write_slide(name).path
    renamed = path.rename(path.with_suffix(suffix))
    slide = open_slide(renamed)
    assert slide.vendor == WRITERS[name][0]
    assert max(_difference(slide, written(name))) < 3


def test_mirax_in_capitals_says_what_to_do(write_slide: WriteSlide) -> None:
    path = write_slide("mirax").path
    with pytest.raises(SlideError, match=r"mirax\.MRXS: .*\.mrxs in small letters"):
        open_slide(path.rename(path.with_suffix(".MRXS")))


@pytest.mark.parametrize("name", ["mirax", "vms"])
def test_a_slide_of_several_files_is_recognised_by_all_of_them(write_slide: WriteSlide, name: str) -> None:
    path = write_slide(name).path
    known = open_slide(path).fingerprint
    shutil.copytree(path.parent, path.parent.with_name("moved"))
    assert fingerprint(path.parent.with_name("moved") / path.name) == known
    part = path.parent / {"mirax": "mirax/Data0000.dat", "vms": "part1.jpg"}[name]
    part.write_bytes(part.read_bytes()[:-1] + b"\0")
    assert fingerprint(path) != known


def test_a_folder_that_holds_a_slide_says_which_file_to_open(write_slide: WriteSlide) -> None:
    mirax, svs = write_slide("mirax").path, write_slide("aperio").path
    with pytest.raises(SlideError, match=r"data of a MIRAX slide; open mirax\.mrxs"):
        open_slide(mirax.with_suffix(""))
    for path in (mirax, svs):
        with pytest.raises(SlideError, match=rf"holds whole slides.*such as {path.name}"):
            open_slide(path.parent)


def test_levels_of_a_few_pixels_are_left_out(tmp_path: Path, smear_levels: list[np.ndarray]) -> None:
    levels = [
        *smear_levels,
        *(np.asarray(Image.fromarray(smear_levels[0]).reduce(2**k)) for k in range(2, 10)),
    ]
    assert levels[-1].shape == (1, 2, 3)
    for name in ("aperio", "philips", "czi"):
        (tmp_path / name).mkdir()
        slide = open_slide(WRITERS[name][1](tmp_path / name, levels, (MPP, MPP)).path)
        assert [level.shape[0] for level in slide.levels] == [512, 256, 128, 64, 32, 16], name
        assert slide.properties["levels in file"] == "10"


def test_levels_that_are_no_whole_part_of_the_finest_have_no_light_border(
    tmp_path: Path, smear_levels: list[np.ndarray]
) -> None:
    finest = smear_levels[0][:511, :767]
    written = WRITERS["aperio-jpeg2000"][1](tmp_path, [finest, halved(finest)], (MPP, MPP))
    slide = open_slide(written.path)
    assert slide.levels[1].shape == (255, 383, 3)
    difference = np.abs(slide.levels[1][:, :].astype(int) - written.levels[1])
    assert difference[-1].mean() < 8
    assert difference[:, -1].mean() < 8
