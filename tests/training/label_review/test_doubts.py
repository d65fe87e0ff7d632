from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.review import Case
from napari_bonemarrow.review.worklist.worklist import WorkList
from napari_bonemarrow.slides import cut_crops
from napari_bonemarrow.training import TrainingError
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.label_review.doubts import find_doubts
from napari_bonemarrow.training.label_review.review_queue import correct
from napari_bonemarrow.workflow.cases import slide_of_case
from tests.training.drawn_cases import write_case
from tests.training.drawn_crops import write_blobs

WRONG = {"BLA/BLA_00003.png": "EOS", "EOS/EOS_00007.png": "LYT", "LYT/LYT_00011.png": "BLA"}


@pytest.fixture(scope="module")
def queue(trained: tuple[Bundle, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict]:
    """Three crops of 90 lie in a wrong folder, and one class is too small to be judged."""
    data = write_blobs(tmp_path_factory.mktemp("doubted") / "ours", 30)
    for file, code in WRONG.items():
        (data / file).rename(data / code / f"wrong_{Path(file).name}")
    write_blobs(data, 3, ("BLA",), first=800)
    (data / "HAC").mkdir()
    for file in sorted((data / "BLA").glob("*_0080*")):
        file.rename(data / "HAC" / file.name)
    out = tmp_path_factory.mktemp("queue")
    return data, out, find_doubts(data, out, model=trained[0], device="cpu")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_are_ranked_first(queue: tuple[Path, Path, dict]) -> None:
    _, out, found = queue
    rows = rows_of(out / "doubts.csv")
    first = {Path(row["file"]).name: (row["label"], row["suggested"]) for row in rows[:3]}
    assert first == {f"wrong_{Path(file).name}": (code, file[:3]) for file, code in WRONG.items()}
    assert [float(row["score"]) for row in rows] == sorted(float(row["score"]) for row in rows)
    assert float(rows[0]["p_suggested"]) > 0.5 > float(rows[0]["p_label"])
    assert found["crops"] == 93
    assert found["disputed"] == found["queued"] == len(rows) < 9
    assert found["too_few"] == {"ours": {"HAC": 3}}


def test_the_queue_opens_as_a_case(queue: tuple[Path, Path, dict]) -> None:
    _, out, _ = queue
    rows = rows_of(out / "doubts.csv")
    with Case.open(out / "doubts.bmcase", read_only=True) as case:
        slide, cells = slide_of_case(case), case.cells
        assert abs(slide.known_scale() / 0.3 - 1) < 1e-3
        crops = cut_crops(slide, cells.x, cells.y, microns_per_pixel=slide.known_scale(), size=64)
        for row, crop, cell in zip(rows, crops, cells.cell_id.tolist(), strict=True):
            with Image.open(row["path"]) as image:
                np.testing.assert_array_equal(crop, np.asarray(image))
            label = case.labels[cell]
            assert (label.code, label.source) == (row["label"], "import")
        predictions = case.predictions
        assert predictions is not None
        firsts = [predictions.classes[at] for at in predictions.ranked()[:, 0]]
        assert firsts == [row["suggested"] for row in rows]
        assert cells.in_frame.all()
        assert case.target == len(rows)


def test_the_work_list_goes_through_it_by_rank(queue: tuple[Path, Path, dict]) -> None:
    _, out, _ = queue
    with Case.open(out / "doubts.bmcase", read_only=True) as case:
        work, at, seen = WorkList(case), None, []
        for _ in case.cells.cell_id:
            at = work.next(at)
            seen.append(at)
    assert seen == sorted(seen)
    assert seen[0] == 1


def test_a_review_becomes_a_manifest(queue: tuple[Path, Path, dict], tmp_path: Path) -> None:
    data, out, _ = queue
    copy = tmp_path / "doubts"
    copy.mkdir()
    for name in ("doubts.csv", "crops.csv", "doubts.png", "doubts.bmcase"):
        (copy / name).write_bytes((out / name).read_bytes())
    rows = rows_of(copy / "doubts.csv")
    assert correct(copy / "doubts.bmcase", copy / "none.csv")["waiting"] == len(rows)
    with Case.open(copy / "doubts.bmcase", reviewer="Anna Ash") as case:
        case.set_label([1], rows[0]["suggested"])
        case.set_label([2], rows[1]["label"])
        case.set_label([3], "MEG")
    counts = correct(copy / "doubts.bmcase", copy / "corrected.csv")
    assert counts == {
        "confirmed": 1,
        "corrected": 1,
        "left_out": 1,
        "waiting": len(rows) - 3,
        "crops": 92,
    }
    (before,), (after,) = find_sources(data), find_sources(copy / "corrected.csv")
    given = dict(zip(before.names, before.codes, strict=True))
    now = dict(zip(after.names, after.codes, strict=True))
    assert now == {
        **{n: c for n, c in given.items() if n != rows[2]["file"]},
        rows[0]["file"]: now[rows[0]["file"]],
    }
    assert now[rows[0]["file"]] == rows[0]["suggested"] != given[rows[0]["file"]]
    assert (after.name, after.scheme.name) == ("ours", "bmc21")


def test_a_queue_is_never_overwritten(queue: tuple[Path, Path, dict], trained: tuple[Bundle, Path]) -> None:
    data, out, _ = queue
    before = (out / "doubts.bmcase").read_bytes()
    with pytest.raises(TrainingError, match=r"doubts.bmcase: is there already, with its review"):
        find_doubts(data, out, model=trained[0])
    assert (out / "doubts.bmcase").read_bytes() == before


def test_what_cannot_be_judged(
    trained: tuple[Bundle, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_blobs(tmp_path / "few", 3)
    with pytest.raises(TrainingError, match="few: fewer than two classes have 5 images"):
        find_doubts(data, tmp_path / "q", model=trained[0])
    with pytest.raises(TrainingError, match="folds: 1 is too few"):
        find_doubts(data, tmp_path / "q", model=trained[0], folds=1)
    with pytest.raises(TrainingError, match="a queue holds 1 to 2500"):
        find_doubts(data, tmp_path / "q", model=trained[0], top=10_000)
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(TrainingError, match=r"pip install 'napari-bonemarrow\[training\]'"):
        find_doubts(data, tmp_path / "q", model=trained[0])
    assert not (tmp_path / "q").exists()


def test_a_queue_without_its_tables(queue: tuple[Path, Path, dict], tmp_path: Path) -> None:
    (tmp_path / "doubts.bmcase").write_bytes((queue[1] / "doubts.bmcase").read_bytes())
    with pytest.raises(TrainingError, match=r"doubts.csv: cannot be read .* keep it next to its queue"):
        correct(tmp_path / "doubts.bmcase", tmp_path / "x.csv")


def test_a_cross_validated_run_judges_too(queue: tuple[Path, Path, dict], tmp_path: Path) -> None:
    """The table is that of a run whose folds would have been right but for one crop."""
    data, first, _ = queue
    (source,) = find_sources(data)
    told = []
    for file, code in zip(source.files, source.codes, strict=True):
        truth = file.name.removeprefix("wrong_")[:3] if file.name.startswith("wrong_BLA") else code
        p = {each: 0.9 if each == truth else 0.05 for each in ("BLA", "EOS", "LYT")}
        told.append([file.relative_to(data), "ours", code, *p.values()])
    run = tmp_path / "run"
    run.mkdir()
    with (run / "predictions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "source", "truth", "p_BLA", "p_EOS", "p_LYT"])
        writer.writerows(told)
    found = find_doubts(data, tmp_path / "q", run=run)
    assert found["disputed"] == 1
    assert found["too_few"] == {"ours": {"HAC": 3}}
    (row,) = rows_of(tmp_path / "q" / "doubts.csv")
    assert (Path(row["file"]).name, row["suggested"]) == ("wrong_BLA_00003.png", "BLA")
    assert (tmp_path / "q" / "crops.csv").read_text() == (first / "crops.csv").read_text()
    (run / "predictions.csv").write_text("file,part\n")
    with pytest.raises(TrainingError, match="is not a table of held-out images"):
        find_doubts(data, tmp_path / "other", run=run)
    (run / "predictions.csv").write_text("file,source,truth,p_BLA\nx.png,ours,BLA,1\n")
    with pytest.raises(TrainingError, match="none of its images is in"):
        find_doubts(data, tmp_path / "other", run=run)


def test_cases_are_reviewed_themselves(tmp_path: Path) -> None:
    write_case(tmp_path / "cases", "one", ["BLA", "LYT"])
    with pytest.raises(TrainingError, match="review the cases themselves"):
        find_doubts(tmp_path / "cases", tmp_path / "q")


def test_correct_labels_are_not_disputed_and_nothing_is_queued(
    trained: tuple[Bundle, Path], tmp_path: Path
) -> None:
    data = write_blobs(tmp_path / "clean", 12)
    found = find_doubts(data, tmp_path / "q", model=trained[0], folds=3, device="cpu")
    assert (found["disputed"], found["case"]) == (0, None)
    assert not (tmp_path / "q" / "doubts.bmcase").exists()
    assert rows_of(tmp_path / "q" / "doubts.csv") == []
