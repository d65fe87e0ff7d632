from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.review import Case
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.case_crops import cut_reviewed, find_cases, read_cases
from tests.training.drawn_cases import MICRONS, write_case
from tests.training.drawn_crops import SIZE, draw_blob

CODES = ("BLA", "EOS", "LYT")


def test_reviewed_cells_come_out_as_they_were_drawn(tmp_path: Path):
    write_case(tmp_path, "one", CODES, labels={1: "BLA", 3: "LYT"})
    found = read_cases([tmp_path])
    assert (found.counts(), found.cases_with(), found.skipped) == (
        {"BLA": 1, "LYT": 1},
        {"BLA": 1, "LYT": 1},
        (),
    )
    (case,) = found.cases
    (crops,) = cut_reviewed(case, microns_per_pixel=MICRONS, size=SIZE)
    drawn = np.stack([draw_blob(code, seed)[0] for code, seed in (("BLA", 0), ("LYT", 2))])
    assert np.abs(crops.astype(int) - drawn).mean() < 1
    (waiting,) = cut_reviewed(case, microns_per_pixel=MICRONS, size=SIZE, waiting=np.array([0]))
    assert np.abs(waiting[0].astype(int) - draw_blob("EOS", 1)[0]).mean() < 1


def test_only_what_a_reviewer_said_counts(tmp_path: Path):
    path = write_case(tmp_path, "one", CODES, labels={1: "BLA"})
    with Case.open(path, reviewer="Ben Birch") as case:
        case.set_label(2, "EOS", source="import")
        case.set_label(3, "MEG", source="reviewer")
    found = read_cases([path])
    assert found.counts() == {"BLA": 1}
    assert found.other() == {"MEG": 1}
    assert found.cases[0].reviewers == {"Anna Ash"}


def test_what_cannot_be_read_is_named_and_the_others_go_on(tmp_path: Path):
    write_case(tmp_path, "good", CODES)
    write_case(tmp_path, "moved", CODES, first=50)
    (tmp_path / "moved.png").unlink()
    write_case(tmp_path, "changed", CODES, first=60)
    shutil.copy(tmp_path / "good.png", tmp_path / "changed.png")
    write_case(tmp_path, "unread", CODES, labels={})
    (tmp_path / "broken.bmcase").write_bytes(b"no case")
    shutil.copy(tmp_path / "good.bmcase", tmp_path / "zcopy.bmcase")
    found = read_cases([tmp_path])
    assert [case.path.name for case in found.cases] == ["good.bmcase"]
    told = {line.partition(":")[0]: line for line in found.skipped}
    assert set(told) == {"moved.bmcase", "changed.bmcase", "unread.bmcase", "broken.bmcase", "zcopy.bmcase"}
    assert "moved.png" in told["moved.bmcase"]
    assert "not the image" in told["changed.bmcase"]
    assert "no cell has been reviewed" in told["unread.bmcase"]
    assert "older copy" in told["zcopy.bmcase"]


def test_the_longer_journal_of_two_copies_counts(tmp_path: Path):
    path = write_case(tmp_path, "one", CODES, labels={1: "BLA"})
    shutil.copy(path, tmp_path / "a-backup.bmcase")
    with Case.open(path, reviewer="Anna Ash") as case:
        case.set_label(2, "EOS")
    found = read_cases([tmp_path])
    assert found.counts() == {"BLA": 1, "EOS": 1}
    assert found.skipped == ("a-backup.bmcase: is an older copy of another case here",)


def test_a_wrong_path_is_told(tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(TrainingError, match="no such file or folder"):
        find_cases([tmp_path / "nowhere"])
    with pytest.raises(TrainingError, match="is not a case"):
        find_cases([tmp_path / "notes.txt"])
    with pytest.raises(TrainingError, match="review a smear first"):
        find_cases([tmp_path])


def test_a_case_that_was_started_over_is_learnt_from_only_where_it_is_named(tmp_path: Path):
    path = write_case(tmp_path, "one", CODES, labels={1: "BLA"})
    kept = path.with_name("one.before-1.bmcase")
    shutil.copy(path, kept)
    assert find_cases([tmp_path]) == [path.resolve()]
    assert find_cases([kept]) == [kept.resolve()]
