from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cli.dataset_tables import check_lines
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.inspection import check, split_data
from tests.training.textures import cut, recompress, texture


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A data set with everything wrong that can be."""
    data = tmp_path / "ours"
    for at, code in enumerate(["BLA"] * 6 + ["LYT"] * 5 + ["HAC"]):
        (data / code).mkdir(parents=True, exist_ok=True)
        Image.fromarray(cut(texture(at))).save(data / code / f"{at:02d}.png")
    shutil.copy(data / "BLA" / "00.png", data / "LYT" / "same.png")
    Image.fromarray(recompress(cut(texture(1), 4, 4), 70)).save(data / "BLA" / "near.png")
    Image.fromarray(cut(texture(20))[:200]).save(data / "BLA" / "low.png")
    Image.fromarray(cut(texture(21))).convert("L").save(data / "BLA" / "grey.png")
    (data / "LYT" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return data


def test_everything_is_found(spoilt: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.csv"
    split.write_text("file,part\nours/BLA/00.png,test\nours/BLA/01.png,test\nours/BLA/gone.png,test\n")
    found = check(spoilt, split=str(split))
    source = found["sources"]["ours"]
    assert (source["images"], source["scheme"], source["left_out"]) == (16, "bmc21", 0)
    assert source["classes"]["BLA"] == {"images": 9, "published": 11973}
    assert source["classes"]["OTH"]["images"] == 0
    assert source["few"] == {"BLA": 9, "HAC": 1, "LYT": 6}
    assert source["single"] == ["HAC"]
    assert source["sizes"] == {"250x250": 15, "250x200": 1}
    assert found["unreadable"] == ["ours/LYT/broken.jpg"]
    assert found["odd_sizes"] == {"ours/BLA/low.png": "250x200"}
    assert found["odd_modes"] == {"ours/BLA/grey.png": "L"}
    (exact,) = found["exact_duplicates"]
    assert exact == {
        "files": ["ours/BLA/00.png", "ours/LYT/same.png"],
        "classes": ["BLA", "LYT"],
        "parts": ["test", "train"],
    }
    (near,) = found["near_duplicates"]
    assert near["files"] == ["ours/BLA/01.png", "ours/BLA/near.png"]
    assert found["split"]["images"] == {"train": 14, "calibration": 0, "test": 2}
    assert found["split"]["absent"] == 1
    json.dumps(found)


def test_it_can_be_read(spoilt: Path) -> None:
    lines = list(check_lines(check(spoilt)))
    text = "\n".join(lines)
    assert "ours: 16 images, scheme bmc21, scale not stated" in text
    assert "no image of: ABE, ART" in text
    assert "a single image, which can be in one part only: HAC" in text
    assert "exact duplicates: 1 group, 1 across classes\n  ours/BLA/00.png = ours/LYT/same.png" in text
    assert "unreadable: 1\n  ours/LYT/broken.jpg" in text
    bla = next(line for line in lines if line.startswith("  BLA"))
    assert bla.split() == ["BLA", "9", "56.2%", "11973", "7.0%", *["too", "few", "to", "rely", "on"]]


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "BLA").mkdir()
    (tmp_path / "BLA" / "x.png").write_text("no")
    with pytest.raises(TrainingError, match="none of its 1 image can be read"):
        check(tmp_path)
    with pytest.raises(TrainingError, match="no such split"):
        check(tmp_path, split="nonesuch")


def test_a_split_keeps_doubled_cells_together_and_is_the_same_again(spoilt: Path, tmp_path: Path) -> None:
    first = split_data(spoilt, tmp_path / "a.csv", test=0.3, calibration=0.2, seed=2)
    split_data(spoilt, tmp_path / "b.csv", test=0.3, calibration=0.2, seed=2)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert first["unreadable"] == ["ours/LYT/broken.jpg"]
    groups = check(spoilt, split=str(tmp_path / "a.csv"))
    assert all(len(g["parts"]) == 1 for g in groups["exact_duplicates"] + groups["near_duplicates"])
    counted = np.sum([list(each.values()) for each in first["sources"]["ours"].values()], axis=0)
    assert counted.sum() == 16
