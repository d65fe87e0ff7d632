"""Whole slides of each kind: pixels, levels, scale, damage in the middle, and nothing of the patient."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
import zarr
from PIL import Image

from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.slides import (
    SlideError,
    cut_crops,
    detect_cells,
    fingerprint,
    open_slide,
    slide_from_array,
)
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.pixels.extra_levels import LONGEST_LAST
from napari_bonemarrow.slides.pixels.overview import overview
from napari_bonemarrow.slides.pixels.tiled import TiledLevel, TileError
from tests.slides._dicom import write_dicom
from tests.slides._pyramids import halved, picture, write_ome, write_pages, write_zarr


@pytest.fixture(scope="module")
def levels() -> list[np.ndarray]:
    finest = picture()
    return [finest, halved(finest), halved(halved(finest))]


@pytest.mark.parametrize("compression", [None, "zlib", "jpeg2000"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_ome_tiff_with_levels_in_subifds(
    tmp_path: Path, levels: list[np.ndarray], compression: str | None, bigtiff: bool
) -> None:
    path = tmp_path / "a.ome.tif"
    args = {"reversible": True} if compression == "jpeg2000" else None
    write_ome(path, levels, bigtiff=bigtiff, compression=compression, compressionargs=args)
    slide = open_slide(path)
    assert [level.shape for level in slide.levels] == [level.shape for level in levels]
    assert all(isinstance(level, TiledLevel) for level in slide.levels)
    assert slide.levels[0].chunks == (128, 128, 3)
    for read, true in zip(slide.levels, levels, strict=True):
        assert np.array_equal(read[:, :], true)
    assert slide.microns_per_pixel == 0.25


def test_a_page_a_level_without_label_and_macro(tmp_path: Path, levels: list[np.ndarray]) -> None:
    path = tmp_path / "a.tif"
    label, macro, line = picture(330, 300, 1), picture(160, 600, 2), picture(16, 400, 3)[:1].copy()
    write_pages(path, [*levels, label, macro, np.repeat(line, 16, axis=0)])
    slide = open_slide(path)
    assert [level.shape for level in slide.levels] == [level.shape for level in levels]
    for read, true in zip(slide.levels, levels, strict=True):
        assert np.array_equal(read[:, :], true)


def test_jpeg_tiles_share_their_tables(tmp_path: Path, levels: list[np.ndarray]) -> None:
    write_ome(tmp_path / "a.ome.tif", levels, compression="jpeg", compressionargs={"level": 95})
    slide = open_slide(tmp_path / "a.ome.tif")
    assert np.abs(slide.levels[0][:, :].astype(int) - levels[0]).mean() < 2


def test_jpeg_tiles_are_decoded_without_opening_the_tiff_again(
    tmp_path: Path, levels: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ome.tif"
    write_ome(path, levels, compression="jpeg", compressionargs={"level": 95})
    slide = open_slide(path)  # what decodes is made now: the file's pages cannot be asked later

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("the TIFF was parsed again")

    monkeypatch.setattr(tifffile, "TiffFile", refuse)
    tiles = [
        (number, row, column)
        for number, level in enumerate(slide.levels)
        for row in range(level.grid[0])
        for column in range(level.grid[1])
    ]

    def difference(place: tuple[int, int, int]) -> float:
        number, row, column = place
        tile = slide.levels[number].tile(row, column).astype(int)
        top, left = row * 128, column * 128
        return float(np.abs(tile - levels[number][top : top + 128, left : left + 128]).mean())

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(difference, tiles)) < 3


def test_deep_and_planar_tiles(tmp_path: Path, levels: list[np.ndarray]) -> None:
    deep = [level.astype(np.uint16) * 16 for level in levels]  # 12 bits
    write_ome(tmp_path / "deep.ome.tif", deep)
    slide = open_slide(tmp_path / "deep.ome.tif")
    expected = np.rint(deep[0] * (255 / 4095))
    assert np.abs(slide.levels[0][:, :] - expected).max() <= 1
    planes = [np.ascontiguousarray(np.moveaxis(level, -1, 0)) for level in levels]
    with tifffile.TiffWriter(tmp_path / "planar.tif") as writer:
        for number, plane in enumerate(planes):
            writer.write(
                plane,
                photometric="rgb",
                planarconfig="separate",
                tile=(128, 128),
                metadata=None,
                subfiletype=1 if number else 0,
            )
    slide = open_slide(tmp_path / "planar.tif")
    assert len(slide.levels) == 3
    assert np.array_equal(slide.levels[0][:, :], levels[0])


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr(tmp_path: Path, levels: list[np.ndarray], version: int) -> None:
    path = tmp_path / "a.zarr"
    write_zarr(path, levels, version)
    slide = open_slide(path)
    assert (slide.vendor, slide.microns_per_pixel) == ("ome-zarr", 0.25)
    for read, true in zip(slide.levels, levels, strict=True):
        assert read.chunks == (min(128, true.shape[0]), min(128, true.shape[1]), 3)
        assert np.array_equal(read[:, :], true)
    assert "JANE" not in repr(dict(slide.properties))
    shutil.move(path, tmp_path / "b.zarr")
    assert open_slide(tmp_path / "b.zarr").fingerprint == slide.fingerprint
    assert open_slide(tmp_path / "b.zarr").levels[0].shape == (500, 700, 3)


def test_zarr_whose_chunks_vanish_or_are_damaged(tmp_path: Path, levels: list[np.ndarray]) -> None:
    path = tmp_path / "a.zarr"
    write_zarr(path, levels, 3)
    (path / "0" / "c" / "0" / "1" / "2").write_bytes(b"no chunk")
    slide = open_slide(path)
    with pytest.raises(TileError, match=r"a\.zarr.*level 0, column 2, row 1"):
        slide.levels[0][200, 300]
    assert np.array_equal(slide.levels[0][:128], levels[0][:128])
    shutil.move(path, tmp_path / "away")
    with pytest.raises(TileError, match="No such file"):
        slide.levels[1][:, :]
    shutil.move(tmp_path / "away", path)
    assert np.array_equal(slide.levels[1][:, :], levels[1])


@pytest.mark.parametrize(("version", "chunk"), [(2, "0/1/2"), (3, "c/0/1/2")])
def test_zarr_that_has_lost_a_chunk_names_it(
    tmp_path: Path, levels: list[np.ndarray], version: int, chunk: str
) -> None:
    path = tmp_path / "a.zarr"
    write_zarr(path, levels, version)
    (path / "0" / chunk).unlink()
    slide = open_slide(path)
    with pytest.raises(TileError, match=rf"a\.zarr.*level 0, column 2, row 1.*chunk 0/{chunk} is missing"):
        slide.levels[0][200, 300]
    assert np.array_equal(slide.levels[0][256:], levels[0][256:])
    assert np.array_equal(slide.levels[1][:, :], levels[1])
    (path / "2" / chunk.replace("1/2", "0/0")).unlink()  # of the last level the finer one tells
    with pytest.raises(TileError, match="level 2, column 0, row 0"):
        slide.levels[2][0, 0]


def test_zarr_chunks_that_were_never_written_are_empty(tmp_path: Path, levels: list[np.ndarray]) -> None:
    sparse = [level.copy() for level in levels]
    for step, level in zip((1, 2, 4), sparse, strict=True):
        level[: 256 // step, : 256 // step] = 0  # not scanned: chunks of zeros are left out
    write_zarr(tmp_path / "a.zarr", sparse, 3)
    assert not (tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "0").exists()
    slide = open_slide(tmp_path / "a.zarr")
    assert np.array_equal(slide.levels[0][:, :], sparse[0])


def test_zarr_folders_that_are_no_image(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "empty.zarr", mode="w")
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    plate.attrs["plate"] = {"wells": []}
    wrong = zarr.open_group(tmp_path / "wrong.zarr", mode="w")
    wrong.attrs["ome"] = {"multiscales": [{"axes": [{"name": "x"}], "datasets": [{"path": "nothing"}]}]}
    (tmp_path / "text.zarr").mkdir()
    (tmp_path / "text.zarr" / "zarr.json").write_text("{")
    for name, words in (
        ("empty", "without an OME"),
        ("plate", "plate"),
        ("wrong", "not a readable"),
        ("text", "no"),
    ):
        with pytest.raises(SlideError, match=words) as caught:
            open_slide(tmp_path / f"{name}.zarr")
        assert "\n" not in str(caught.value)


def test_a_tile_cut_or_damaged_in_the_middle(tmp_path: Path, levels: list[np.ndarray]) -> None:
    path = tmp_path / "a.ome.tif"
    write_ome(path, levels, compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.series[0].keyframe.dataoffsets[8]  # row 1, column 2 of 6 columns
    with path.open("r+b") as opened:
        opened.seek(offset)
        opened.write(b"\0" * 40)
    slide = open_slide(path)
    with pytest.raises(TileError, match=r"a\.ome\.tif.*level 0, column 2, row 1") as caught:
        slide.levels[0][:, :]
    assert (caught.value.level, caught.value.column, caught.value.row) == (0, 2, 1)
    assert np.array_equal(slide.levels[0][256:], levels[0][256:])
    assert np.array_equal(slide.levels[1][:, :], levels[1])


def test_a_drive_that_vanishes_and_comes_back(tmp_path: Path, levels: list[np.ndarray]) -> None:
    path = tmp_path / "a.ome.tif"
    write_ome(path, levels)
    slide = open_slide(path)
    path.rename(tmp_path / "away")
    with pytest.raises(TileError, match=r"level 0, column 0, row 0.*No such file.*network"):
        slide.levels[0].tile(0, 0)
    (tmp_path / "away").rename(path)
    assert np.array_equal(slide.levels[0][:128, :128], levels[0][:128, :128])


def test_a_slide_without_coarse_levels_gets_them(tmp_path: Path) -> None:
    finest = picture(600, 9000)
    Image.fromarray(finest).save(tmp_path / "a.png")
    slide = open_slide(tmp_path / "a.png")
    assert isinstance(slide.levels[0], np.ndarray)
    assert [level.shape for level in slide.levels] == [(600, 9000, 3), (150, 2250, 3)]
    assert np.array_equal(slide.levels[1][:, :], halved(finest, 4))
    assert overview(slide, 512).shape[1] == 512
    write_pages(tmp_path / "b.tif", [finest, halved(finest)], tile=256)
    slide = open_slide(tmp_path / "b.tif")
    assert [level.shape[1] for level in slide.levels] == [9000, 4500, 2250]
    assert max(slide.levels[-1].shape) <= LONGEST_LAST
    assert np.array_equal(slide.levels[2][:, :], halved(halved(finest)))


def test_an_overview_goes_on_where_a_tile_does_not(tmp_path: Path) -> None:
    finest = picture(600, 9000)
    write_pages(tmp_path / "b.tif", [finest, halved(finest)], tile=256, compression="zlib")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        offset = file.pages[1].dataoffsets[3]
    with (tmp_path / "b.tif").open("r+b") as opened:
        opened.seek(offset)
        opened.write(b"\0" * 40)
    slide = open_slide(tmp_path / "b.tif")
    with pytest.raises(TileError, match="level 1, column 3, row 0"):
        slide.levels[2][:, :]
    shown = slide.levels[2].forgiving()[:, :]
    assert (shown[:128, 384:512] == 255).all()
    assert np.array_equal(shown[:, :384], halved(halved(finest))[:, :384])
    assert overview(slide, 1024).shape == (68, 1024, 3)


def test_huge_strips_are_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    # A sparse file of 40,000 × 40,000 px in one strip, with one white row in it.
    memory = tifffile.memmap(path, shape=(40_000, 40_000, 3), dtype=np.uint8, photometric="rgb", bigtiff=True)
    memory[30_000, 100:200] = 255
    del memory
    slide = open_slide(path)
    assert slide.levels[0].shape == (40_000, 40_000, 3)
    assert max(slide.levels[-1].shape) <= LONGEST_LAST
    assert slide.levels[0][29_990:30_010, 150:160].sum() == 10 * 3 * 255
    path.unlink()


def test_huge_compressed_strips_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    tifffile.imwrite(
        path, np.zeros((64, 64, 3), np.uint8), compression="zlib", rowsperstrip=64, metadata=None
    )
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            file.pages[0].tags[name].overwrite(40_000)
    with pytest.raises(SlideError, match=r"huge\.tif.*40000×40000.*tiled TIFF"):
        open_slide(path)


@pytest.mark.parametrize("size", [0.0, -0.25, 1000.0, float("nan")])
def test_absurd_scales_count_as_unknown(tmp_path: Path, levels: list[np.ndarray], size: float) -> None:
    metadata = {"axes": "YXS", "PhysicalSizeX": size, "PhysicalSizeY": size}
    tifffile.imwrite(tmp_path / "a.ome.tif", levels[0], photometric="rgb", metadata=metadata)
    assert open_slide(tmp_path / "a.ome.tif").scale is None
    write_zarr(tmp_path / "a.zarr", levels, 3)
    group = zarr.open_group(tmp_path / "a.zarr")
    told = dict(group.attrs["ome"])
    told["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] = [1.0, size, size]
    group.attrs["ome"] = told
    assert open_slide(tmp_path / "a.zarr").scale is None


def test_cells_and_crops_are_those_of_the_same_pixels_in_memory(tmp_path: Path) -> None:
    smear = draw_smear(width=700, height=600, microns_per_pixel=0.2, seed=3)
    write_ome(tmp_path / "a.ome.tif", [smear.image, halved(smear.image)], compression="zlib")
    lazily, whole = (
        open_slide(tmp_path / "a.ome.tif", microns_per_pixel=0.2),
        slide_from_array(smear.image, 0.2),
    )
    cells = detect_cells(lazily)
    assert len(cells.x) > 3
    for each, name in ((detect_cells(whole), name) for name in ("x", "y", "diameter_um", "score")):
        assert np.array_equal(getattr(cells, name), getattr(each, name)), name
    assert np.array_equal(cut_crops(lazily, cells.x, cells.y), cut_crops(whole, cells.x, cells.y))


def test_real_aperio_and_dicom_show_the_same(real_data: Path) -> None:
    svs = open_slide(real_data / "slides" / "CMU-1-Small-Region.svs")
    folder = real_data / "slides" / "CMU-1-Small-Region-dicom"
    dicom = open_slide(folder)
    assert (svs.vendor, dicom.vendor) == ("aperio", "dicom")
    assert svs.microns_per_pixel == dicom.microns_per_pixel == 0.499
    assert svs.levels[0].chunks == dicom.levels[0].chunks == (240, 240, 3)
    difference = svs.levels[0][:, :].astype(int) - dicom.levels[0][:, :]
    assert np.abs(difference).mean() < 4  # the DICOM was compressed once more
    told = repr((dict(svs.properties), dict(dicom.properties), svs.scale, dicom.scale))
    for words in ("CPAPERIOCS", "b414003d", "12/29/09", "1.2.826"):
        assert words not in told


def test_real_dicom_by_any_of_its_files_and_after_moving(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "slides" / "CMU-1-Small-Region-dicom"
    known = fingerprint(folder)
    for file in sorted(folder.iterdir()):
        slide = open_slide(file)
        assert (slide.fingerprint, slide.levels[0].shape) == (known, (2967, 2220, 3))
    shutil.copytree(folder, tmp_path / "moved")
    assert open_slide(tmp_path / "moved").fingerprint == known
    largest = max((tmp_path / "moved").iterdir(), key=lambda file: file.stat().st_size)
    largest.chmod(0o600)
    (tmp_path / "moved").chmod(0o700)
    largest.unlink()  # only label, macro and thumbnail are left
    with pytest.raises(SlideError) as caught:
        open_slide(tmp_path / "moved")
    assert "\n" not in str(caught.value)


def _copy(real_data: Path, to: Path) -> Path:
    shutil.copyfile(real_data / "slides" / "CMU-1-Small-Region.svs", to)
    return to


def test_real_aperio_cut_in_the_middle(real_data: Path, tmp_path: Path) -> None:
    path = _copy(real_data, tmp_path / "a.svs")
    whole = open_slide(path).levels[0][:, :]
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    with path.open("r+b") as opened:
        opened.seek(places[25][0])  # row 2, column 5 of 10 columns
        opened.write(b"\0" * places[25][1])
    level = open_slide(path).levels[0]
    rows, columns = level.grid

    def read(number: int) -> bool:
        row, column = divmod(number, columns)
        try:
            tile = level.tile(row, column)
        except TileError as error:
            return (error.row, error.column) == (row, column) == (2, 5)
        part = whole[row * 240 : row * 240 + 240, column * 240 : column * 240 + 240]
        return number != 25 and np.array_equal(tile, part)

    with ThreadPoolExecutor(4) as pool:  # a tile that fails must not spoil those of other threads
        assert all(pool.map(read, range(rows * columns)))


def test_real_aperio_under_another_name_and_without_openslide(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _copy(real_data, tmp_path / "a.png")
    slide = open_slide(path)
    assert slide.vendor == "aperio"
    part = slide.levels[0][100:300, 200:500]

    def missing(*_request: object, **_more: object) -> None:
        raise ImportError("no library")

    monkeypatch.setattr(openslide_image, "_ask", missing)
    plain = open_slide(path)
    assert plain.microns_per_pixel == 0.499
    assert np.array_equal(plain.levels[0][100:300, 200:500], part)
    with pytest.raises(SlideError, match="pip install openslide"):
        open_slide(real_data / "slides" / "CMU-1-Small-Region-dicom")


def test_real_aperio_on_a_drive_that_vanishes(real_data: Path, tmp_path: Path) -> None:
    path = _copy(real_data, tmp_path / "a.svs")
    slide = open_slide(path)
    with path.open("r+b") as opened:
        opened.truncate(1000)
    path.rename(tmp_path / "away")
    with pytest.raises(TileError, match="No such file"):
        slide.levels[0].tile(3, 3)
    _copy(real_data, path)
    assert slide.levels[0].tile(3, 3).shape == (240, 240, 3)


def test_mirax_without_its_folder_and_its_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "a.mrxs"
    Image.fromarray(picture(64, 64)).save(path, format="JPEG")
    with pytest.raises(SlideError, match=r"folder a is missing"):
        open_slide(path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Data0001.dat").write_bytes(os.urandom(5000))
    first = fingerprint(path)
    with pytest.raises(SlideError, match="damaged"):
        open_slide(path)
    (tmp_path / "a" / "Data0001.dat").write_bytes(os.urandom(5000))
    assert fingerprint(path) != first


def test_dicom_of_several_levels(tmp_path: Path, levels: list[np.ndarray]) -> None:
    write_dicom(tmp_path / "series", levels)
    slide = open_slide(tmp_path / "series")
    assert (slide.vendor, slide.microns_per_pixel, slide.warnings) == ("dicom", 0.25, ())
    for read, true in zip(slide.levels, levels, strict=True):
        assert np.array_equal(read[:, :], true)
    assert "JANE" not in repr(slide)
    assert "4711" not in repr(slide)


def test_dicom_without_its_finest_level_says_so_and_shows_the_others(
    tmp_path: Path, levels: list[np.ndarray]
) -> None:
    finest, *_coarser = write_dicom(tmp_path / "series", levels)
    finest.unlink()
    for path in (tmp_path / "series", tmp_path / "series" / "level-2.dcm"):
        slide = open_slide(path)
        [line] = slide.warnings
        assert "series: the file with the finest level of this DICOM series is missing" in line
        assert slide.microns_per_pixel == 0.5  # of what is there
        for read, true in zip(slide.levels, levels[1:], strict=True):
            assert np.array_equal(read[:, :], true)


def test_dicom_that_lacks_a_part_of_a_level_names_it(tmp_path: Path, levels: list[np.ndarray]) -> None:
    _finest, part, _coarse = write_dicom(tmp_path / "series", levels)
    image = pydicom.dcmread(part)
    image.ConcatenationUID = image.SOPInstanceUIDOfConcatenationSource = pydicom.uid.generate_uid()
    image.InConcatenationNumber, image.InConcatenationTotalNumber = 1, 2
    image.ConcatenationFrameOffsetNumber = 0
    image.save_as(part)
    with pytest.raises(SlideError, match="series: of a level in 2 files, part 2 is missing") as caught:
        open_slide(tmp_path / "series")
    assert "\n" not in str(caught.value)


def test_dicom_that_is_no_slide(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM" + bytes(300))
    for path in (tmp_path / "a.dcm", tmp_path):
        with pytest.raises(SlideError) as caught:
            open_slide(path)
        assert "\n" not in str(caught.value)
