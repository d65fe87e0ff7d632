"""Opening files: colour modes, depths, rotation, scale, fingerprints and damage."""

from __future__ import annotations

import contextlib
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_bonemarrow.cytology import ScaleError
from napari_bonemarrow.slides import ScaleSource, SlideError, fingerprint, open_slide, slide_from_array
from napari_bonemarrow.slides import reader as reading_module


@pytest.fixture
def picture() -> np.ndarray:
    """A picture with no symmetry: red falls to the right, green falls downwards."""
    rgb = np.full((60, 80, 3), 200, np.uint8)
    rgb[..., 0] = np.linspace(250, 50, 80).astype(np.uint8)
    rgb[..., 1] = np.linspace(240, 60, 60).astype(np.uint8)[:, None]
    return rgb


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".PNG"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, picture: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"field{suffix}"
    Image.fromarray(picture).save(path)
    slide = open_slide(path)
    assert np.array_equal(slide.levels[0], picture)
    assert (slide.width, slide.height) == (80, 60)
    assert not slide.levels[0].flags.writeable


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_formats_come_back_nearly(tmp_path: Path, picture: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"field{suffix}"
    Image.fromarray(picture).save(path, quality=95)
    difference = open_slide(path).levels[0].astype(int) - picture
    assert np.abs(difference).mean() < 3


def test_grey_palette_and_bilevel_become_rgb(tmp_path: Path, picture: np.ndarray) -> None:
    image = Image.fromarray(picture)
    for mode in ("L", "P", "1", "LA"):
        path = tmp_path / f"{mode}.png"
        image.convert(mode).save(path)
        expected = np.asarray(image.convert(mode).convert("RGB"))
        assert np.array_equal(open_slide(path).levels[0], expected), mode


def test_transparency_is_laid_on_white(tmp_path: Path, picture: np.ndarray) -> None:
    alpha = np.full((60, 80, 1), 255, np.uint8)
    alpha[:, 40:] = 0
    alpha[:, :10] = 128
    Image.fromarray(np.concatenate([picture, alpha], axis=2), "RGBA").save(tmp_path / "a.png")
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.concatenate([picture, alpha], axis=2),
        photometric="rgb",
        extrasamples=["unassalpha"],
    )
    for name in ("a.png", "a.tif"):
        rgb = open_slide(tmp_path / name).levels[0]
        assert (rgb[:, 40:] == 255).all()
        assert np.array_equal(rgb[:, 10:40], picture[:, 10:40])
        assert np.abs(rgb[:, :10].astype(int) - (picture[:, :10].astype(int) + 255) // 2).max() <= 2


def test_cmyk_jpeg_and_tiff(tmp_path: Path, picture: np.ndarray) -> None:
    cmyk = Image.fromarray(picture).convert("CMYK")
    cmyk.save(tmp_path / "c.jpg", quality=98, subsampling=0)
    cmyk.save(tmp_path / "c.tif")
    for name in ("c.jpg", "c.tif"):
        difference = open_slide(tmp_path / name).levels[0].astype(int) - picture
        assert np.abs(difference).mean() < 3, name


@pytest.mark.parametrize(("bits", "white"), [(12, 4095), (16, 65535)])
def test_deep_images_keep_their_brightness(
    tmp_path: Path, picture: np.ndarray, bits: int, white: int
) -> None:
    deep = (picture.astype(float) / 255 * white).round().astype(np.uint16)
    deep[0, 0] = white
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    import imagecodecs

    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    grey = np.ascontiguousarray(deep[..., 0])
    Image.fromarray(grey).save(tmp_path / "grey.png")
    for name in ("deep.tif", "deep.png"):
        difference = open_slide(tmp_path / name).levels[0].astype(int) - picture
        assert np.abs(difference[1:]).max() <= 1, (name, bits)
    rgb = open_slide(tmp_path / "grey.png").levels[0].astype(int)
    assert np.abs(rgb[1:] - picture[1:, :, :1]).max() <= 1


def test_floating_point_and_planar_tiff(tmp_path: Path, picture: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "f.tif", picture.astype(np.float32) / 255, photometric="rgb")
    planes = np.moveaxis(picture, -1, 0)
    tifffile.imwrite(tmp_path / "p.tif", planes, photometric="rgb", planarconfig="separate")
    for name in ("f.tif", "p.tif"):
        assert np.array_equal(open_slide(tmp_path / name).levels[0], picture), name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_exif_rotation_is_applied(tmp_path: Path, picture: np.ndarray, orientation: int, suffix: str) -> None:
    # How each orientation stores the upright picture (EXIF 2.3, tag 274).
    store = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    stored = np.ascontiguousarray(store(picture))
    path = tmp_path / f"r{suffix}"
    if suffix == ".tif":
        tifffile.imwrite(path, stored, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    else:
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(stored).save(path, exif=exif, quality=95)
    assert np.abs(open_slide(path).levels[0].astype(int) - picture).mean() < 3


def test_the_largest_colour_image_of_a_tiff_is_taken(tmp_path: Path, picture: np.ndarray) -> None:
    with tifffile.TiffWriter(tmp_path / "multi.tif") as writer:
        writer.write(picture[::4, ::4], photometric="rgb")
        writer.write(np.zeros((300, 300), np.uint8), photometric="minisblack")
        writer.write(picture, photometric="rgb")
    assert np.array_equal(open_slide(tmp_path / "multi.tif").levels[0], picture)


def test_colour_kept_as_three_grey_channels(tmp_path: Path, picture: np.ndarray) -> None:
    planes = np.moveaxis(picture, -1, 0)
    tifffile.imwrite(tmp_path / "c.ome.tif", planes, photometric="minisblack", metadata={"axes": "CYX"})
    assert np.array_equal(open_slide(tmp_path / "c.ome.tif").levels[0], picture)


def test_scale_is_read_from_each_format(tmp_path: Path, picture: np.ndarray) -> None:
    image = Image.fromarray(picture)
    image.save(tmp_path / "a.png", dpi=(25400 / 0.08, 25400 / 0.08))
    image.save(tmp_path / "a.jpg", dpi=(50_800, 50_800))
    per_cm = 10_000 / 0.1
    tifffile.imwrite(tmp_path / "a.tif", picture, resolution=(per_cm, per_cm), resolutionunit="CENTIMETER")
    size = {"axes": "YXS", "PhysicalSizeX": 60, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 60}
    tifffile.imwrite(tmp_path / "a.ome.tif", picture, metadata={**size, "PhysicalSizeYUnit": "nm"})
    tifffile.imwrite(
        tmp_path / "ij.tif", picture[..., 0], imagej=True, resolution=(20, 20), metadata={"unit": "um"}
    )
    expected = {"a.png": 0.08, "a.jpg": 0.5, "a.tif": 0.1, "a.ome.tif": 0.06, "ij.tif": 0.05}
    for name, value in expected.items():
        scale = open_slide(tmp_path / name).scale
        assert scale is not None, name
        assert scale.source is ScaleSource.FILE
        assert scale.microns_per_pixel == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_print_resolution_is_no_scale(tmp_path: Path, picture: np.ndarray, dpi: int) -> None:
    for name in ("a.png", "a.jpg", "a.tif"):
        Image.fromarray(picture).save(tmp_path / name, dpi=(dpi, dpi))
        assert open_slide(tmp_path / name).scale is None, name


def test_pixels_that_are_not_square_give_no_scale(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png", dpi=(25400 / 0.08, 25400 / 0.1))
    assert open_slide(tmp_path / "a.png").scale is None


def test_the_users_scale_goes_before_the_files(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png", dpi=(25400 / 0.08, 25400 / 0.08))
    slide = open_slide(tmp_path / "a.png", microns_per_pixel=0.2)
    assert slide.microns_per_pixel == 0.2
    assert slide.scale is not None
    assert slide.scale.source is ScaleSource.USER


@pytest.mark.parametrize("value", [0, -0.1, float("nan"), float("inf"), 1000, 1e-6])
def test_an_absurd_scale_is_refused(tmp_path: Path, picture: np.ndarray, value: float) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(ScaleError, match="µm per pixel") as caught:
        open_slide(tmp_path / "a.png", microns_per_pixel=value)
    assert "\n" not in str(caught.value)


def _one_line(path: Path | str, *words: str) -> None:
    with pytest.raises(SlideError) as caught:
        open_slide(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    for word in words:
        assert word in text, text


def test_missing_folder_empty_text_and_foreign_files(tmp_path: Path) -> None:
    _one_line(tmp_path / "none.png", "no such file")
    _one_line(tmp_path, "folder")
    (tmp_path / "empty.png").touch()
    _one_line(tmp_path / "empty.png", "empty")
    for suffix in (".png", ".jpg", ".tif", ".bmp", ".webp"):
        (tmp_path / f"text{suffix}").write_text("Surname;First name;Count\n" * 20)
        _one_line(tmp_path / f"text{suffix}", "not an image")
    (tmp_path / "slide.xyz").write_text("x")
    _one_line(tmp_path / "slide.xyz", ".png")


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".svs", ".dcm", ".xyz", ""])
def test_the_content_says_what_a_file_is(tmp_path: Path, picture: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"field{suffix}"
    Image.fromarray(picture).save(path, format="PNG")
    assert np.array_equal(open_slide(path).levels[0], picture)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.97])
def test_truncated_files_are_refused(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries may also warn of what we report
        _one_line(path, "damaged")


@pytest.mark.parametrize("compression", [None, "zlib", "jpeg"])
def test_truncated_tiff_of_any_compression(tmp_path: Path, compression: str | None) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    path = tmp_path / "cut.tif"
    # The directory comes first, so that only pixels are missing.
    tifffile.imwrite(path, noise, photometric="rgb", compression=compression, rowsperstrip=32)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.7)])
    _one_line(path, "damaged")


