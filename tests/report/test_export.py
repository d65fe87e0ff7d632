from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_bonemarrow.report import FORMATS, ReportError, export
from napari_bonemarrow.review import Case


def test_every_format_on_offer_is_written(case: Case, tmp_path: Path) -> None:
    for name in FORMATS:
        export(case, name, tmp_path / f"out.{name}")
        assert (tmp_path / f"out.{name}").stat().st_size > 100


def test_an_unknown_format_names_the_known_ones(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="docx: no such format: choose one of csv, json, html, geojson"):
        export(case, "docx", tmp_path / "x.docx")


def test_geojson_points_lie_on_the_cells_with_their_effective_class(case: Case, tmp_path: Path) -> None:
    export(case, "geojson", tmp_path / "cells.geojson")
    features = json.loads((tmp_path / "cells.geojson").read_text("utf-8"))["features"]
    assert len(features) == 60
    first = features[0]
    assert first["geometry"]["coordinates"] == [100.5, 100.5]  # corner-based: half a pixel more
    assert first["properties"]["classification"]["name"] == "PLM"
    assert first["properties"]["predicted"] == "LYT"


@pytest.mark.parametrize("name", ["json", "html", "csv", "geojson"])
def test_an_anonymous_export_names_no_file(case: Case, tmp_path: Path, name: str) -> None:
    export(case, name, tmp_path / "out", anonymous=True)
    assert "4711" not in (tmp_path / "out").read_text("utf-8")
