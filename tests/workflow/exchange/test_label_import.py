"""Labels from files: what is taken, what lifts a warning, and that a bad file changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import (
    BMC21,
    Cells,
    Field,
    Frame,
    ModelReference,
    Predictions,
    Region,
    Support,
)
from napari_bonemarrow.report import differential_document, export, html_report
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.slides import slide_from_array
from napari_bonemarrow.workflow import LabelFileError, import_labels

MPP = 0.1


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Six cells in two fields; the model, which has learnt NGS alone, calls all of them so."""
    slide = slide_from_array(np.full((200, 800, 3), 230, np.uint8), MPP, tmp_path / "smear.png")
    fields = (Field("a.png", Region(0, 0, 400, 200)), Field("b.png", Region(400, 0, 400, 200)))
    slide = replace(slide, fields=fields)
    with Case.create(tmp_path / "smear.bmcase", slide, reviewer="clerk") as made:
        made.sampling.set_frame(Frame.whole_field(800, 200, 0.0), 6)
        ones = np.ones(6, np.float32)
        x = np.array([50.0, 150.0, 350.0, 450.0, 550.0, 650.0])
        made.detection.record(Cells(np.arange(1, 7), x, np.full(6, 100.0), 9 * ones, ones, ones > 0))
        probabilities = np.full((6, 21), 0.01, np.float32)
        probabilities[:, BMC21.index("NGS")] = 0.8
        support = dict.fromkeys(BMC21, Support.NONE) | {"NGS": Support.TRAINED}
        reference = ModelReference("m", "a" * 64)
        made.model.record_predictions(
            Predictions(made.cells.cell_id, probabilities, BMC21, support, reference)
        )
        yield made


