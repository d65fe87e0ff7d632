"""The differential is worked out again from the rows of ``cells.csv`` alone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Field, Frame, Region
from napari_bonemarrow.cytology.intervals import largest_remainder
from napari_bonemarrow.report import differential_document, write_cells_csv
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array
from napari_bonemarrow.workflow.exchange.label_import import import_labels

from .conftest import MPP, predictions_of

CODES = ["LYT"] * 20 + ["NGS"] * 20 + ["BLA"] * 9 + ["MYB"] * 5 + ["ART"] * 3 + ["NIF"] * 3


@pytest.fixture
def folder_case(tmp_path: Path) -> Iterator[Case]:
    """60 cells in three photographs, some at their borders, with every kind of act on some."""
    width, height, gap = 1200, 900, 100
    canvas = np.full((height, 3 * width + 2 * gap, 3), 230, np.uint8)
    regions = [Region(number * (width + gap), 0, width, height) for number in range(3)]
    fields = tuple(Field(f"{number}.png", region) for number, region in enumerate(regions, start=1))
    slide = replace(slide_from_array(canvas, MPP, tmp_path / "marrow"), fields=fields)
    with Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height, images=slide.images), 300)
        n = len(CODES)
        x = np.array([regions[at % 3].x + 20 + 1150 * (at / n) for at in range(n)])
        sizes = np.full(n, 8, np.float32)
        case.detection.record(
            Cells(np.arange(1, n + 1), x, np.linspace(10, 890, n), sizes, sizes / 10, np.ones(n, bool)), {}
        )
        case.model.record_predictions(predictions_of(case.cells, CODES))
        case.set_label([1, 2, 21], "PLM")
        case.set_label([55], "BLA")
        case.set_label([30], "NHC")
        case.set_label([31], "BLA")
        case.set_label([31], None)
        case.set_tag([21, 22, 60], "dysplastic", True)
        case.set_tag([21], "vacuolated", True)
        case.edits.set_flag([5, 6], True)
        case.cell_edits.remove([40])
        case.edits.comment(5, '=HYPERLINK("x"), "quoted"')
        case.edits.comment(5, "a second line")
        case.edits.comment(None, "of the smear")
        yield case


def _rows(case: Case, folder: Path) -> list[dict[str, str]]:
    write_cells_csv(case, folder / "cells.csv")
    with (folder / "cells.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _recount(rows: list[dict[str, str]], excluded: set[str]) -> dict[str, Any]:
    """Count as a stranger would who has the file and the list of classes that are left out."""
    counted = [row for row in rows if row["in_frame"] == "true"]
    classes = Counter(row["label"] or row["predicted"] for row in counted)
    reviewed = sum(row["reviewed"] == "true" for row in counted)
    imported = sum(row["reviewed"] == "false" and row["label"] != "" for row in counted)
    left_out = {code: number for code, number in classes.items() if code in excluded}
    kept = {code: number for code, number in classes.items() if code and code not in excluded}
    tagged = Counter(tag for row in counted for tag in row["tags"].split())
    return {
        "counted": sum(kept.values()),
        "classes": kept,
        "excluded": left_out,
        "reviewed": reviewed,
        "unreviewed": len(counted) - reviewed,
        "imported": imported,
        "unclassified": classes.get("", 0),
        "tags": dict(tagged),
    }


def _as_recounted(document: dict[str, Any]) -> dict[str, Any]:
    tags: Counter[str] = Counter()
    for tag in document["tags"]:
        tags[tag["tag"]] += tag["count"]
    return {
        "counted": document["counted"],
        "classes": {row["code"]: row["count"] for row in document["classes"] if row["count"]},
        "excluded": document["excluded"],
        "reviewed": document["reviewed"],
        "unreviewed": document["unreviewed"],
        "imported": document["imported"],
        "unclassified": document["unclassified"],
        "tags": dict(tags),
    }


def _check(case: Case, folder: Path) -> tuple[list[dict[str, str]], dict[str, Any]]:
    rows, document = _rows(case, folder), differential_document(case)
    excluded = set(document["rules"]["excluded"])
    found = _recount(rows, excluded)
    # Tags of classes that are left out are not counted.
    of_excluded = [
        row for row in rows if row["in_frame"] == "true" and (row["label"] or row["predicted"]) in excluded
    ]
    for row in of_excluded:
        for tag in row["tags"].split():
            found["tags"][tag] -= 1
    found["tags"] = {tag: number for tag, number in found["tags"].items() if number}
    assert found == _as_recounted(document)
    for row in document["classes"]:
        if row["percent"] is not None:
            assert abs(row["percent"] - 100 * row["count"] / found["counted"]) < 0.1
    return rows, document


def test_a_case_under_review_is_counted_again_from_its_rows(folder_case: Case, tmp_path: Path) -> None:
    rows, document = _check(folder_case, tmp_path)
    assert len(rows) == 59
    assert 0 < sum(row["in_frame"] == "false" for row in rows) < 20
    assert document["excluded"]
    assert document["unreviewed"] > 0
    by_cell = {row["cell_id"]: row for row in rows}
    assert by_cell["21"]["tags"] == "dysplastic vacuolated"
    assert by_cell["5"]["comment"] == '\'=HYPERLINK("x"), "quoted"\na second line'
    assert [row["cell_id"] for row in rows if row["flagged"] == "true"] == ["5", "6"]
    assert by_cell["31"]["reviewed"] == "false"
    assert {row["field"] for row in rows} == {"1", "2", "3"}


def _import(case: Case, folder: Path, labels: dict[int, str], *, vouch: bool = False) -> None:
    path = folder / "labels.csv"
    path.write_text("cell_id,label\n" + "".join(f"{cell},{code}\n" for cell, code in labels.items()))
    import_labels(case, path, vouch=vouch)


def _standing(rows: list[dict[str, str]], document: dict[str, Any]) -> dict[str, int]:
    """Return who stands for the counted cells, which rows and document were found to agree on."""
    by_model = sum(row["in_frame"] == "true" and row["label"] == "" for row in rows)
    assert document["unreviewed"] - document["imported"] == by_model
    return {"reviewed": document["reviewed"], "imported": document["imported"], "model": by_model}


def test_imported_labels_stand_apart_from_reviewed_ones_and_the_models(
    folder_case: Case, tmp_path: Path
) -> None:
    case = folder_case
    inside = case.cells.cell_id[case.cells.in_frame].tolist()
    own = [cell for cell in case.labels if cell in inside]
    bare = [cell for cell in inside if cell not in case.labels]
    outside = [cell for cell in case.cells.cell_id.tolist() if cell not in inside and cell not in case.labels]
    assert min(len(own), len(outside)) >= 2

    def check(reviewed: int, imported: int) -> None:
        expected = {"reviewed": reviewed, "imported": imported, "model": len(inside) - reviewed - imported}
        assert _standing(*_check(case, tmp_path)) == expected

    check(len(own), 0)
    # A data set's word on all cells but the last five; what a reviewer has classed stays theirs.
    _import(case, tmp_path, dict.fromkeys([*own, *outside, *bare[:-5]], "EBO"))
    n = len(bare) - 5
    check(len(own), n)
    case.set_label([bare[0]], "EBO")  # taken over as it is, one and several
    case.set_label(bare[1:4], "EBO")
    case.set_label([bare[4]], "PLM")  # taken over with another class
    case.set_label(bare[5:7], "ART")  # which does not count
    case.set_label([outside[0]], "EBO")
    check(len(own) + 7, n - 7)
    case.set_label([bare[4]], None)  # no label at all: the model's word again
    check(len(own) + 6, n - 7)
    case.undo()
    case.set_label([bare[7]], "LYT")
    case.undo()  # the imported class is back, as imported
    check(len(own) + 7, n - 7)
    # Somebody vouches: for imported cells, for ones of the model, and over what a reviewer had given.
    _import(case, tmp_path, dict.fromkeys([bare[0], *bare[8:11], *bare[-2:], own[0]], "NGS"), vouch=True)
    check(len(own) + 12, n - 10)
    case.undo()
    case.redo()
    case.cell_edits.remove([bare[11]])
    inside.remove(bare[11])
    check(len(own) + 12, n - 11)
    path, reviewed = case.path, case.reviewed().tolist()
    case.close()
    with Case.open(path, read_only=True) as again:  # by replay of the journal
        rows, document = _check(again, tmp_path)
        assert _standing(rows, document)["imported"] == n - 11
        assert [row["reviewed"] == "true" for row in rows] == reviewed
        [flag] = [flag for flag in document["flags"] if flag["code"] == "imported"]
        assert flag["text"].startswith(f"{n - 11} cells")


def test_every_reading_of_a_case_with_imported_labels_is_counted_again(
    folder_case: Case, tmp_path: Path
) -> None:
    case = folder_case
    inside = case.cells.cell_id[case.cells.in_frame].tolist()
    n = len(inside)
    for cell in list(case.labels):
        case.set_label([cell], None)
    _import(case, tmp_path, dict.fromkeys(inside[:-4], "EBO"))
    case.set_label(inside[:10], "LYT")
    assert _standing(*_check(case, tmp_path)) == {"reviewed": 10, "imported": n - 14, "model": 4}
    case.readings.begin_second("Dr B")
    _check(case, tmp_path)
    case.set_label(inside[:8], "LYT")
    case.set_label(inside[8:12], "PLM")
    case.readings.end()
    first = _standing(*_check(case, tmp_path))
    case.readings.go_to(2)
    second = _standing(*_check(case, tmp_path))
    case.readings.begin_settling("Dr C")
    case.set_label(inside[8], "PLM")
    settled = _standing(*_check(case, tmp_path))
    assert first == {"reviewed": 10, "imported": n - 14, "model": 4}
    assert second == {"reviewed": 12, "imported": 0, "model": n - 12}
    assert settled == {"reviewed": 12, "imported": n - 16, "model": 4}


def test_the_percentages_of_a_reviewed_case_are_worked_out_again(folder_case: Case, tmp_path: Path) -> None:
    inside = folder_case.cells.select(folder_case.cells.in_frame)
    for cell in inside.cell_id.tolist():
        folder_case.set_label(cell, folder_case.effective_code(cell))
    rows, document = _check(folder_case, tmp_path)
    classes = [row for row in document["classes"] if row["code"] not in document["rules"]["excluded"]]
    counts = Counter(row["label"] for row in rows if row["in_frame"] == "true" and row["reviewed"] == "true")
    assert [row["percent"] for row in classes] == largest_remainder([counts[row["code"]] for row in classes])
    assert sum(round(10 * row["percent"]) for row in classes) == 1000


def test_rows_before_there_is_a_frame_or_a_model_say_so(
    tmp_path: Path,
) -> None:
    slide = slide_from_array(np.full((300, 300, 3), 230, np.uint8), MPP, tmp_path / "one.png")
    with Case.create(tmp_path / "one.bmcase", slide, reviewer="Dr A") as case:
        one = np.array([8.0], np.float32)
        case.detection.record(
            Cells(np.array([1]), np.array([150.0]), np.array([150.0]), one, one, one > 0), {}
        )
        [row] = _rows(case, tmp_path)
    assert (row["in_frame"], row["reviewed"], row["flagged"], row["tags"]) == ("false", "false", "false", "")
    assert "field" not in row
