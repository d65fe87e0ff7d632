from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.config import PRESETS, TrainConfig, load_preset
from napari_bonemarrow.training.data.crop_index import Crops, Split
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.data.split import (
    choose_split,
    describe_split,
    make_split,
    read_parts,
    read_split,
    settle_split,
    split_crops,
    split_file,
    write_split,
)


def crops_of(codes: list[str], group: list[int] | None = None, names: list[str] | None = None) -> Crops:
    n = len(codes)
    names = names or [f"s/{code}/{at:04d}.png" for at, code in enumerate(codes)]
    return Crops(
        np.empty((0, 1, 1, 3), np.uint8),
        np.array(codes),
        np.full(n, "s"),
        tuple(names),
        np.arange(n) if group is None else np.array(group, np.int64),
        (),
        (),
    )


CODES = ["BLA"] * 200 + ["LYT"] * 40 + ["HAC"] * 4 + ["ABE"]


def parts(crops: Crops, split: Split) -> dict[str, str]:
    return {crops.names[i]: part for part in ("train", "calibration", "test") for i in getattr(split, part)}


def test_shares_hold_in_every_class() -> None:
    crops = crops_of(CODES)
    table = describe_split(crops, make_split(crops, test=0.15, calibration=0.1, seed=0))["s"]
    assert table["BLA"] == {"train": 150, "calibration": 20, "test": 30}
    assert table["LYT"] == {"train": 30, "calibration": 4, "test": 6}
    assert table["HAC"]["train"] == 3
    assert table["ABE"] == {"train": 1, "calibration": 0, "test": 0}, "a single image teaches"


def test_order_of_the_files_does_not_matter_and_the_seed_does() -> None:
    crops = crops_of(CODES)
    order = np.random.default_rng(1).permutation(len(CODES))
    shuffled = crops_of([CODES[i] for i in order], names=[crops.names[i] for i in order])
    for make in (
        lambda c, seed: make_split(c, test=0.15, calibration=0.1, seed=seed),
        lambda c, seed: split_crops(c, folds=4, fold=2, calibration_share=0.2, seed=seed),
    ):
        assert parts(crops, make(crops, 3)) == parts(shuffled, make(shuffled, 3))
        assert parts(crops, make(crops, 3)) != parts(crops, make(crops, 4))


def test_groups_of_very_different_sizes_stay_whole_and_the_shares_are_met() -> None:
    rng = np.random.default_rng(0)
    patient = np.sort(rng.geometric(0.08, 600) % 60)  # some patients with many cells, many with few
    codes = rng.choice(["BLA", "LYT", "NGS"], 600, p=[0.5, 0.3, 0.2]).tolist()
    crops = crops_of(codes, patient.tolist())
    split = make_split(crops, test=0.2, calibration=0.1, seed=0)
    assert sum(map(len, (split.train, split.calibration, split.test))) == 600
    groups = [set(patient[part].tolist()) for part in (split.train, split.calibration, split.test)]
    assert not groups[0] & groups[1]
    assert not groups[2] & (groups[0] | groups[1])
    for code, n in Counter(codes).items():
        tested = sum(codes[i] == code for i in split.test) / n
        assert abs(tested - 0.2) < 0.08, f"{code} has {tested:.2f} in the test part"


def test_every_image_is_tested_once_over_the_folds() -> None:
    crops = crops_of(CODES)
    tested = [split_crops(crops, folds=5, fold=f, calibration_share=0.1, seed=0).test for f in range(5)]
    assert sorted(np.concatenate(tested).tolist()) == list(range(len(CODES)))


@pytest.mark.parametrize("fold", [-1, 5])
def test_a_fold_that_does_not_exist(fold: int) -> None:
    with pytest.raises(TrainingError, match=f"fold {fold} does not exist in 5 folds"):
        split_crops(crops_of(CODES), folds=5, fold=fold, calibration_share=0.1, seed=0)


def test_shares_that_leave_nothing() -> None:
    with pytest.raises(TrainingError, match="leave nothing to train on"):
        make_split(crops_of(CODES), test=0.6, calibration=0.4, seed=0)


def test_a_written_split_is_read_again(tmp_path: Path) -> None:
    crops = crops_of(CODES)
    split = make_split(crops, test=0.15, calibration=0.1, seed=0)
    path = tmp_path / "split.csv"
    write_split(crops, split, path)
    again = choose_split(crops, TrainConfig(split=str(path)))
    for part in ("train", "calibration", "test"):
        assert getattr(again, part).tolist() == getattr(split, part).tolist()
    fewer = crops_of(CODES[:200])
    assert read_split(fewer, path).absent == len(split.test) + len(split.calibration) - 50
    other = crops_of(["BLA"], names=["elsewhere/BLA/1.png"])
    with pytest.raises(TrainingError, match="images is in the data"):
        read_split(other, path)


def test_near_duplicates_of_a_test_image_in_another_part(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("file,part\ns/BLA/0000.png,test\ns/BLA/0003.png,calibration\n")
    crops = crops_of(["BLA"] * 5, [0, 1, 0, 3, 4])
    with pytest.raises(TrainingError, match=r"s/BLA/0000.png \(test\) and s/BLA/0002.png \(train\)"):
        read_split(crops, path)
    read_split(crops_of(["BLA"] * 5), path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs the columns file,part"),
        ("name,part\na,test\n", "needs the columns file,part"),
        ("file,part\na,tset\n", "line 2: 'tset' is no part"),
        ("file,part\na,test\na,calibration\n", "line 3: a is in two parts"),
    ],
)
def test_a_damaged_split(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(TrainingError, match=said):
        read_parts(path)


def test_no_such_split() -> None:
    with pytest.raises(TrainingError, match="no such split"):
        split_file("nonesuch")


def test_the_starters_split(real_data: Path) -> None:
    named = read_parts(split_file("starter-split"))
    there = {name for source in find_sources(real_data) for name in source.names}
    assert split_file("starter-split.csv").parent == PRESETS
    assert named.keys() <= there
    assert Counter(named.values()) == {1: 1228, 2: 1854}


def test_a_split_beside_its_preset(tmp_path: Path) -> None:
    (tmp_path / "ours.csv").write_text("file,part\ns/BLA/0000.png,test\n")
    (tmp_path / "ours.json").write_text('{"split": "ours.csv"}')
    split = choose_split(crops_of(["BLA"] * 3), load_preset(tmp_path / "ours.json"))
    assert split.test.tolist() == [0]


def test_a_presets_own_split_gives_way_where_the_images_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = crops_of(CODES)
    monkeypatch.setattr("napari_bonemarrow.training.data.split.PRESETS", tmp_path)
    (tmp_path / "theirs.csv").write_text("file,part\nelsewhere/BLA/BLA_1.jpg,test\n")
    config = TrainConfig(split="theirs")
    assert settle_split(crops, config).split == ""
    with pytest.raises(TrainingError, match="none of its 1 image"):
        choose_split(crops, TrainConfig(split=str(tmp_path / "theirs.csv")))
    (tmp_path / "theirs.csv").write_text(f"file,part\n{crops.names[0]},test\n")
    assert settle_split(crops, config).split == "theirs"
    assert settle_split(crops, TrainConfig()).split == ""
