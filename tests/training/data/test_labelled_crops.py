from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.cytology.schemes import SCHEMES, scheme_of
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.labelled_crops import find_sources, load_crops, split_crops
from tests.training.drawn_crops import write_blobs


def test_schemes_lead_to_the_21() -> None:
    assert set(SCHEMES["pbc"].targets) <= set(BMC21)
    assert SCHEMES["pbc"].codes["MY"] == "MYB"  # myelocyte, not myeloblast
    assert SCHEMES["pbc"].codes["PLATELET"] is None
    assert scheme_of(["BLA", "LYT"]) is SCHEMES["bmc21"]
    assert scheme_of(["LY", "SNE"]) is SCHEMES["pbc"]
    assert scheme_of(["BLA", "SNE"]) is None
    assert scheme_of([]) is None


def test_flat_and_nested_folders_are_the_same(tmp_path: Path) -> None:
    write_blobs(tmp_path / "flat", 6)
    for code in ("BLA", "EOS", "LYT"):
        for index, file in enumerate(sorted((tmp_path / "flat" / code).iterdir())):
            inner = tmp_path / "nested" / code / f"{index // 3:04d}"
            inner.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, inner)
    flat = load_crops(tmp_path / "flat", 64, tmp_path / "c")
    nested = load_crops(tmp_path / "nested", 64, tmp_path / "c")
    assert flat.codes.tolist() == nested.codes.tolist()
    np.testing.assert_array_equal(flat.pixels[:18], nested.pixels[:18])