def write(tmp_path: Path, text: str, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def codes(case: Case) -> list[str]:
    return [case.labels[cell].code if cell in case.labels else "" for cell in range(1, 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cell_id,label\n1,NGS\n2,\n3,EBO\n", ["NGS", "", "EBO", "", "", ""]),
        ("cell_id;label\n1;NGS\n2;lymphocyte\n", ["NGS", "LYT", "", "", "", ""]),
        ("\ufeffcell_id\tlabel\r\n6\tngs\r\n", ["", "", "", "", "", "NGS"]),
        ("x_px,y_px,label\n52.5,101,BLA\n350,139,LYT\n350,141,LYT\n", ["BLA", "", "LYT", "", "", ""]),
        (
            "field,field_x_px,field_y_px,label\n1,150,100,PMO\n2,50,100,MYB\nb.png,150,100,MMZ\n",
            ["", "PMO", "", "MYB", "MMZ", ""],
        ),
        ('label,cell_id,note\n"EOS",4,"a, b"\n', ["", "", "", "EOS", "", ""]),
    ],
)
def test_a_table_names_cells_by_number_or_place(
    case: Case, tmp_path: Path, text: str, expected: list[str]
) -> None:
    import_labels(case, write(tmp_path, text))
    assert codes(case) == expected


def test_what_became_of_each_row_is_told(case: Case, tmp_path: Path) -> None:
    case.set_label(5, "PLM")
    text = "cell_id,label\n1,NGS\n2,\n3,XYZ\n99,NGS\n5,NGS\n4,EBO\n4,EBO\n"
    found = import_labels(case, write(tmp_path, text))
    assert (found.taken, found.unmatched, found.unknown, found.empty, found.kept) == (2, 1, 1, 1, 1)
    assert (
        found.text
        == "2 taken, 1 not matched, 1 unknown (1 XYZ), 1 without a label, 1 kept as a reviewer has them"
    )
    assert codes(case) == ["NGS", "", "", "EBO", "PLM", ""]
    again = import_labels(case, write(tmp_path, text))
    assert (again.taken, again.changed) == (2, 0)


def test_a_number_that_is_of_another_place_is_not_matched(case: Case, tmp_path: Path) -> None:
    """A table of another smear has the same numbers."""
    found = import_labels(case, write(tmp_path, "cell_id,x_px,y_px,label\n1,50,100,NGS\n2,700,20,NGS\n"))
    assert (found.taken, found.unmatched) == (1, 1)


def test_the_cells_that_were_exported_are_taken_in_again(case: Case, tmp_path: Path) -> None:
    case.set_label([1, 2], "LYT")
    for kind in ("csv", "geojson"):
        export(case, kind, tmp_path / f"cells.{kind}")
    case.set_label([1, 2], None)
    found = import_labels(case, tmp_path / "cells.csv")
    assert (found.taken, found.unmatched, found.empty) == (2, 0, 4)
    assert codes(case)[:2] == ["LYT", "LYT"]
    case.undo()
    assert import_labels(case, tmp_path / "cells.geojson").taken == 6  # with the class that each has


def test_an_import_is_one_act_and_one_undo(case: Case, tmp_path: Path) -> None:
    case.set_label(1, "PLM")
    before, lines = dict(case.labels), len(case.history.events())
    import_labels(case, write(tmp_path, "cell_id,label\n1,BLA\n2,LYT\n3,EBO\n"), vouch=True)
    assert len(case.history.events()) == lines + 1
    assert codes(case)[:3] == ["BLA", "LYT", "EBO"]
    case.undo()
    assert dict(case.labels) == before
    case.redo()
    case.close()
    with Case.open(case.path, read_only=True) as again:
        assert again.verify().ok
        assert codes(again)[:3] == ["BLA", "LYT", "EBO"]


EVERY = "cell_id,label\n1,NGS\n2,NGS\n3,NGS\n4,EBO\n5,EBO\n6,BLA\n"


def test_imported_classes_lift_no_warning(case: Case, tmp_path: Path) -> None:
    """Six cells that nobody looked at: no class that the model has not learnt gets a percentage."""
    path = write(tmp_path, EVERY)
    import_labels(case, path)
    count = case.differential()
    assert (count.reviewed, count.unreviewed, count.imported) == (0, 6, 6)
    assert not count.fully_reviewed
    assert count.row("PLM").percent is None
    assert count.row("EBO").count == 2
    assert count.row("EBO").percent is None
    assert "imported" in {flag.code for flag in count.flags}
    assert not case.reviewed().any()
    assert case.table_view().imported.all()
    assert "6 cells with a class that came with the data, not confirmed" in case.sign_off.gaps()
    document = differential_document(case)
    digest = sha256(path.read_bytes()).hexdigest()
    assert document["imported"] == 6
    (said,) = document["imports"]
    assert (said["by"], said["sha256"], said["vouched"]) == ("clerk", digest, False)
    page = html_report(case)
    assert "<b>6</b>imported, not reviewed" in page
    assert "Reviewed by" not in page
    assert digest[:12] in page
    assert case.labels[1].source == f"import:{digest}"
    case.undo()
    assert differential_document(case)["imports"] == []


def test_who_vouches_has_reviewed_them(case: Case, tmp_path: Path) -> None:
    case.reviewer = "Dr Ada"
    import_labels(case, write(tmp_path, EVERY), vouch=True)
    count = case.differential()
    assert (count.reviewed, count.unreviewed, count.imported) == (6, 0, 0)
    assert count.row("PLM").percent == 0.0
    assert case.labels[1].by == "Dr Ada"
    assert not case.sign_off.gaps()
    with pytest.raises(CaseError, match="took part in the first reading"):
        case.readings.begin_second("Dr Ada")


def test_a_reviewer_takes_an_imported_class_over(case: Case, tmp_path: Path) -> None:
    import_labels(case, write(tmp_path, EVERY))
    case.reviewer = "Dr Ada"
    case.set_label(6, case.effective_code(6))
    count = case.differential()
    assert (count.reviewed, count.imported) == (1, 5)
    assert import_labels(case, write(tmp_path, "cell_id,label\n6,NGS\n")).kept == 1
    assert codes(case)[5] == "BLA"


def test_annotations_of_qupath_are_taken_by_point_and_outline(case: Case, tmp_path: Path) -> None:
    square = [[[140, 90], [161, 90], [161, 111], [140, 111], [140, 90]]]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [50.5, 100.5]},
            "properties": {"classification": {"name": "BLA"}},
        },
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": square},
            "properties": {"classification": {"names": ["LYT"]}},
        },
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [350, 100]}, "properties": {}},
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [450, 100]},
            "properties": {"classification": {"name": "Tumor"}},
        },
    ]
    path = write(tmp_path, json.dumps({"type": "FeatureCollection", "features": features}), "a.geojson")
    found = import_labels(case, path)
    assert (found.taken, found.unknown, found.empty) == (2, 1, 1)
    assert codes(case)[:3] == ["BLA", "LYT", ""]


