from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.report import FORMATS, ReportError, export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide


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


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"crops", "dicom", "tally"}))
def test_an_anonymous_export_names_no_file(case: Case, tmp_path: Path, name: str) -> None:
    export(case, name, tmp_path / "out", anonymous=True)
    assert "4711" not in (tmp_path / "out").read_text("utf-8")


def test_reviewed_cells_become_crops_in_a_folder_a_class(case: Case, tmp_path: Path) -> None:
    slide = np.full((900, 1200, 3), 230, np.uint8)
    x, y = (int(value[0]) for value in (case.cells.x, case.cells.y))
    slide[y, x] = 0
    path = tmp_path / "real.png"
    Image.fromarray(slide).save(path, dpi=(254_000, 254_000))  # 0.1 µm a pixel
    opened, real = open_slide(path), tmp_path / "real.bmcase"
    with Case.create(real, opened, reviewer="Dr A") as own:
        own.sampling.set_frame(case.frame, 300)  # type: ignore[arg-type]
        own.detection.record(case.cells, {})
        with pytest.raises(ReportError, match="no cell has been reviewed yet"):
            export(own, "crops", tmp_path / "crops")
        own.set_label([1], "PLM")
        own.set_label([2, 3], "PRM")
        export(own, "crops", tmp_path / "crops")
    names = sorted(entry.relative_to(tmp_path / "crops").as_posix() for entry in tmp_path.glob("crops/*/*"))
    start = opened.fingerprint[:12]
    assert names == [f"PLM/{start}_1.png", f"PRM/{start}_2.png", f"PRM/{start}_3.png"]
    with Image.open(tmp_path / "crops" / names[0]) as image:
        crop = np.asarray(image)
    assert crop.shape == (250, 250, 3)
    dark = np.argwhere(crop[..., 0] < 200)
    np.testing.assert_allclose(dark.mean(axis=0), 124.5, atol=0.6)


def test_the_guide_names_every_format() -> None:
    guide = Path(__file__).parents[2] / "docs" / "command-line.md"
    on_offer = "\\|".join(FORMATS)
    assert f"--format {on_offer} " in guide.read_text("utf-8")
