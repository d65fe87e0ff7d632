from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.training import load_preset
from napari_bonemarrow.training.finetune.case_snapshot import REVIEWED, CutCells, Snapshot
from napari_bonemarrow.training.finetune.comparison import compare, verdict
from napari_bonemarrow.training.finetune.finetune_data import Joined, gather, split_reviewed

CONFIG = load_preset("finetune")


def _parts(split: object) -> list[set[int]]:
    return [set(getattr(split, name).tolist()) for name in ("train", "calibration", "test")]


def test_whole_slides_are_held_out_where_there_are_several() -> None:
    codes = np.array(["BLA", "LYT"] * 30)
    slide = np.repeat([f"slide {at}" for at in range(6)], 10)
    split, grouped = split_reviewed(codes, slide, CONFIG)
    assert grouped
    train, calibration, test = _parts(split)
    assert train | calibration | test == set(range(60))
    assert len(train) + len(calibration) + len(test) == 60
    assert not {slide[i] for i in test} & {slide[i] for i in train | calibration}
    assert set(codes[list(test)]) == {"BLA", "LYT"}


def test_a_class_of_one_slide_alone_is_never_held_out_whole() -> None:
    codes = np.array(["BLA"] * 20 + ["PLM"] * 10 + ["BLA"] * 10)
    slide = np.array(["a"] * 10 + ["b"] * 10 + ["c"] * 20)
    split, _grouped = split_reviewed(codes, slide, CONFIG)
    assert set(codes[split.train]) == {"BLA", "PLM"}


def test_cells_of_few_slides_are_drawn_within_their_class() -> None:
    codes = np.array(["BLA"] * 30 + ["PLM"] * 10 + ["EOS"] * 2)
    split, grouped = split_reviewed(codes, np.array(["a"] * 42), CONFIG)
    assert not grouped
    held = codes[split.test].tolist()
    assert (held.count("BLA"), held.count("PLM"), held.count("EOS")) == (6, 2, 0)
    assert sum(len(part) for part in _parts(split)) == 42


def test_joined_crops_read_as_one_array() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 255, (n, 4, 4, 3), np.uint8) for n in (3, 5, 1)]
    joined, whole = Joined(parts), np.concatenate(parts)
    assert joined.shape == whole.shape
    for which in ([0], [8, 0, 3], list(range(9)), [4, 4]):
        np.testing.assert_array_equal(joined[np.array(which)], whole[which])


def _answers(truth: np.ndarray, right: int) -> np.ndarray:
    told = np.where(np.arange(len(truth)) % 10 < right, truth, (truth + 1) % 3)
    return np.eye(3)[told] * 0.8 + 0.2 / 3


def test_worse_on_either_part_is_refused() -> None:
    truth = np.arange(120) % 3
    source = np.array(["reviewed cells"] * 60 + ["base"] * 60)
    classes = ("BLA", "EOS", "LYT")

    def told(before: int, after: int) -> str:
        return verdict(compare(source, truth, _answers(truth, before), _answers(truth, after), classes))

    assert told(7, 9) == ""
    assert told(7, 7) == ""
    assert "reviewed cells: balanced accuracy 0.900 before, 0.700 after" in told(9, 7)
    after = _answers(truth, 9)
    after[60:] = _answers(truth, 6)[60:]
    assert "part of the base" in verdict(compare(source, truth, _answers(truth, 8), after, classes))


def test_support_is_claimed_by_what_was_reviewed() -> None:
    reviewed = {"PLM": 100, "LYI": 12, "EBO": 30, "MYB": 5, "BLA": 20}
    known = {"EBO": Support.TRANSFERRED, "MYB": Support.TRANSFERRED, "BLA": Support.TRAINED}
    parent = SimpleNamespace(
        card=SimpleNamespace(classes=BMC21),
        support={code: known.get(code, Support.NONE) for code in BMC21},
    )
    codes = np.array([code for code, n in reviewed.items() for _ in range(n)])
    cells = CutCells(REVIEWED, np.zeros((len(codes), 4, 4, 3), np.uint8), codes, np.full(len(codes), "a"))
    snapshot = Snapshot(cells, None, {}, {}, (), ("hash",), 1)
    curriculum = gather(snapshot, parent, None, CONFIG, CONFIG).curriculum  # type: ignore[arg-type]
    support = {code: curriculum.support[code] for code in (*reviewed, "HAC")}
    assert support == {
        "PLM": Support.TRAINED,
        "LYI": Support.FEW,
        "EBO": Support.FEW,
        "MYB": Support.TRANSFERRED,
        "BLA": Support.TRAINED,
        "HAC": Support.NONE,
    }
    assert curriculum.never_taught == tuple(code for code in BMC21 if code not in reviewed)


def test_a_bundle_that_forgot_is_refused() -> None:
    truth = np.arange(60) % 3
    source = np.array(["reviewed cells"] * 30 + ["unreviewed cells"] * 30)
    classes = ("BLA", "EOS", "LYT")
    before, after = _answers(truth, 10), _answers(truth, 10)
    after[30:] = _answers(truth, 9)[30:]
    assert verdict(compare(source, truth, before, after, classes)) == ""
    after[30:] = _answers(truth, 5)[30:]
    assert "forgot its skill" in verdict(compare(source, truth, before, after, classes))
