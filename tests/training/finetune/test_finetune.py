"""A bundle taught three classes meets smears of a fourth, and a reviewer who is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Support
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.review import Case
from napari_bonemarrow.training import TrainConfig, TrainingError, load_preset
from napari_bonemarrow.training.finetune.finetune import fine_tune
from tests.training.drawn_cases import write_case
from tests.training.drawn_crops import draw_blob, quick
from tests.training.fitting.test_run import StoppedError, stop_after

CODES = ("BLA", "EOS", "LYT", "PLM")


def settings(**changes: object) -> TrainConfig:
    values: dict[str, object] = {
        "batch_size": 16,
        "learning_rate": 3e-3,
        "backbone_rate": 1.0,
        "default_draws": 40,
        "ema_decay": 0.9,
        "augment": quick().augment,
        "trusted_images": 40,
        "precision": "float32",
    }
    return load_preset("finetune").changed(**{**values, **changes})


def recalls(bundle: Bundle, n: int = 12) -> dict[str, float]:
    classifier = Classifier(bundle, "cpu")
    found = {}
    for code in CODES:
        told = classifier.classify(np.stack([draw_blob(code, 9000 + at)[0] for at in range(n)]))
        found[code] = float(np.mean([told.classes[at] == code for at in told.ranked()[:, 0]]))
    return found


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three smears; every plasma cell and some others reviewed, and one case that cannot be used."""
    folder = tmp_path_factory.mktemp("cases")
    for at in range(3):
        codes = ["PLM"] * 14 + ["BLA", "EOS", "LYT"] * 8
        labels = {cell: code for cell, code in enumerate(codes, 1) if cell <= 26}
        name, reviewer = f"accession {at}", f"reviewer {at}"
        write_case(folder, name, codes, first=1000 * (at + 1), labels=labels, reviewer=reviewer)
    write_case(folder, "moved", ["BLA"], first=7000)
    (folder / "moved.png").unlink()
    return folder


@pytest.fixture(scope="module")
def tuned(
    trained: tuple[Bundle, Path], cases: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Bundle, Path]:
    out = tmp_path_factory.mktemp("runs") / "plasma"
    parent = trained[0].path
    return fine_tune([cases], out, init=parent, config=settings(), epochs=16, device="cpu", name="ours"), out


def test_it_learns_the_new_class_and_keeps_the_others(
    trained: tuple[Bundle, Path], tuned: tuple[Bundle, Path]
) -> None:
    assert recalls(trained[0])["PLM"] == 0
    after = recalls(tuned[0])
    assert after["PLM"] >= 0.8
    assert min(after.values()) >= 0.8


def test_figures_before_and_after_are_of_cells_that_it_never_learnt_from(tuned: tuple[Bundle, Path]) -> None:
    bundle, out = tuned
    document = json.loads((out / "metrics.json").read_text())
    before, after = document["before"]["reviewed cells"], document["sources"]["reviewed cells"]
    assert document["accepted"]
    assert before["n"] == after["n"] == 26  # one whole slide of three
    assert before["per_class"]["PLM"]["recall"] == 0
    assert after["per_class"]["PLM"]["recall"] >= 0.8
    low, high = after["recall_ci95"]["PLM"]
    assert 0 < low < high <= 1
    assert document["gain"]["reviewed cells"][0] > 0.15
    assert document["model"]["sha256"] == bundle.sha256
    assert [line.partition(":")[0] for line in document["skipped"]] == ["moved.bmcase"]
    assert sorted(p.name for p in out.iterdir()) == [
        "bundle",
        "checkpoints",
        "history.csv",
        "metrics.json",
        "run.json",
    ]


def test_the_card_tells_the_lineage_and_names_nobody(
    trained: tuple[Bundle, Path], tuned: tuple[Bundle, Path], cases: Path
) -> None:
    card = tuned[0].card
    lineage = card.lineage
    assert lineage is not None
    assert (card.name, lineage.parent, lineage.parent_sha256) == ("ours", "model", trained[0].sha256)
    assert lineage.labels == {"BLA": 12, "EOS": 12, "LYT": 12, "PLM": 42}
    assert lineage.reviewers == 3
    states = set()
    for path in cases.glob("acc*.bmcase"):
        with Case.open(path, read_only=True) as case:
            states.add(case.history.events()[-1].hash)
    assert set(lineage.cases) == states
    assert lineage.before[0].per_class["PLM"].recall == 0
    assert "by slide" in card.metrics[0].protocol
    assert card.support["PLM"] is Support.TRAINED  # 42 of the 40 that this test asks for
    assert card.support["EOS"] is Support.TRAINED  # as before
    text = (tuned[0].path / "card.json").read_text()
    assert not [word for word in ("accession", "reviewer 0", str(cases)) if word in text]