BAD = {
    "nothing": "",
    "no columns": "1,NGS\n2,NGS\n",
    "no label": "cell_id,class\n1,NGS\n",
    "no cell": "label\nNGS\n",
    "half a place": "x_px,label\n1,NGS\n",
    "a column twice": "cell_id,label,label\n1,NGS,NGS\n",
    "no number": "cell_id,label\none,NGS\n",
    "a number below nothing": "cell_id,label\n-1,NGS\n",
    "a number without end": f"cell_id,label\n{'9' * 400},NGS\n",
    "no coordinate": "x_px,y_px,label\nleft,5,NGS\n",
    "an endless coordinate": "x_px,y_px,label\n1e999,5,NGS\n",
    "NaN": "x_px,y_px,label\nnan,5,NGS\n",
    "no field": "field,field_x_px,field_y_px,label\n9,5,5,NGS\n",
    "two classes of one cell": "cell_id,label\n1,NGS\n1,EBO\n",
    "a cell without end": f'cell_id,label\n1,"{"x" * 200_000}"\n',
    "no GeoJSON": "{",
    "GeoJSON nested deeply": '{"features": ' + "[" * 100_000,
    "GeoJSON without places": '{"features": [{"properties": {}}]}',
    "GeoJSON of texts": '{"features": [{"geometry": {"type": "Point", "coordinates": ["a", "b"]}}]}',
    "GeoJSON of NaN": '{"features": [{"geometry": {"type": "Point", "coordinates": [NaN, 1]}}]}',
    "GeoJSON cut short": '[{"geometry": {"type": "Point", "coordinates": [5, 1]}},',
    "GeoJSON with an end too many": '[{"geometry": {"type": "Point", "coordinates": [5, 1]}}]]',
    "GeoJSON without commas": '{"type": "FeatureCollection" "features": []}',
    "GeoJSON of a line": '{"features": [{"geometry": {"type": "LineString", "coordinates": [[0, 0]]}}]}',
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_one_line_and_changes_nothing(case: Case, tmp_path: Path, what: str) -> None:
    before = len(case.history.events())
    with pytest.raises(LabelFileError) as refused:
        import_labels(case, write(tmp_path, BAD[what]))
    told = str(refused.value)
    assert "\n" not in told
    assert len(told.replace(str(tmp_path), "")) < 300
    assert len(case.history.events()) == before


def test_what_is_no_text_and_what_is_not_there_is_one_line(case: Case, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"cell_id,label\n1,\xff\xfe\n")
    for path in (tmp_path / "x.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(LabelFileError) as refused:
            import_labels(case, path)
        assert "\n" not in str(refused.value)


def test_a_signed_case_takes_no_labels(case: Case, tmp_path: Path) -> None:
    case.sign("Dr Ada", "for now")
    with pytest.raises(CaseError, match="was signed"):
        import_labels(case, write(tmp_path, EVERY))


def test_unknown_classes_are_all_listed_with_their_number(case: Case, tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(8)] + ["=SUM(A1)", "=SUM(A1)", "a\nb"]
    rows = "".join(f'1,"{name}"\n' for name in names)
    found = import_labels(case, write(tmp_path, f"cell_id,label\n{rows}"))
    assert found.unknown == 11
    assert len(found.unknown_names) == 10
    assert found.unknown_names["=SUM(A1)"] == 2
    assert (
        "11 unknown (2 =SUM(A1), 1 class 0, 1 class 1, 1 class 2, 1 class 3 and 5 other names)" in found.text
    )
    assert codes(case) == [""] * 6


def test_absurd_places_match_no_cell(case: Case, tmp_path: Path) -> None:
    rows = "".join(f"{x},{y},NGS\n" for x, y in ((-50, 100), (50, -1e9), (1e300, 1e300), (50, 100)))
    found = import_labels(case, write(tmp_path, f"x_px,y_px,label\n{rows}"))
    assert (found.taken, found.unmatched) == (1, 3)


def test_a_derived_class_is_its_base(case: Case, tmp_path: Path) -> None:
    names = (
        {"name": "BLA: auer_rod"},
        {"names": ["Lymphoid", "LYT"]},
        {"name": "NGS: EOS"},
        {"name": "X: Y"},
    )
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [x + 0.5, 100.5]},
            "properties": {"objectType": "detection", "classification": name, "measurements": {"a": 1.0}},
        }
        for x, name in zip((50, 150, 350, 450), names, strict=True)
    ]
    found = import_labels(case, write(tmp_path, json.dumps(features), "list.geojson"))
    assert codes(case) == ["BLA", "LYT", "", "", "", ""]
    assert found.unknown_names == {"NGS: EOS": 1, "X: Y": 1}


def test_the_geojson_that_was_exported_gives_the_same_labels(case: Case, tmp_path: Path) -> None:
    given = dict(zip(range(1, 7), ("BLA", "LYT", "PRM", "EBO", "ART", "NGS"), strict=True))
    for cell, code in given.items():
        case.set_label(cell, code)
    case.edits.set_tag([1, 3], "auer_rod", True)
    export(case, "geojson", tmp_path / "cells.geojson")
    case.set_label(list(given), None)
    found = import_labels(case, tmp_path / "cells.geojson", vouch=True)
    assert (found.taken, found.unknown, found.unmatched) == (6, 0, 0)
    assert codes(case) == list(given.values())


@pytest.mark.parametrize("name", ['it\'s "so".csv', "ünïcode 骨髄.csv", "line\nbreak.csv", "../labels.csv"])
def test_a_file_of_any_name_is_read_or_told_in_one_line(case: Case, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / name
    path.write_text("cell_id,label\n1,NGS\n", encoding="utf-8")
    assert import_labels(case, path).taken == 1
