from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_bonemarrow.report import ReportError, make_folder, write_bytes, write_text
from napari_bonemarrow.report.files import draft
from tests.disk import small_disk


def test_text_is_written_whole_and_readable_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "µm")
    assert (tmp_path / "a.txt").read_bytes() == "µm".encode()
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (tmp_path / "a.txt").stat().st_mode == ordinary.stat().st_mode


def test_a_full_disk_is_one_line_and_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text(path, "before")
    with small_disk(4096), pytest.raises(ReportError, match=r"report\.html: the disk is full") as caught:
        write_bytes(path, b"x" * 4097)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("file/below.csv", "a file stands where a folder is needed"),
        ("missing/below.csv", "its folder does not exist"),
        ("folder", "this is a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str, text: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReportError, match=text):
        write_text(tmp_path / place, "x")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_a_read_only_place_is_told() -> None:
    with pytest.raises(ReportError, match=r"^/proc/self/x\.csv: "):
        write_text(Path("/proc/self/x.csv"), "x")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="a file stands where a folder is needed"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(ReportError, match="a file stands where a folder is needed"):
        make_folder(tmp_path / "file")
    assert make_folder(tmp_path / "new" / "below").is_dir()


@pytest.mark.parametrize("name", ["smear.bmcase", "SMEAR.BMCASE", "smear.svs", "field.JPG", "smear.png"])
def test_a_result_replaces_no_case_and_no_slide(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"kept")
    with pytest.raises(ReportError, match="no result may replace it: name another file"):
        write_text(tmp_path / name, "x")
    with pytest.raises(ReportError, match="no result may replace it"), draft(tmp_path / name):
        pass
    assert (tmp_path / name).read_bytes() == b"kept"


def test_a_picture_replaces_the_one_before(tmp_path: Path) -> None:
    for last in (b"1", b"2"):
        write_bytes(tmp_path / "overlay.png", b"\x89PNG" + last)
    assert (tmp_path / "overlay.png").read_bytes() == b"\x89PNG2"


def test_a_dicom_result_replaces_the_one_before(tmp_path: Path) -> None:
    for last in (b"1", b"2"):
        write_bytes(tmp_path / "differential.dcm", bytes(128) + b"DICM" + last)
    assert (tmp_path / "differential.dcm").read_bytes().endswith(b"2")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="such files cannot be")
def test_a_result_replaces_no_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ReportError, match="is a device, not a file"):
        write_text(tmp_path / "pipe", "x")
    assert (tmp_path / "pipe").is_fifo()