def test_labels_that_are_wrong_are_refused_and_the_old_bundle_stays(
    trained: tuple[Bundle, Path], blobs: Path, tmp_path: Path
) -> None:
    wrong = {"BLA": "EOS", "EOS": "LYT", "LYT": "BLA"}
    codes = ["BLA", "EOS", "LYT"] * 12
    labels = {cell: wrong[code] for cell, code in enumerate(codes, 1)}
    write_case(tmp_path / "cases", "one", codes, first=3000, labels=labels)
    config, parent = settings(default_draws=40, minimum_images=10), trained[0]
    out = tmp_path / "run"
    with pytest.raises(TrainingError, match=r"is worse on the held-out part of the blobs.*old bundle stays"):
        fine_tune(
            [tmp_path / "cases"],
            out,
            init=parent.path,
            base=blobs,
            config=config.changed(draws={"blobs": 6}),
            epochs=4,
            device="cpu",
        )
    assert not (out / "bundle").exists()
    assert Bundle.open(out / "rejected").card.lineage is not None
    document = json.loads((out / "metrics.json").read_text())
    assert not document["accepted"]
    assert "balanced accuracy" in document["reason"]
    assert Bundle.open(parent.path).sha256 == parent.sha256


def test_a_stopped_run_goes_on_with_the_cells_it_began_with(
    trained: tuple[Bundle, Path], tmp_path: Path
) -> None:
    codes = ["BLA", "EOS", "LYT"] * 8
    labels = {cell: code for cell, code in enumerate(codes, 1) if cell <= 21}
    path = write_case(tmp_path / "cases", "one", codes, first=4000, labels=labels)
    out, parent = tmp_path / "run", trained[0].path
    config = settings(default_draws=8, learning_rate=2e-4)
    options = {"init": parent, "config": config, "epochs": 2, "device": "cpu"}
    with pytest.raises(StoppedError):
        fine_tune([path], out, progress=stop_after(1), **options)
    with Case.open(path, reviewer="Anna Ash") as case:
        case.set_label(24, "LYT")
    (tmp_path / "cases" / "one.png").unlink()
    with pytest.raises(TrainingError, match=r"learning_rate was 0\.0002, is 0\.003"):
        fine_tune([path], out, resume=True, **{**options, "config": settings(default_draws=8)})
    bundle = fine_tune([path], out, resume=True, **options)
    assert bundle.card.lineage is not None
    assert sum(bundle.card.lineage.labels.values()) == 21
    assert len((out / "history.csv").read_text().splitlines()) == 3
    with pytest.raises(TrainingError, match="holds a finished run"):
        fine_tune([path], out, **options)


def test_too_few_labels_are_told_in_one_line(trained: tuple[Bundle, Path], tmp_path: Path) -> None:
    codes = ["BLA"] * 12 + ["PLM"] * 9
    path = write_case(tmp_path / "cases", "one", codes)
    with pytest.raises(TrainingError, match="only 12 reviewed cells") as told:
        fine_tune([path], tmp_path / "run", init=trained[0].path, config=settings(), device="cpu")
    assert str(told.value).endswith(
        "20 are needed, and 10 of a class that the model does not know (too few: 9 PLM)"
    )
    assert not (tmp_path / "run" / "bundle").exists()


def test_a_new_class_alone_is_not_taught_without_base_data(
    trained: tuple[Bundle, Path], tmp_path: Path
) -> None:
    path = write_case(tmp_path / "cases", "one", ["PLM"] * 24)
    with pytest.raises(TrainingError, match=r"it would forget the others: give base data"):
        fine_tune([path], tmp_path / "run", init=trained[0].path, config=settings(), device="cpu")
