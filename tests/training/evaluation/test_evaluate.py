from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.cytology.schemes import SCHEMES
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.training import TrainingError, evaluate
from napari_bonemarrow.training.evaluation.documents import sum_stages
from napari_bonemarrow.training.figures.feature_plane import umap as lay_out
from tests.training.drawn_crops import OBJECTS, write_blobs


@pytest.fixture(scope="module")
def evaluated(trained: tuple[Bundle, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluated")
    write_blobs(root / "data", 12, first=900)
    (root / "data" / "BLA" / "zero.png").write_bytes(b"")
    write_blobs(root / "data", 2, ("LYT",), first=2000)
    evaluate(trained[0], root / "data", root / "out", device="cpu", tolerant=True, minimum_images=13)
    return root / "out"


def test_document(evaluated: Path, trained: tuple[Bundle, Path]) -> None:
    document = json.loads((evaluated / "metrics.json").read_text())
    assert document["classes"] == ["LYT"]
    assert document["n"] == 14
    assert document["too_few"] == {"BLA": 12, "EOS": 12}
    assert document["unreadable"] == ["zero.png"]
    assert document["model"]["sha256"] == trained[0].sha256
    assert document["sources"]["data"]["n"] == 14
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "ece", "per_class", "tolerant"):
        assert key in document
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "ece"):
        low, high = document[f"{key}_ci95"]
        assert 0 <= low <= high <= 1
    assert document["selective"]["abstain_below"] == trained[0].card.abstain_below
    assert sum(row["n"] for row in document["reliability"]) == 14
    with (evaluated / "predictions.csv").open() as file:
        called = [row["predicted"] for row in csv.DictReader(file) if row["truth"] == "LYT"]
    assert document["accuracy"] == pytest.approx(called.count("LYT") / 14)
    assert document["accuracy"] >= 0.5


