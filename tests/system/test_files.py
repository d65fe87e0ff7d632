from __future__ import annotations

import os
from pathlib import Path

import pytest

from napari_bonemarrow.system.files import DRAFT, draft, write_bytes, write_text


def test_a_file_is_on_the_disk_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    write_text(path, "old\n")
    seen: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        seen.append(path.read_text("utf-8"))

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(path, "new\r\n")
    assert seen == ["old\n"]
    assert path.read_bytes() == b"new\r\n"


def test_an_error_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_bytes(path, b"old")
    with pytest.raises(ValueError, match="half"):
        _write_half(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def _write_half(path: Path) -> None:
    with draft(path) as part:
        assert part.suffix == path.suffix
        assert part.name.startswith(DRAFT)
        part.write_bytes(b"half")
        raise ValueError("half")


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "nowhere" / "a.json", b"")
