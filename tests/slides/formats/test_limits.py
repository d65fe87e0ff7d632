"""What an image would take is counted before it is decoded: a few kB do not become gigabytes."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian

from napari_bonemarrow.slides import SlideError, open_slide
from napari_bonemarrow.slides.formats.registry import format_of
from napari_bonemarrow.slides.formats.tiff import tiff_pieces
from tests.slides._dicom import write_dicom
from tests.slides._pyramids import halved, picture, write_pages
from tests.slides.vendors.planted import jpeg

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell the peak so")


def _refused(path: Path, *words: str) -> None:
    with pytest.raises(SlideError) as caught:
        np.asarray(open_slide(path).levels[0])
    text = str(caught.value)
    assert "\n" not in text
    assert any(word in text for word in words), text


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, depth: int, colour: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(1000)))


@pytest.mark.parametrize(
    ("width", "depth", "colour"),
    [(15_900, 8, 2), (15_900, 8, 6), (12_600, 16, 6), (60_000, 8, 0), (14_000, 16, 2)],
)
def test_a_png_that_takes_too_much_memory(tmp_path: Path, width: int, depth: int, colour: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_png(width, width, depth, colour))
    _refused(path, "too large to read whole")


def test_a_webp_is_counted_with_its_decoders_canvases(tmp_path: Path) -> None:
    Image.new("RGB", (10_000, 9_900), (200, 180, 220)).save(tmp_path / "a.webp", lossless=True)
    assert (tmp_path / "a.webp").stat().st_size < 100_000
    _refused(tmp_path / "a.webp", "too large to read whole")


def test_a_bitmap_of_a_few_bytes_that_states_a_huge_picture(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.bmp")
    data = bytearray((tmp_path / "a.bmp").read_bytes())
    data[18:26] = struct.pack("<ii", 40_000, 40_000)
    (tmp_path / "a.bmp").write_bytes(bytes(data))
    _refused(tmp_path / "a.bmp", "too large to read whole")


def _bomb_jpeg() -> bytes:
    """A JPEG of some hundred bytes that says that it is 65,500 px wide and high."""
    data = bytearray(jpeg(picture(64, 64)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def _bomb_jpeg2000() -> bytes:
    data = bytearray(imagecodecs.jpeg2k_encode(picture(64, 64), codecformat="j2k"))
    at = data.index(b"\xff\x4f\xff\x51")
    data[at + 8 : at + 16] = struct.pack(">II", 60_000, 60_000)
    data[at + 24 : at + 32] = struct.pack(">II", 60_000, 60_000)
    return bytes(data)


def _many_parts() -> bytes:
    data = bytearray(imagecodecs.jpeg2k_encode(picture(64, 64), codecformat="j2k"))
    at = data.index(b"\xff\x4f\xff\x51")
    data[at + 24 : at + 32] = struct.pack(">II", 1, 1)
    return bytes(data)


def _bomb_webp() -> bytes:
    return bytes(imagecodecs.webp_encode(np.zeros((8000, 8000, 3), np.uint8), lossless=True))


def _bomb_png() -> bytes:
    return _png(60_000, 60_000, 8, 2)


BOMBS = {
    "jpeg": (7, _bomb_jpeg),
    "jpeg2000": (34712, _bomb_jpeg2000),
    "jpeg2000-parts": (34712, _many_parts),
    "webp": (50001, _bomb_webp),
    "png": (34933, _bomb_png),
}


def _with_first_piece(path: Path, data: bytes, compression: int, tiled: bool) -> None:
    """Write a TIFF of tiles of 64 px, and put other bytes in place of the first."""
    levels = [picture(256, 256), halved(picture(256, 256))] if tiled else [picture(256, 256)]
    write_pages(path, levels, 64, compression="jpeg")
    stored = path.read_bytes()
    with tifffile.TiffFile(path, mode="r+b") as file:
        for page in file.pages:
            page.tags["Compression"].overwrite(compression)
            offsets, counts = list(page.dataoffsets), list(page.databytecounts)
            offsets[0], counts[0] = len(stored), len(data)
            page.tags["TileOffsets"].overwrite(offsets)
            page.tags["TileByteCounts"].overwrite(counts)
    whole = path.read_bytes()
    place = whole[: len(stored)]
    path.write_bytes(place + data)
    assert len(place) == len(stored)


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("name", BOMBS)
def test_a_tile_that_is_larger_than_its_place(tmp_path: Path, name: str, tiled: bool) -> None:
    compression, make = BOMBS[name]
    path = tmp_path / "a.tif"
    _with_first_piece(path, make(), compression, tiled)
    _refused(path, "states another size", "too many parts", "does not say its size")


def test_a_compression_whose_pieces_do_not_say_their_size_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(64, 64), photometric="rgb", compression="jpegxl")
    _refused(tmp_path / "a.tif", "JPEGXL")
    assert not tiff_pieces.is_known(50002)


@only_linux
def test_a_deflated_dicom_file_is_not_inflated(tmp_path: Path) -> None:
    """All after its first bytes is one block, here of 300 MB in 0.3."""
    folder = tmp_path / "series"
    [path] = write_dicom(folder, [picture(128, 128)])
    image = pydicom.dcmread(path)
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    image.ImageComments = "a" * 10
    image.save_as(path)
    data = path.read_bytes()
    begin = 132 + 12 + int.from_bytes(data[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    path.write_bytes(data[:begin] + packer.compress(bytes(300 * 2**20)) + packer.flush())
    code = (
        "import sys; from pathlib import Path; from napari_bonemarrow.slides import open_slide\n"
        "try: open_slide(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    assert told[0].startswith("SlideError")
    assert int(told[1]) < 290_000  # kB
    assert format_of(folder).name == "series"


@pytest.mark.parametrize("size", [2**31 - 1, 3_000_000])
def test_a_tiled_tiff_that_states_an_absurd_size(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.tif"
    write_pages(path, [picture(256, 256), halved(picture(256, 256))], 64)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for page, length in zip(file.pages, (size, size // 2), strict=True):
            page.tags["ImageWidth"].overwrite(length)
            page.tags["ImageLength"].overwrite(length)
    _refused(path, "any scanner", "damaged")


def test_a_small_file_that_states_a_huge_slide(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_pages(path, [picture(256, 256), halved(picture(256, 256))], 64)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for page, length in zip(file.pages, (400_000, 200_000), strict=True):
            page.tags["ImageWidth"].overwrite(length)
            page.tags["ImageLength"].overwrite(length)
    _refused(path, "bytes: the image is damaged")


PEAK = """
import json, sys
from napari_bonemarrow.slides import open_slide
import PIL.Image, imagecodecs
from napari_bonemarrow.slides.formats import limits, raster_files
from pathlib import Path
path = Path(sys.argv[1])
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
open_slide(sys.argv[2])
Path("/proc/self/clear_refs").write_text("5")
before = peak()
counted = []
check = limits.check_decoded
raster_files.check_decoded = lambda path, w, h, each: (counted.append(w * h * each), check(path, w, h, each))
open_slide(path)
print(json.dumps([max(counted), peak() - before]))
"""


@only_linux
@pytest.mark.parametrize(
    ("suffix", "mode", "options"),
    [
        (".png", "RGB", {"compress_level": 1}),
        (".png", "RGBA", {"compress_level": 1}),
        (".jpg", "RGB", {"progressive": True}),
        (".bmp", "RGB", {}),
        (".webp", "RGB", {"lossless": True, "method": 0}),
        (".png", "I;16", {"compress_level": 1}),
    ],
)
def test_decoding_takes_no_more_than_is_counted(
    tmp_path: Path, suffix: str, mode: str, options: dict[str, object]
) -> None:
    small, large = tmp_path / f"small{suffix}", tmp_path / f"large{suffix}"
    for path, side in ((small, 64), (large, 5000)):
        image = Image.new("I;16" if mode == "I;16" else "RGB", (side, side), 40_000 if mode == "I;16" else 0)
        (image if mode == "I;16" else image.convert(mode)).save(path, **options)
    told = subprocess.run(
        [sys.executable, "-c", PEAK, str(large), str(small)], capture_output=True, text=True, check=True
    )
    counted, taken = json.loads(told.stdout)
    assert taken < counted * 1.1 + 20e6