def test_predictions(evaluated: Path) -> None:
    with (evaluated / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 38
    assert rows[0]["file"] == "BLA/BLA_00900.png"
    right = [row["truth"] == row["predicted"] for row in rows]
    assert np.mean(right) >= 0.85
    for row in rows[:5]:
        probabilities = {key[2:]: float(value) for key, value in row.items() if key.startswith("p_")}
        assert sum(probabilities.values()) == pytest.approx(1, abs=0.002)
        assert float(row["confidence"]) == max(probabilities.values()) == probabilities[row["predicted"]]


def test_names_that_a_spreadsheet_takes_for_formulas_are_defused(
    trained: tuple[Bundle, Path], tmp_path: Path
) -> None:
    write_blobs(tmp_path / "data" / "=x", 3)
    evaluate(trained[0], tmp_path / "data", tmp_path / "out", device="cpu", minimum_images=1)
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        cells = [value for row in csv.reader(file) for value in row]
    assert any("=x" in value for value in cells)
    assert not any(value.startswith("=") for value in cells)


def test_table_and_picture(evaluated: Path) -> None:
    text = (evaluated / "table.md").read_text()
    assert "| LYT | trained | 14 |" in text
    assert "| 26242 | 0.90 ± 0.03 | 0.70 ± 0.03 |" in text
    assert "BLA (12)" in text
    assert "forgiven are" in text
    assert "no comparison of like with like" in text
    strict, tolerant = text.index("| published n |"), text.index("| tolerant precision |")
    assert strict < tolerant
    assert "| 0.90 ± 0.03 | 0.72 ± 0.03 |" in text[tolerant:]
    assert "what the published table implies" in text
    for name in ("confusion", "reliability"):
        with Image.open(evaluated / f"{name}.png") as picture:
            assert picture.format == "PNG"
            assert np.asarray(picture.convert("L")).std() > 10


def test_all_classes_count_where_none_has_many(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 3, first=700)
    assert evaluate(trained[0], data, tmp_path / "out", device="cpu")["classes"] == sorted(OBJECTS)


def test_a_coarser_scheme(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 6, ("BLA", "LYT"), first=700)
    (data / "BLA").rename(data / "myeloblast")
    (data / "LYT").rename(data / "orthochromatic_erythroblast")
    got = evaluate(trained[0], data, tmp_path / "out", scheme="choi10", device="cpu")
    assert (got["scheme"], got["classes"]) == ("choi10", ["BLA", "EBO"])
    assert got["per_class"]["BLA"]["recall"] >= 0.8
    beyond = sum(n for code, n in got["confusion"]["EBO"].items() if code in {"EOS", "LYT"})
    assert beyond >= 5, "an answer beyond the scheme counts as wrong"
    assert got["closed"]["balanced_accuracy"] >= got["balanced_accuracy"]
    assert "only the scheme's own classes" in (tmp_path / "out" / "table.md").read_text()


def test_stages_add_up() -> None:
    classes = ("BLA", "FGC", "PMO")
    p = np.array([[0.4, 0.35, 0.25], [0.7, 0.1, 0.2]])
    np.testing.assert_allclose(sum_stages(p, classes, SCHEMES["choi10"]), [[0.4, 0, 0.6], [0.7, 0, 0.3]])
    assert sum_stages(p, classes, SCHEMES["bmc21"]) is p


@pytest.mark.parametrize("scheme", ["pbc", "nonesuch"])
def test_another_scheme(trained: tuple[Bundle, Path], tmp_path: Path, scheme: str) -> None:
    data = write_blobs(tmp_path / "data", 1)
    with pytest.raises(TrainingError, match=r"class code of pbc|no class scheme"):
        evaluate(trained[0], data, tmp_path / "out", scheme=scheme, device="cpu")


def test_nowhere_to_write(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 1)
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(TrainingError, match="cannot be written"):
        evaluate(trained[0], data, tmp_path / "out", device="cpu")


def test_a_run_s_held_out_figures_can_be_measured_again(
    trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path
) -> None:
    bundle, run = trained
    split = str(run / "split.csv")
    again = evaluate(bundle, blobs, tmp_path / "out", device="cpu", split=split, minimum_images=1)
    told = json.loads((run / "metrics.json").read_text())
    assert again["n"] == told["n"] == 36
    assert again["accuracy"] == told["accuracy"]
    assert again["confusion"] == told["confusion"]
    assert again["ece"] == pytest.approx(told["ece"], abs=0.02)
    assert "part test of split.csv" in again["protocol"]
    assert "never trained on" in again["protocol"]
    seen = evaluate(bundle, blobs, tmp_path / "seen", device="cpu", split=split, part="train", limit=2)
    assert "trained on, so that the figures are too good" in seen["protocol"]
    assert "at most 2 images a class" in seen["protocol"]
    assert {row["n"] for row in seen["per_class"].values()} == {2}


def test_the_protocol_says_so_when_training_held_to_another_split(
    trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path
) -> None:
    lines = (trained[1] / "split.csv").read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join(lines[:-1]))
    got = evaluate(trained[0], blobs, tmp_path / "out", device="cpu", split=str(other), limit=1)
    assert "was trained with another split" in got["protocol"]
    silent = replace(trained[0], card=trained[0].card.model_copy(update={"split_sha256": None}))
    got = evaluate(silent, blobs, tmp_path / "out", device="cpu", split=str(other), limit=1)
    assert "does not say which split" in got["protocol"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "nowhere.csv"}, "no such split"),
        ({"split": "split.csv", "part": "nothing"}, "no part 'nothing'"),
        ({"limit": 0}, "limit: 0 is too few"),
        ({"prior": "XYZ=1"}, "'XYZ' is not a class code"),
        ({"background": True}, "holds one source"),
    ],
)
def test_bad_wishes(
    trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    if options.get("split") == "split.csv":
        options = {**options, "split": str(trained[1] / "split.csv")}
    with pytest.raises(TrainingError, match=said):
        evaluate(trained[0], blobs, tmp_path / "out", device="cpu", **options)


def test_a_split_of_other_data(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "elsewhere", 1)
    with pytest.raises(TrainingError, match=r"none of its .* images is in the data"):
        evaluate(trained[0], data, tmp_path / "out", device="cpu", split=str(trained[1] / "split.csv"))


@pytest.fixture(scope="module")
def widely(trained: tuple[Bundle, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources, the second one on a green ground, with everything that can be asked for."""
    root = tmp_path_factory.mktemp("widely")
    write_blobs(root / "data" / "marrow", 8, first=3000)
    blood = write_blobs(root / "data" / "blood", 8, ("LYT", "EOS"), first=4000)
    for code, name in (("LYT", "LY"), ("EOS", "EO")):
        (blood / code).rename(blood / name)
    for file in blood.rglob("*.png"):
        pixels = np.asarray(Image.open(file)).astype(int)
        Image.fromarray((pixels - (25, 0, 25)).clip(0, 255).astype(np.uint8)).save(file)
    steps: list[tuple[int, int, str]] = []
    evaluate(
        trained[0],
        root / "data",
        root / "out",
        device="cpu",
        prior="BLA=3,LYT=1",
        robust=True,
        background=True,
        progress=lambda *step: steps.append(step),
    )
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)
    return root / "out"


def test_figures_under_another_distribution(widely: Path) -> None:
    document = json.loads((widely / "metrics.json").read_text())
    told = document["prior"]
    recall = {code: row["recall"] for code, row in document["per_class"].items()}
    assert told["shares"] == {"BLA": 0.75, "LYT": 0.25}
    assert told["covered"] == 1
    assert told["as_is"]["accuracy"] == pytest.approx(0.75 * recall["BLA"] + 0.25 * recall["LYT"], abs=1e-3)
    assert told["as_is"]["n"] == 16
    assert told["training"] == pytest.approx(dict.fromkeys(("BLA", "EOS", "LYT"), 1 / 3), abs=1e-4)
    text = (widely / "table.md").read_text()
    assert "an epoch drew" in text
    blood = document["sources"]["blood"]["prior"]
    assert blood["covered"] == 0.25


def test_robustness_is_measured_for_each_source(widely: Path) -> None:
    document = json.loads((widely / "metrics.json").read_text())
    for source, n in (("marrow", 24), ("blood", 16)):
        told = document["sources"][source]["robustness"]
        assert told["n"] == n
        assert told["balanced_accuracy"] == pytest.approx(
            document["sources"][source]["balanced_accuracy"], abs=1e-4
        )
        assert len(told["changes"]) == 15
    assert "falls most" in (widely / "table.md").read_text()


def test_the_source_is_told_by_a_tinted_ground(widely: Path) -> None:
    told = json.loads((widely / "metrics.json").read_text())["background"]
    assert told["sources"] == ["blood", "marrow"]
    assert told["classes"] == ["EOS", "LYT"]
    assert told["background"]["n"] == told["features"]["n"] == 32
    assert told["background"]["balanced_accuracy"] >= 0.9
    assert "reveals the source" in (widely / "table.md").read_text()


@pytest.mark.slow
def test_features_on_a_plane(trained: tuple[Bundle, Path], widely: Path, tmp_path: Path) -> None:
    """Slow: numba compiles UMAP first, which takes longer than all else here."""
    evaluate(trained[0], widely.parent / "data", tmp_path, device="cpu", umap=True)
    with (tmp_path / "umap.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert rows[0]["file"] == "blood/EO/EOS_04000.png"
    points = {code: [] for code in OBJECTS}
    for row in rows:
        points[row["truth"]].append((float(row["x"]), float(row["y"])))
    centres = {code: np.median(places, axis=0) for code, places in points.items()}
    spread = {code: np.median(np.linalg.norm(points[code] - centres[code], axis=1)) for code in OBJECTS}
    for one, other in combinations(OBJECTS, 2):
        assert np.linalg.norm(centres[one] - centres[other]) > max(spread[one], spread[other])
    with Image.open(tmp_path / "umap.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10


def test_without_umap_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(TrainingError, match=r"pip install 'napari-bonemarrow\[training\]'"):
        lay_out(np.zeros((20, 3), np.float32))
    with pytest.raises(TrainingError, match="9 images: too few"):
        lay_out(np.zeros((9, 3), np.float32))


def test_the_card_states_intervals(trained: tuple[Bundle, Path]) -> None:
    told = trained[0].card.metrics[0]
    for key in ("accuracy", "balanced_accuracy", "macro_f1", "ece"):
        low, high = getattr(told, f"{key}_ci95")
        assert 0 <= low <= high <= 1


def test_shares_are_estimated_without_labels(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    data = write_blobs(tmp_path / "data", 24, ("BLA",), first=5000)
    write_blobs(tmp_path / "data", 6, ("EOS", "LYT"), first=5000)
    told = evaluate(trained[0], data, tmp_path / "out", device="cpu", prior="estimate")["prior"]
    assert told["true_shares"] == pytest.approx({"BLA": 2 / 3, "EOS": 1 / 6, "LYT": 1 / 6}, abs=1e-4)
    assert told["shares"]["BLA"] == pytest.approx(2 / 3, abs=0.12)
    assert sum(told["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert told["distance"] < 0.25
    text = (tmp_path / "out" / "table.md").read_text()
    assert "(0.667)" in text
    assert "PLM" not in text
