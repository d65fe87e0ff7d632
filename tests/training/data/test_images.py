from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_bonemarrow.training.data.images import in_order, looks_damaged, read_crop
from tests.training.drawn_crops import draw_blob
from tests.training.textures import cut, recompress, texture


@pytest.fixture
def blob() -> np.ndarray:
    return draw_blob("BLA", 1)[0]


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "YCbCr", "L", "LA"])
def test_every_mode_is_read(tmp_path: Path, blob: np.ndarray, mode: str) -> None:
    suffix = {"CMYK": "jpg", "YCbCr": "jpg"}.get(mode, "png")
    Image.fromarray(blob).convert(mode).save(tmp_path / f"x.{suffix}")
    crop = read_crop(tmp_path / f"x.{suffix}", 64)
    assert crop is not None
    wanted = np.asarray(Image.fromarray(blob).convert("L" if mode in ("L", "LA") else "RGB"), float)
    grey = crop.mean(axis=2) if wanted.ndim == 2 else crop.astype(float)
    assert np.abs(grey - wanted).mean() < (30 if mode == "P" else 12)  # a palette of 216 colours


def test_what_is_transparent_is_white(tmp_path: Path, blob: np.ndarray) -> None:
    image = Image.fromarray(blob).convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(64) < 32, 0, 255).astype(np.uint8)[None].repeat(64, 0)))
    image.save(tmp_path / "x.png")
    crop = read_crop(tmp_path / "x.png", 64)
    assert crop is not None
    assert (crop[:, :32] == 255).all()
    np.testing.assert_array_equal(crop[:, 32:], blob[:, 32:])


@pytest.mark.parametrize("how", ["grey png", "grey tiff", "colour tiff", "colour png"])
def test_sixteen_bits_keep_their_shades(tmp_path: Path, blob: np.ndarray, how: str) -> None:
    deep = blob.astype(np.uint16) * 257
    file = tmp_path / f"x.{how.split()[1]}"
    samples = np.ascontiguousarray(deep[..., 0]) if how.startswith("grey") else deep
    if file.suffix == ".tiff":
        tifffile.imwrite(file, samples, photometric="minisblack" if samples.ndim == 2 else "rgb")
    else:
        file.write_bytes(imagecodecs.png_encode(samples))
    crop = read_crop(file, 64)
    assert crop is not None
    wanted = blob[..., :1].repeat(3, axis=2) if samples.ndim == 2 else blob
    assert np.abs(crop.astype(int) - wanted).max() <= 1


def test_other_sizes_are_cut_or_padded(tmp_path: Path, blob: np.ndarray) -> None:
    Image.fromarray(blob[:40]).save(tmp_path / "low.png")
    crop = read_crop(tmp_path / "low.png", 64)
    assert crop is not None
    np.testing.assert_array_equal(crop[12:52], blob[:40])
    wide = read_crop(tmp_path / "low.png", 32)
    np.testing.assert_array_equal(wide, blob[4:36, 16:48])


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for name, data in (("a.png", b""), ("b.tiff", b"II*\0"), ("c.jpg", b"\xff\xd8\xff\xe0 no")):
        (tmp_path / name).write_bytes(data)
        assert read_crop(tmp_path / name, 64) is None
    assert read_crop(tmp_path / "nonesuch.png", 64) is None


def test_threads_keep_the_order() -> None:
    assert list(in_order(lambda place: place**2, 600)) == [place**2 for place in range(600)]
    assert list(in_order(str, 0)) == []


def test_a_bit_error_shows_as_a_step_between_blocks() -> None:
    whole = recompress(cut(texture(1)), 90)
    assert not looks_damaged(whole)
    shifted = whole.copy()
    shifted[144:] = np.roll(whole, 90, axis=1)[144:] // 2
    assert looks_damaged(shifted)
    assert not looks_damaged(whole[:9])


def test_damage_in_real_crops(real_data: Path) -> None:
    damaged = sorted((real_data / "corrupt").iterdir())
    intact = [file for code in ("BLA", "NGS", "ART") for file in sorted((real_data / "bmc" / code).iterdir())]
    for files, wanted in ((damaged, 1.0), (intact[::20], 0.0)):
        found = [looks_damaged(np.asarray(Image.open(file).convert("RGB"))) for file in files]
        assert np.mean(found) == wanted
