"""Scanners' slides that are cut, damaged or lack a decoder: a line that says so, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_bonemarrow.slides import Slide, SlideError, open_slide
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.pixels.tiled import TiledLevel, TileError
from tests.slides.conftest import WriteSlide, Written
from tests.slides.vendors import WRITERS, zeiss
from tests.slides.vendors.hamamatsu import ndpi


def _refused(path: Path, *words: str) -> None:
    with pytest.raises(SlideError) as caught:
        open_slide(path)
    assert _is_line(str(caught.value), str(path), *words), str(caught.value)


def _is_line(text: str, *words: str) -> bool:
    return "\n" not in text and all(word in text for word in words)


def _tiles(slide: Slide) -> Iterator[tuple[TiledLevel, int, int]]:
    for level in slide.levels:
        assert isinstance(level, TiledLevel)
        yield from ((level, row, column) for row in range(level.grid[0]) for column in range(level.grid[1]))


def _check_tiles(path: Path, written: Written) -> tuple[int, int, int]:
    """Read every tile; return how many failed, each with a line that names it, were right, and were wrong."""
    failed = right = wrong = 0
    for level, row, column in _tiles(open_slide(path)):
        high, wide = level.tile_shape
        try:
            tile = level.tile(row, column).astype(int)
        except TileError as error:
            named = (error.level, error.row, error.column) == (level.index, row, column)
            failed += named and _is_line(str(error), f"{path.name}: the tile at level {level.index}")
            continue
        if level.index < len(written.levels):
            true = written.levels[level.index][
                row * high : row * high + high, column * wide : column * wide + wide
            ]
            same = bool(np.abs(tile - true).mean() < 4)
            right, wrong = right + same, wrong + (not same)
    return failed, right, wrong


def _finest_tile(path: Path, which: int) -> tuple[int, int]:
    """Place and length of one of a TIFF's tiles of its finest level."""
    with tifffile.TiffFile(path) as file:
        page = max(file.pages, key=lambda page: page.imagewidth)
        return page.dataoffsets[which], page.databytecounts[which]


def _within(path: Path, mark: bytes, which: int) -> int:
    """Where one of several marks lies in a file."""
    data, place = path.read_bytes(), -1
    for _each in range(which + 1):
        place = data.index(mark, place + 1)
    return place


