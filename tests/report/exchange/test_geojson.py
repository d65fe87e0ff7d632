"""The cells as GeoJSON, read as QuPath and shapely read it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from shapely.geometry import shape

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.report import export
from napari_bonemarrow.review import Case


def features(case: Case, path: Path) -> list[dict]:
    export(case, "geojson", path)
    return json.loads(path.read_text("utf-8"))["features"]


def test_each_cell_is_a_detection_at_its_centre_with_its_measurements(case: Case, tmp_path: Path) -> None:
    case.edits.set_tag([1], "auer_rod", True)
    found = features(case, tmp_path / "cells.geojson")
    points = [shape(each["geometry"]) for each in found]
    assert [point.x for point in points] == pytest.approx(case.cells.x + 0.5, abs=0.006)
    assert [point.y for point in points] == pytest.approx(case.cells.y + 0.5, abs=0.006)
    first, third = found[0]["properties"], found[2]["properties"]
    assert (first["objectType"], first["name"]) == ("detection", "1")
    assert first["classification"] == {"name": "PLM: auer_rod", "color": [48, 211, 193]}
    assert third["classification"]["name"] == "LYT"
    assert first["metadata"] == {"cell_id": "1", "in_frame": "true", "reviewed": "true", "predicted": "LYT"}
    assert third["metadata"]["reviewed"] == "false"
    measured = third["measurements"]
    assert measured["Diameter µm"] == 8.25
    assert (measured["Detection score"], measured["Confidence"]) == (0.875, 0.9)
    assert {f"Probability: {code}" for code in BMC21} <= set(measured)
    assert measured["Probability: BLA"] == 0.005
    assert all(isinstance(value, float) for value in measured.values())


def test_numbers_of_cells_are_unique_and_the_same_again(case: Case, tmp_path: Path) -> None:
    names = [each["id"] for each in features(case, tmp_path / "a.geojson")]
    assert names == [each["id"] for each in features(case, tmp_path / "b.geojson")]
    assert len(set(map(uuid.UUID, names))) == 60


def test_a_blind_reading_tells_nothing_of_the_model(case: Case, tmp_path: Path) -> None:
    case.readings.begin_second("Dr B")
    for each in features(case, tmp_path / "blind.geojson"):
        assert set(each["properties"]["measurements"]) == {"Diameter µm", "Detection score"}
        assert each["properties"]["metadata"]["predicted"] == ""
        assert "classification" not in each["properties"]


def test_no_cells_are_an_empty_collection(make_case: Callable[..., Case], tmp_path: Path) -> None:
    assert features(make_case([]), tmp_path / "none.geojson") == []
