from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_bonemarrow.report import FORMATS, ReportError, export
from napari_bonemarrow.review import Case


def test_every_format_on_offer_is_written(case: Case, tmp_path: Path) -> None:
    for name in set(FORMATS) - {"crops", "dicom"}:
        export(case, name, tmp_path / f"out.{name}")
        assert (tmp_path / f"out.{name}").stat().st_size > 100


def test_an_unknown_format_names_the_known_ones(case: Case, tmp_path: Path) -> None:
    with pytest.raises(
        ReportError, match=r"docx: no such format: choose one of csv, json, html, .*geojson, .*crops"
    ):
        export(case, "docx", tmp_path / "x.docx")


def test_geojson_points_lie_on_the_cells_with_their_effective_class(case: Case, tmp_path: Path) -> None:
    export(case, "geojson", tmp_path / "cells.geojson")
    features = json.loads((tmp_path / "cells.geojson").read_text("utf-8"))["features"]
    assert len(features) == 60
    first = features[0]
    assert first["geometry"]["coordinates"] == [100.5, 100.5]  # corner-based: half a pixel more
    assert first["properties"]["classification"]["name"] == "PLM"
    assert first["properties"]["metadata"]["predicted"] == "LYT"


def test_the_guide_names_every_format() -> None:
    guide = Path(__file__).parents[2] / "docs" / "command-line.md"
    on_offer = "\\|".join(FORMATS)
    assert f"--format {on_offer} " in guide.read_text("utf-8")