def test_one_pixel_is_no_field(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "one.png")
    _one_line(tmp_path / "one.png", "1×1", "too small")


def test_a_huge_image_in_one_piece_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    size = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + b"IHDR" + size + struct.pack(">I", zlib.crc32(b"IHDR" + size))
    start = struct.pack(">I", 20_000) + b"IDAT"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + start + bytes(1000))
    _one_line(path, "40000×40000", "250 million")


def test_no_read_permission(tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.png"
    Image.fromarray(picture).save(path)
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser may read anything: let the system's refusal be played
        monkeypatch.setattr(reading_module, "format_of", _refuse)
    _one_line(path, "permission")


def _refuse(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_free_text_of_the_file_stays_in_the_file(tmp_path: Path, picture: np.ndarray) -> None:
    name = "PATIENT^JANE"
    tifffile.imwrite(tmp_path / "a.tif", picture, description=name, software=name, metadata=None)
    exif = Image.Exif()
    exif[315] = name
    exif[270] = name
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif, comment=name.encode())
    for file in ("a.tif", "a.jpg"):
        slide = open_slide(tmp_path / file)
        assert name not in repr(dict(slide.properties)) + repr(slide.scale)


def test_the_fingerprint_follows_the_content(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    picture[0, 0, 0] ^= 1
    Image.fromarray(picture).save(tmp_path / "c.png")
    first, moved, changed = (open_slide(tmp_path / f"{name}.png").fingerprint for name in "abc")
    assert first == moved == fingerprint(tmp_path / "a.png")
    assert len(first) == 64
    assert changed != first


def test_the_fingerprint_of_a_long_file_sees_its_ends(tmp_path: Path) -> None:
    path = tmp_path / "long.tif"
    with path.open("wb") as file:
        file.truncate(80 * 2**20)
    before = fingerprint(path)
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert fingerprint(path) != before


def test_slides_made_in_memory(picture: np.ndarray) -> None:
    slide = slide_from_array(picture, 0.1)
    assert slide.microns_per_pixel == 0.1
    assert slide.fingerprint != slide_from_array(picture[::-1], 0.1).fingerprint
    with pytest.raises(SlideError):
        slide_from_array(picture[..., 0], 0.1)
    with pytest.raises(ScaleError, match="does not say its scale"):
        slide_from_array(picture, None).known_scale()


def test_the_damaged_real_crops_either_open_or_say_why(real_data: Path) -> None:
    for path in sorted((real_data / "corrupt").iterdir()):
        with contextlib.suppress(SlideError):  # anything else is a defect
            assert open_slide(path).levels[0].shape[2] == 3


def test_every_real_field_opens(real_data: Path) -> None:
    paths = sorted((real_data / "fields" / "images").iterdir())
    assert len(paths) >= 30
    for path in paths[::6]:
        slide = open_slide(path)
        assert slide.width in (2040, 2560)
        assert slide.scale is None