def _blank(path: Path, place: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes(length))


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("vmu", "dicom")])
def test_damage_in_the_middle_costs_the_tiles_it_hits(write_slide: WriteSlide, name: str) -> None:
    written = write_slide(name)
    path, damaged = written.path, written.path
    if name.startswith("mirax"):
        damaged = path.with_suffix("") / "Data0000.dat"
        _blank(damaged, _within(damaged, b"\xff\xd8\xff", 3), 2000)
    elif name == "czi":
        _blank(path, _within(path, b"ZISRAWSUBBLOCK", 3), 400)
    elif name == "ndpi":
        _blank(path, path.stat().st_size // 3, 4096)
    elif name == "vms":
        damaged = path.with_name("part1.jpg")
        _blank(damaged, damaged.stat().st_size // 2, 4096)
    else:
        _blank(path, *_finest_tile(path, 4))
    failed, right, wrong = _check_tiles(path, written)
    assert failed >= 1
    assert right >= 1
    assert wrong == 0


def _cut(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.truncate(round(path.stat().st_size * share))


@pytest.mark.parametrize(("name", "part"), [("vms", "part1.jpg"), ("vmu", "image.ngr")])
def test_a_part_that_was_cut_costs_the_tiles_behind_the_cut(
    write_slide: WriteSlide, name: str, part: str
) -> None:
    written = write_slide(name)
    _cut(written.path.with_name(part), 0.5)
    failed, right, wrong = _check_tiles(written.path, written)
    assert failed >= 1
    assert right >= 1
    assert wrong == 0


def test_mirax_data_that_was_cut_is_named(write_slide: WriteSlide) -> None:
    path = write_slide("mirax").path
    _cut(path.with_suffix("") / "Data0000.dat", 0.5)  # its coarsest level, by which OpenSlide knows it
    _refused(path, "damaged or incomplete", "Data0000.dat")


@pytest.mark.parametrize("name", ["aperio", "philips", "leica", "ventana", "trestle", "ndpi", "czi"])
def test_a_file_that_was_cut_is_refused_as_damaged(write_slide: WriteSlide, name: str) -> None:
    path = write_slide(name).path
    _cut(path, 0.3)
    _refused(path, "damaged or incomplete")


@pytest.mark.parametrize("name", ["aperio", "philips"])
def test_a_cut_behind_the_finest_level_shows_that_level_and_says_so(
    write_slide: WriteSlide, name: str
) -> None:
    written = write_slide(name)
    path = written.path
    _cut(path, 0.75)
    slide = open_slide(path)
    [line] = slide.warnings
    assert _is_line(line, f"{path}: the file is cut: some of its images or levels are missing")
    assert slide.levels[0].shape == written.levels[0].shape
    assert np.abs(slide.levels[0][:, :].astype(int) - written.levels[0]).mean() < 3


def _without_openslide(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_request: object, **_more: object) -> None:
        raise ImportError("no library")

    monkeypatch.setattr(openslide_image, "_ask", missing)


@pytest.mark.parametrize("name", ["leica", "ventana", "trestle", "vms", "mirax", "czi"])
def test_slides_whose_tiles_must_be_put_in_place_need_openslide(
    written: Callable[[str], Written], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _without_openslide(monkeypatch)
    _refused(written(name).path, "needs OpenSlide: pip install openslide-python openslide-bin")


@pytest.mark.parametrize("name", ["aperio", "aperio-jpeg2000", "aperio-jpeg2000-ycbcr", "philips", "ndpi"])
def test_the_same_pixels_without_openslide(
    written: Callable[[str], Written], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _without_openslide(monkeypatch)
    slide = open_slide(written(name).path)
    for level, true in zip(slide.levels, written(name).levels, strict=True):
        assert np.abs(level[:, :].astype(int) - true).mean() < 3
    assert (slide.microns_per_pixel == pytest.approx(0.25)) is (name != "philips")  # its XML is OpenSlide's


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_luminance_and_colour_differences_become_rgb(
    tmp_path: Path, smear_levels: list[np.ndarray], compression: str | None
) -> None:
    turned = np.asarray(Image.fromarray(smear_levels[1]).convert("YCbCr"))
    options = {"photometric": "ycbcr", "subsampling": (1, 1), "compression": compression, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", turned, **options)
    difference = open_slide(tmp_path / "a.tif").levels[0].astype(int) - smear_levels[1]
    assert np.abs(difference).max() <= 3


def test_a_slide_whose_text_is_damaged_is_not_read_without_it(write_slide: WriteSlide) -> None:
    path = write_slide("leica").path
    path.write_bytes(path.read_bytes().replace(b"<barcode>", b"<barcode><"))
    _refused(path, "Leica SCN", "damaged or incomplete")


def test_a_czi_in_jpeg_xr_is_refused_as_not_supported(
    write_slide: WriteSlide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zeiss, "_ZSTD", 4)
    path = write_slide("czi").path
    _refused(path, "OpenSlide cannot read it (JPEG XR compression is not supported)", "export it")


def test_a_czi_in_grey_is_refused_as_not_supported(write_slide: WriteSlide) -> None:
    path = write_slide("czi").path
    path.write_bytes(path.read_bytes().replace(b"DV\3\0\0\0", b"DV\0\0\0\0"))
    _refused(path, "OpenSlide cannot read it (Pixel type GRAY8 is not supported)", "export it")


def _set_compression(path: Path, number: int) -> None:
    with tifffile.TiffFile(path, mode="r+b") as file:
        for page in file.pages:
            page.tags["Compression"].overwrite(number)


@pytest.mark.parametrize("number", [34712 + 20_000, 34666])
def test_a_compression_that_nothing_decodes_is_named(
    write_slide: WriteSlide, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = write_slide("aperio").path
    _set_compression(path, number)
    _refused(path, str(number), "export it")
    _without_openslide(monkeypatch)
    _refused(path, str(number), "cannot be decoded", "export it")


def test_ndpi_without_places_of_its_markers(tmp_path: Path, smear_levels: list[np.ndarray]) -> None:
    written = ndpi(tmp_path, smear_levels, (0.25, 0.25), marked=False)
    assert _check_tiles(written.path, written)[0] == 0


def test_images_of_a_vms_that_do_not_fit_are_refused(write_slide: WriteSlide) -> None:
    path = write_slide("vms").path
    first, second = path.with_name("part0.jpg"), path.with_name("part1.jpg")
    small = second.read_bytes()
    second.write_bytes(first.read_bytes())
    first.write_bytes(small)
    _refused(path, "do not fit together")


@pytest.mark.parametrize("line", ["BitsPerPixel=36", "PixelOrder=RGB"])
def test_a_vmu_of_other_pixels_is_refused(write_slide: WriteSlide, line: str) -> None:
    path = write_slide("vmu").path
    path.write_text(path.read_text().replace(line, "Other=1"))
    _refused(path, "not RGB of 36 bits", "export it")


def test_absurd_tiles_are_refused(write_slide: WriteSlide) -> None:
    path = write_slide("aperio-jpeg2000").path
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("TileWidth", "TileLength"):
            file.pages.first.tags[name].overwrite(60_000)
    _refused(path, "60000×60000 px")


def test_a_vms_that_has_lost_a_part_names_it(write_slide: WriteSlide) -> None:
    path = write_slide("vms").path
    path.with_name("part1.jpg").unlink()
    _refused(path, "part1.jpg")