def test_several_sources_and_what_has_no_class(tmp_path: Path) -> None:
    write_blobs(tmp_path / "marrow", 3)
    write_blobs(tmp_path / "other", 2, ("BLA", "LYT"))
    (tmp_path / "other").rename(tmp_path / "blood")
    (tmp_path / "blood" / "BLA").rename(tmp_path / "blood" / "PLATELET")
    (tmp_path / "blood" / "LYT").rename(tmp_path / "blood" / "LY")
    (tmp_path / "notes").mkdir()
    blood, marrow = find_sources(tmp_path)
    assert (blood.name, blood.scheme.name, blood.codes, blood.left_out) == ("blood", "pbc", ("LYT",) * 2, 2)
    assert (marrow.name, marrow.scheme.name, len(marrow.files)) == ("marrow", "bmc21", 9)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ((), "no folder here is named by a class code"),
        (("BLA/x", "Blast/x"), "'Blast' is not a class code"),
        (("BLA/x", "LY/x"), "is not a class code"),
        (("BLA",), "hold no images"),
    ],
)
def test_folders_that_make_no_sense(tmp_path: Path, make: tuple[str, ...], said: str) -> None:
    for name in make:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(TrainingError, match=said):
        find_sources(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no such folder"):
        find_sources(tmp_path / "nonesuch")


def test_unreadable_images_are_skipped_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = write_blobs(tmp_path / "data", 4)
    (data / "BLA" / "BLA_00001.png").write_bytes(b"")
    (data / "EOS" / "EOS_00002.png").write_text("no image")
    whole = (data / "LYT" / "LYT_00000.png").read_bytes()
    (data / "LYT" / "LYT_00000.png").write_bytes(whole[: len(whole) // 2])
    crops = load_crops(data, 64, tmp_path / "c")
    assert crops.unreadable == ("BLA/BLA_00001.png", "EOS/EOS_00002.png", "LYT/LYT_00000.png")
    assert len(crops) == 9 == len(crops.files) == len(crops.group)
    assert "3 unreadable images skipped" in caplog.text
    # What is left keeps its own pixels.
    row = crops.files.index("LYT/LYT_00003.png")
    with Image.open(data / "LYT" / "LYT_00003.png") as image:
        np.testing.assert_array_equal(crops.pixels[row], np.asarray(image))


def test_nothing_readable(tmp_path: Path) -> None:
    (tmp_path / "d" / "BLA").mkdir(parents=True)
    (tmp_path / "d" / "BLA" / "x.png").write_text("no")
    with pytest.raises(TrainingError, match="none of its 1 image"):
        load_crops(tmp_path / "d", 64, tmp_path / "c")


def test_cache_is_used_again_and_renewed(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 4)
    load_crops(data, 64, tmp_path / "c")
    kept = sorted((tmp_path / "c").iterdir())
    load_crops(data, 64, tmp_path / "c")
    assert sorted((tmp_path / "c").iterdir()) == kept
    write_blobs(data, 1, first=90)
    assert len(load_crops(data, 64, tmp_path / "c")) == 15


def test_cache_where_nothing_can_be_written(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 2)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot keep decoded crops"):
        load_crops(data, 64, tmp_path / "file")


def test_cache_that_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_blobs(tmp_path / "data", 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000))
    with pytest.raises(TrainingError, match="make room or name another cache"):
        load_crops(data, 64, tmp_path / "c")
    assert not list((tmp_path / "c").iterdir())


def test_split_is_stratified_and_keeps_equal_crops_together(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 20)
    shutil.copy(data / "BLA" / "BLA_00003.png", data / "BLA" / "again.png")
    crops = load_crops(data, 64, tmp_path / "c")
    tested: list[int] = []
    for fold in range(5):
        split = split_crops(crops, folds=5, fold=fold, calibration_share=0.25, seed=4)
        parts = [set(p.tolist()) for p in (split.train, split.calibration, split.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == len(crops)
        groups = [set(crops.group[list(part)].tolist()) for part in parts]
        assert not groups[0] & groups[1]
        assert not groups[2] & (groups[0] | groups[1])
        assert all(abs((crops.codes[split.test] == code).sum() - 4) <= 1 for code in ("BLA", "EOS", "LYT"))
        assert all((crops.codes[split.calibration] == code).sum() >= 3 for code in ("BLA", "EOS", "LYT"))
        tested += split.test.tolist()
    assert sorted(tested) == list(range(len(crops))), "every image is tested once"


def test_real_folders(real_data: Path, tmp_path: Path) -> None:
    sources = {source.name: source for source in find_sources(real_data)}
    assert len(sources["bmc"].files) == 5832
    assert (len(sources["pbc"].files), sources["pbc"].left_out) == (6500, 300)
    (tmp_path / "BLA").mkdir()
    damaged = sorted((real_data / "corrupt").iterdir())
    for file in damaged:
        shutil.copy(file, tmp_path / "BLA")
    crops = load_crops(tmp_path, 250, tmp_path / "cache")
    # Most decoders put up with damaged bits; whatever this one refuses is named, and nothing is lost.
    assert len(crops) + len(crops.unreadable) == len(damaged) == 8
    assert len(crops) >= 7


def test_a_changed_file_is_decoded_again_and_so_is_another_scale(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 2)
    before = load_crops(data, 64, tmp_path / "c", microns_per_pixel=0.1)
    Image.fromarray(np.full((64, 64, 3), 7, np.uint8)).save(data / "BLA" / "BLA_00000.png")
    after = load_crops(data, 64, tmp_path / "c", microns_per_pixel=0.1)
    assert (after.pixels[0] == 7).all()
    assert not (before.pixels[0] == 7).all()
    scaled = load_crops(data, 64, tmp_path / "c", microns_per_pixel=0.1, scales={"data": 0.2})
    assert not np.array_equal(scaled.pixels[1], after.pixels[1])
    assert len(list((tmp_path / "c").glob("crops-????????????????.npy"))) == 3


def test_a_killed_run_leaves_no_half_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_blobs(tmp_path / "data", 3)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            load_crops(data, 64, tmp_path / "c")
    assert not list((tmp_path / "c").iterdir())
    crops = load_crops(data, 64, tmp_path / "c")
    # Half of what a run leaves is not taken for the whole.
    (index,) = (tmp_path / "c").glob("*.cells.npy")
    index.unlink()
    again = load_crops(data, 64, tmp_path / "c")
    np.testing.assert_array_equal(again.pixels, crops.pixels)


def test_forgotten_drafts_are_swept(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 2)
    (tmp_path / "c").mkdir()
    old, young = tmp_path / "c" / ".draft-old.npy", tmp_path / "c" / ".draft-young.npy"
    for draft in (old, young):
        draft.write_bytes(b"")
    os.utime(old, (0, 0))
    load_crops(data, 64, tmp_path / "c")
    assert not old.exists()
    assert young.exists()


def test_one_image_in_a_class_is_learnt_from(tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 10)
    write_blobs(data, 1, ("BLA",), first=500)
    (data / "HAC").mkdir()
    (data / "BLA" / "BLA_00500.png").rename(data / "HAC" / "a.png")
    crops = load_crops(data, 64, tmp_path / "c")
    folds = [split_crops(crops, folds=5, fold=f, calibration_share=0.2, seed=0) for f in range(5)]
    assert sum("HAC" in crops.codes[split.test] for split in folds) == 1
