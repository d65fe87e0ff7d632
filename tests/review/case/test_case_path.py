"""Where a case lies, and how it finds its slide again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PIL import Image

from napari_bonemarrow.review import Case, CaseError, EventKind, case_path_for, on_network
from napari_bonemarrow.review.case import case_path as case_paths
from napari_bonemarrow.slides import Slide, open_slide, slide_from_array
from napari_bonemarrow.system.home import home


def draw(path: Path, value: int) -> Path:
    Image.fromarray(np.full((40, 50, 3), value, np.uint8)).save(path)
    return path


def start(slide_path: Path, case_path: Path | None = None) -> Path:
    path = case_path or case_path_for(slide_path)
    Case.create(path, open_slide(slide_path), reviewer="Ada").close()
    return path


def test_home_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "h"))
    assert home() == tmp_path / "h"
    monkeypatch.delenv("NAPARI_BONEMARROW_HOME")
    assert home().name == "napari-bonemarrow"


def test_a_case_lies_beside_its_slide(slide_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert case_path_for(slide_path) == slide_path.with_name("smear 1.bmcase")
    assert not case_path_for(slide_path).exists()
    monkeypatch.chdir(slide_path.parent)
    assert case_path_for(slide_path.name) == slide_path.with_name("smear 1.bmcase")


def test_two_images_of_one_stem_have_a_case_each(tmp_path: Path) -> None:
    png, tif = draw(tmp_path / "a.png", 10), draw(tmp_path / "a.tif", 20)
    assert start(png).name == "a.bmcase"
    assert start(tif).name == "a.tif.bmcase"
    assert case_path_for(png).name == "a.bmcase"
    assert case_path_for(tif).name == "a.tif.bmcase"


def test_a_renamed_slide_keeps_its_case_and_a_new_one_gets_its_own(tmp_path: Path) -> None:
    old = draw(tmp_path / "a.png", 10)
    start(old)
    renamed = old.rename(tmp_path / "a.PNG")
    assert case_path_for(renamed).name == "a.bmcase"
    renamed.unlink()
    assert case_path_for(draw(tmp_path / "a.tif", 20)).name == "a.tif.bmcase"


def test_what_cannot_be_read_under_the_usual_name_is_not_passed_over(slide_path: Path) -> None:
    slide_path.with_suffix(".bmcase").write_bytes(b"not a case")
    assert case_path_for(slide_path) == slide_path.with_suffix(".bmcase")


def test_beside_a_folder_that_cannot_be_written_the_case_goes_home(
    slide_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_paths, "can_write_in", lambda folder: False)
    path = case_path_for(slide_path)
    assert path == home() / "cases" / f"smear 1-{open_slide(slide_path).fingerprint[:8]}.bmcase"
    start(slide_path)
    # Once there it stays the case of that slide, also when the folder can be written again.
    monkeypatch.undo()
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(path.parents[1]))
    assert case_path_for(slide_path) == path
    other = draw(slide_path.with_name("smear 1.tif"), 9)
    assert case_path_for(other) == other.with_name("smear 1.bmcase")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write")
def test_whether_a_folder_can_be_written_is_tried(tmp_path: Path) -> None:
    assert case_paths.can_write_in(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not case_paths.can_write_in(Path("/proc/self"))
    assert not case_paths.can_write_in(tmp_path / "none")


def test_network_disks_are_told_by_their_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path.resolve()

    def mounts(*which: tuple[Path, str, str]) -> None:
        table = [SimpleNamespace(mountpoint=str(at), fstype=kind, opts=opts) for at, kind, opts in which]
        monkeypatch.setattr(psutil, "disk_partitions", lambda all: table)

    root = (Path(folder.anchor), "ext4", "rw")
    mounts(root, (folder / "share", "nfs4", "rw"))
    assert not on_network(folder / "x.bmcase")
    assert on_network(folder / "share" / "x.bmcase")
    assert not on_network(folder / "shared" / "x.bmcase")
    mounts(root, (folder, "cifs", "rw"), (folder / "disk", "xfs", "rw"))
    assert on_network(folder / "x.bmcase")
    assert not on_network(folder / "disk" / "x.bmcase")
    mounts(root, (folder, "", "rw,remote"))
    assert on_network(folder / "x.bmcase")


# --- the slide


def test_the_slide_is_found_where_it_was(slide_path: Path) -> None:
    with Case.open(start(slide_path)) as case:
        assert case.slide_file.find() == slide_path
        assert case.slide_file.require() == slide_path


def test_slide_and_case_move_together(slide_path: Path, tmp_path: Path) -> None:
    case_path = start(slide_path)
    moved = tmp_path / "elsewhere"
    shutil.move(slide_path.parent, moved)
    with Case.open(moved / case_path.name) as case:
        assert case.slide_file.find() == moved / slide_path.name


def test_a_tree_of_slides_and_cases_moves_together(slide_path: Path, tmp_path: Path) -> None:
    case_path = start(slide_path, tmp_path / "cases" / "x.bmcase")
    other = tmp_path / "other"
    other.mkdir()
    shutil.move(slide_path.parent, other / slide_path.parent.name)
    shutil.move(case_path.parent, other / "cases")
    with Case.open(other / "cases" / "x.bmcase") as case:
        assert case.slide_file.find() == other / slide_path.parent.name / slide_path.name


def test_an_absent_slide_is_none_and_one_line_where_it_is_needed(slide_path: Path) -> None:
    case_path = start(slide_path)
    slide_path.unlink()
    with Case.open(case_path) as case:
        assert case.slide_file.find() is None
        with pytest.raises(
            CaseError, match=r"smear 1\.png, the slide of smear 1\.bmcase, was not found"
        ) as caught:
            case.slide_file.require()
        assert "\n" not in str(caught.value)


def test_a_changed_slide_is_refused(slide_path: Path) -> None:
    case_path = start(slide_path)
    draw(slide_path, 99)
    with Case.open(case_path) as case, pytest.raises(CaseError, match="not the image this case is about"):
        case.slide_file.find()


def test_a_changed_slide_does_not_hide_the_right_one_beside_the_case(
    slide_path: Path, tmp_path: Path
) -> None:
    case_path = start(slide_path, tmp_path / "x.bmcase")
    shutil.copy(slide_path, tmp_path / slide_path.name)
    draw(slide_path, 99)
    with Case.open(case_path) as case:
        assert case.slide_file.find() == tmp_path / slide_path.name


def test_a_moved_slide_is_told_to_the_case(slide_path: Path, tmp_path: Path) -> None:
    case_path = start(slide_path)
    (tmp_path / "far").mkdir()
    far = slide_path.rename(tmp_path / "far" / "renamed.png")
    with Case.open(case_path) as case:
        assert case.slide_file.find() is None
        case.slide_file.move(far)
        assert case.slide_file.find() == far
        assert case.slide_record.name == "renamed.png"
        assert case.slide_file.move(far) is None
    with Case.open(case_path) as case:
        assert case.slide_file.find() == far
        assert case.history.events()[-1].kind == EventKind.SLIDE_MOVED


def test_a_case_without_names_knows_its_slide_by_the_fingerprint(slide_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "results" / "x.bmcase"
    slide = open_slide(slide_path)
    with Case.create(path, slide, reviewer="Ada", anonymous=True) as case:
        name = case.slide_record.name
        assert slide.fingerprint.startswith(name)
        assert case.slide_file.find() is None  # it keeps no path either
        with pytest.raises(CaseError, match=f"{name}, the slide of x.bmcase, was not found: put it next to"):
            case.slide_file.require()
        assert case.slide_file.move(slide_path) is None  # which would give it one
        draw(path.with_name("another.png"), 3)
        path.with_name("none.tif").write_bytes(b"no image")
        (path.parent / "empty").mkdir()
        case_path = Path(shutil.copy(slide_path, path.with_name("y.png")))
        assert case.slide_file.find() == case_path
        case.slide_file.check(open_slide(case_path))
    assert slide_path.stem.encode() not in path.read_bytes()
    assert str(slide_path.parent).encode() not in path.read_bytes()


def test_the_photographs_of_a_case_without_names_are_numbered(tmp_path: Path) -> None:
    folder = tmp_path / "Miller"
    folder.mkdir()
    for number in range(2):
        draw(folder / f"B24-{number}.png", number)
    path = tmp_path / "x.bmcase"
    with Case.create(path, open_slide(folder), reviewer="Ada", anonymous=True) as case:
        assert [field.name for field in case.slide_record.fields] == ["1", "2"]
        case.slide_file.check(open_slide(folder))
        assert case.slide_file.find() == folder
    assert not [word for word in (b"Miller", b"B24") if word in path.read_bytes()]


def test_another_image_is_not_the_moved_slide(slide_path: Path, tmp_path: Path) -> None:
    with Case.open(start(slide_path)) as case:
        with pytest.raises(CaseError, match=r"other\.png is not the image"):
            case.slide_file.move(draw(tmp_path / "other.png", 3))
        with pytest.raises(CaseError, match="cannot read"):
            case.slide_file.move(tmp_path / "none.png")


def test_an_image_that_was_never_a_file_has_no_place(tmp_path: Path) -> None:
    slide: Slide = slide_from_array(np.zeros((30, 30, 3), np.uint8), 0.1)
    with Case.create(tmp_path / "memory.bmcase", slide, reviewer="Ada") as case:
        assert case.slide_file.find() is None
        assert case.slide_record.path == ""
        assert case.microns_per_pixel == 0.1


def test_a_case_without_a_name_for_its_reviewer_takes_the_users(slide_path: Path) -> None:
    path = case_path_for(slide_path)
    with Case.create(path, open_slide(slide_path), reviewer="  ") as case:
        assert case.reviewer.strip()
        assert case.history.events()[0].reviewer == case.reviewer


def test_the_review_layer_loads_neither_torch_nor_qt_nor_scikit_image(
    run_python: Callable[[str], str],
) -> None:
    loaded = run_python(
        "import sys, napari_bonemarrow.review; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    assert not {"torch", "qtpy", "napari", "pandas", "skimage", "scipy"} & set(loaded.split())
