from __future__ import annotations

import csv
from pathlib import Path

from napari_bonemarrow.cytology import Region
from napari_bonemarrow.slides import detect_cells, open_slide
from napari_bonemarrow.workflow import detect_inputs


def test_cells_are_written_without_classes(field: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    [row] = detect_inputs([field], out)
    with (out / "field" / "cells.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    expected = detect_cells(open_slide(field))
    assert row.found == len(cells) == len(expected) >= 6
    assert list(cells[0]) == [
        "cell_id",
        "x_px",
        "y_px",
        "x_um",
        "y_um",
        "diameter_um",
        "detection_score",
    ]
    assert [int(cell["cell_id"]) for cell in cells] == expected.cell_id.tolist()
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["cells.csv"]


def test_what_fails_is_a_row_and_the_others_go_on(field: Path, mute: Path, tmp_path: Path) -> None:
    missing = tmp_path / "gone.png"
    rows = detect_inputs([missing, mute, field], tmp_path / "out")
    assert [row.ok for row in rows] == [False, False, True]
    assert "no such file" in rows[0].error
    assert "--microns-per-pixel" in rows[1].error
    [row] = detect_inputs([field], tmp_path / "out", regions=(Region(900, 900, 10, 10),))
    assert "leaves nothing to count" in row.error
