from __future__ import annotations

from pathlib import Path

import pytest

from napari_bonemarrow.workflow.inputs import Input, find_inputs


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_folders_give_their_images_below_them_too_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a.jpg", "sub/c.tif", "notes.txt", ".hidden.png", ".trash/d.png", "out/e.png")
    found = find_inputs([tmp_path], out=tmp_path / "out")
    assert [item.path.name for item in found] == ["a.jpg", "b.PNG", "c.tif"]
    assert [item.name for item in found] == ["a", "b", "c"]


def test_patterns_and_paths_give_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.png", "b.png", "deep/er/c.png")
    monkeypatch.chdir(tmp_path)
    found = find_inputs([str(tmp_path / "*.png"), "a.png", "./b.png", "**/c.png"])
    assert [item.path.name for item in found] == ["a.png", "b.png", "c.png"]


def test_what_stands_for_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    folder, pattern, missing = find_inputs(
        [tmp_path / "empty", str(tmp_path / "*.png"), tmp_path / "gone.png"]
    )
    assert "no image in this folder" in folder.error
    assert "no file has such a name" in pattern.error
    assert missing.error == ""  # opening it says that it is missing


def test_a_file_with_wildcards_in_its_name_is_that_file(tmp_path: Path) -> None:
    touch(tmp_path, "field[1].png")
    assert [item.path.name for item in find_inputs([tmp_path / "field[1].png"])] == ["field[1].png"]


def test_a_shared_stem_gets_a_short_hash_whatever_the_case(tmp_path: Path) -> None:
    touch(tmp_path, "one/Field.png", "two/field.png", "two/other.png")
    names = [item.name for item in find_inputs([tmp_path])]
    assert len({name.casefold() for name in names}) == 3
    assert names[0].startswith("Field-")
    assert names[1].startswith("field-")
    assert names[2] == "other"
    assert [item.name for item in find_inputs([tmp_path])] == names  # the same the next time


def test_anonymous_names_tell_neither_file_nor_folder(tmp_path: Path) -> None:
    touch(tmp_path, "B24-0815 Muster.png")
    path = tmp_path / "B24-0815 Muster.png"
    known, missing = find_inputs([path, tmp_path / "B24-0816.png"], anonymous=True)
    assert len(known.name) == 12
    assert missing.name == "input-2"
    message = f"{path}: B24-0815 Muster.png cannot be read"
    assert known.hide_name(message) == f"{known.name}: {known.name} cannot be read"
    of_case = f"{path.stem}.tif, the slide of B24-0815 Muster.bmcase, was not found"
    assert "B24" not in known.hide_name(of_case)


def test_what_a_slide_lacks_is_told_without_names_where_they_must_not_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ("a/x.png: cannot be read", "a/y.png: cannot be read")
    Input(tmp_path / "a", "a", str(tmp_path / "a")).tell_left_out(lines)
    Input(tmp_path / "a", "12ab", "12ab").tell_left_out(lines)
    Input(tmp_path / "a", "12ab", "12ab").tell_left_out(())
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "warning: a/x.png: cannot be read",
        "warning: a/y.png: cannot be read",
        "warning: 12ab: 2 of its parts are missing or cannot be read",
    ]
