"""OpenSlide reads in processes of its own: a file that ends one costs a tile, not the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest
from pydicom.encaps import encapsulate

from napari_bonemarrow.slides import SlideError, open_slide
from napari_bonemarrow.slides.formats.openslide import openslide_process
from napari_bonemarrow.slides.formats.openslide.openslide_process import Readers, ReadingError, readers
from napari_bonemarrow.slides.library_messages import reason
from napari_bonemarrow.slides.pixels.tiled import TiledLevel
from tests.slides._dicom import write_dicom
from tests.slides.conftest import WriteSlide, Written
from tests.slides.vendors.planted import jpeg

only_posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def _level(path: Path) -> TiledLevel:
    level = open_slide(path).levels[0]
    assert isinstance(level, TiledLevel)
    return level


def test_the_library_is_not_loaded_by_the_program_itself(written: Callable[[str], Written]) -> None:
    code = (
        "import sys; from napari_bonemarrow.slides import open_slide; "
        "print(open_slide(sys.argv[1]).levels[0][:64, :64].shape, 'openslide' in sys.modules)"
    )
    path = str(written("aperio").path)
    told = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[0] == "(64, 64, 3) False"
    assert told.stderr == ""


@only_posix
def test_a_process_that_was_ended_is_started_again(written: Callable[[str], Written]) -> None:
    level = _level(written("aperio").path)
    before = level.tile(0, 0).copy()
    readers.close()
    together = [threading.Thread(target=readers.warm) for _ in range(2)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    for pid in readers.pids:
        os.kill(pid, signal.SIGSEGV)  # they may still look alive at the next request
    assert level.tile(0, 1).shape == before.shape
    assert readers.pids


def _compressed(folder: Path, levels: list[np.ndarray]) -> Path:
    """A DICOM series whose frames are JPEG, found by a table of offsets."""
    for path, level in zip(write_dicom(folder, levels, tile=128), levels, strict=True):
        image = pydicom.dcmread(path)
        frames = np.frombuffer(image.PixelData, np.uint8).reshape(-1, 128, 128, 3)
        assert len(frames) >= level.size // (128 * 128 * 3)
        image.PixelData = encapsulate([jpeg(frame) for frame in frames], has_bot=True)
        image.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
        image.PhotometricInterpretation = "YBR_FULL_422"
        image.LossyImageCompression = "01"
        image["PixelData"].is_undefined_length = True
        image.save_as(path)
    return folder


def test_three_bytes_of_an_offset_table_cost_tiles_and_no_process_of_ours(
    tmp_path: Path, smear_levels: list[np.ndarray]
) -> None:
    folder = _compressed(tmp_path / "series", smear_levels)
    assert np.abs(_level(folder)[:, :].astype(int) - smear_levels[0]).mean() < 3
    file = folder / "level-0.dcm"
    data = bytearray(file.read_bytes())
    table = data.index(b"\xe0\x7f\x10\x00OB\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0") + 20
    for place in (4, 8, 12):  # the upper bytes of the offsets of the second frame and those that follow
        data[table + place + 3] = 0xC0
    file.write_bytes(bytes(data))
    failed = []
    level = _level(folder)
    for row in range(level.grid[0]):
        for column in range(level.grid[1]):
            try:
                level.tile(row, column)
            except SlideError as error:
                failed.append(str(error))
    assert failed
    assert all("\n" not in line and "cannot be read" in line for line in failed)
    assert len(failed) < level.grid[0] * level.grid[1]


@only_posix
def test_a_process_that_does_not_answer_is_ended(
    written: Callable[[str], Written], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Readers()
    path = str(written("aperio").path)
    assert own.ask("vendor", path=path)[0]["vendor"] == "aperio"
    [pid] = own.pids
    os.kill(pid, signal.SIGSTOP)  # as one that hangs in a read
    monkeypatch.setattr(openslide_process, "SECONDS", 0.2)
    with pytest.raises(ReadingError, match="took over"):
        own.ask("vendor", path=path)
    assert own.pids == []
    assert not psutil.pid_exists(pid)
    monkeypatch.setattr(openslide_process, "SECONDS", 30.0)
    assert own.ask("vendor", path=path)[0]["vendor"] == "aperio"
    own.close()


@only_posix
def test_the_processes_end_with_their_parent(written: Callable[[str], Written]) -> None:
    code = (
        "import os, signal, sys; "
        "from napari_bonemarrow.slides.formats.openslide.openslide_process import readers; "
        "readers.ask('vendor', path=sys.argv[1]); print(*readers.pids, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = str(written("aperio").path)
    told = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    [pid] = map(int, told.stdout.split())
    if psutil.pid_exists(pid):
        psutil.wait_procs([psutil.Process(pid)], timeout=10)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")
def test_a_slide_that_asks_for_all_memory_gets_none(write_slide: WriteSlide) -> None:
    written = write_slide("vmu")
    path = written.path.with_name("image.ngr")
    data = bytearray(path.read_bytes())
    data[12:16] = (2**27).to_bytes(4, "little")  # px that a column of 12 bits is wide
    path.write_bytes(bytes(data))
    with pytest.raises(SlideError) as caught:
        open_slide(written.path).levels[0][:16, :16]
    assert "\n" not in str(caught.value)


def test_threads_read_the_same_tiles(written: Callable[[str], Written]) -> None:
    whole = open_slide(written("czi").path).levels[0][:, :]
    level = _level(written("czi").path)
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: level[k * 64 : k * 64 + 200]})) for k in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[k], whole[k * 64 : k * 64 + 200]) for k in range(6))
    assert len(readers.pids) <= openslide_process.PROCESSES


@pytest.mark.parametrize(
    "text",
    [
        'Couldn\'t parse "PLANTED NAME" here',
        'Key file contains line “NAME "PLANTED” BORN” which is no key',
        'Bad value "PLANTED "NAME" BORN',
        "Value ‘PLANTED’NAME’ of PLANTED",
    ],
)
def test_a_quotation_is_left_out_whatever_it_holds(text: str) -> None:
    left = reason(ReadingError("openslide", text))
    assert "NAME" not in left
    assert "BORN" not in left
