"""learn and sample as a script types them: hand out, import, learn, export."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array
from tests.marrow_case import COUNT, TRUTH, marrow_case

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed case of 300 cells."""
    made = tmp_path / "smear.bmcase"
    marrow_case(made).close()
    return made


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def fill_in(asked: Path, filled: Path) -> int:
    """Give every cell of a table its true class; return how many there are."""
    rows = rows_of(asked)
    lines = [f"{row['cell_id']},{TRUTH[int(row['cell_id']) - 1]}" for row in rows]
    filled.write_text("\n".join(["cell_id,label", *lines]), "utf-8")
    return len(rows)


def exported(run: Run, path: Path, tmp_path: Path) -> dict[str, Any]:
    out = tmp_path / "count.json"
    assert run("export", path, "--format", "json", "--out", out)[0] == 0
    document: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return document


def test_a_sample_review_by_script(run: Run, path: Path, tmp_path: Path) -> None:
    asked, filled = tmp_path / "next.csv", tmp_path / "labels.csv"
    assert exported(run, path, tmp_path)["estimate"] is None
    begun = run("sample", path, "--begin", "--seed", 4, "--next", 60, "--out", asked, "--json")
    assert begun[0] == 0
    step = json.loads(begun[1])
    assert (step["frame"], step["handed_out"], step["seed"]) == (COUNT, 60, 4)
    assert list(rows_of(asked)[0]) == ["cell_id", "x_px", "y_px", "predicted", "label"]
    assert fill_in(asked, filled) == 60
    assert run("import", path, filled, "--reviewer", "Dr Ada")[0] == 0
    found = exported(run, path, tmp_path)["estimate"]
    assert (found["frame"], found["reviewed"], found["seed"]) == (COUNT, 60, 4)
    share = next(row for row in found["classes"] if row["code"] == "NGS")
    assert share["ci95"][0] <= share["percent"] <= share["ci95"][1]
    code, _out, err = run("sample", path, "--width", 9, "--of", "NGS", "--next", 200, "--out", asked)
    assert code == 0
    assert "NGS within ±9 %" in err


def test_the_cells_handed_out_are_the_same_again(run: Run, path: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    run("sample", path, "--begin", "--seed", 4, "--next", 25, "--out", one)
    run("sample", path, "--next", 25, "--out", other)
    assert one.read_text("utf-8") == other.read_text("utf-8")


def test_learning_by_script(run: Run, path: Path, tmp_path: Path) -> None:
    filled = tmp_path / "labels.csv"
    lines = [f"{cell},{TRUTH[cell - 1]}" for cell in range(1, 81)]
    filled.write_text("\n".join(["cell_id,label", *lines]), "utf-8")
    run("import", path, filled, "--reviewer", "Dr Ada")
    code, out, _err = run("learn", path, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["predicted_by"] == "starter+case"
    assert found["prequential"]["n"] == 80
    assert found["prequential"]["head"] > found["prequential"]["bundle"]
    document = exported(run, path, tmp_path)
    assert document["prequential"] == found["prequential"]
    assert run("learn", path, "--json")[1] == out  # nothing new, nothing changed
    table = tmp_path / "cells.csv"
    run("export", path, "--format", "csv", "--out", table)
    rest = [row for row in rows_of(table) if not row["label"]]
    assert {row["predicted_by"] for row in rest} == {"starter+case"}
    right = [row["predicted"] == TRUTH[int(row["cell_id"]) - 1] for row in rest]
    alone = [row["bundle_predicted"] == TRUTH[int(row["cell_id"]) - 1] for row in rest]
    assert sum(right) > sum(alone)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--next", 5), "no sample is being reviewed"),
        (("--begin", "--width", 3, "--of", "XYZ"), "'XYZ'"),
        (("--begin", "--width", 80, "--of", "BLA"), "half width of 80"),
    ],
)
def test_a_wrong_sample_is_one_line(
    run: Run, path: Path, tmp_path: Path, arguments: tuple[object, ...], says: str
) -> None:
    code, _out, err = run("sample", path, *arguments, "--out", tmp_path / "next.csv")
    assert code == 1
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "next.csv").exists()


def test_width_needs_a_class(run: Run, path: Path, tmp_path: Path) -> None:
    assert run("sample", path, "--width", 3, "--out", tmp_path / "next.csv")[0] == 2
    assert run("learn")[0] == 2
    assert run("learn", path, path)[0] == 2


def test_a_case_without_features_says_so(run: Run, path: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.bmcase"
    with Case.open(path) as case:
        predictions, cells, frame = case.predictions, case.cells, case.frame
    with Case.create(
        bare, slide_from_array(np.zeros((1000, 1000, 3), np.uint8), 0.2), reviewer="Ada"
    ) as made:
        made.sampling.set_frame(frame)
        made.detection.record(cells)
        made.model.record_predictions(predictions)
        made.set_label(30, "NGS")
    code, _out, err = run("learn", bare)
    assert code == 1
    assert "no features to learn from" in err
