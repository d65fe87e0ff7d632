from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame, Region, RegionRanking
from napari_bonemarrow.cytology.defaults import MARGIN_UM
from napari_bonemarrow.report import differential_document, html_report
from napari_bonemarrow.report.document import differential_json
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array


def test_the_document_has_what_the_contract_promises(case: Case) -> None:
    document = json.loads(differential_json(case))
    assert document["schema"] == 1
    assert document["slides"][0]["file"] == "Müller <4711>.png"
    assert document["slides"][0]["scale_source"] == "user"
    assert document["model"]["name"] == "tiny"
    assert document["frame"] == {
        "margin_um": MARGIN_UM,
        "regions": [[0.0, 0.0, 1200.0, 900.0]],
        "chosen": "whole",
        "ranked": None,
        "avoided": {},
    }
    assert (document["counted"], document["target"]) == (55, 300)
    assert document["excluded"] == {"NIF": 2, "ART": 3}
    assert (document["reviewed"], document["unreviewed"]) == (2, 58)
    rows = {row["code"]: row for row in document["classes"]}
    assert set(rows["BLA"]) >= {"code", "name", "count", "percent", "ci95", "ci_method", "support"}
    # The model cannot name myelocytes or plasma cells: what it calls a blast is not a percentage of blasts.
    assert (rows["BLA"]["percent"], rows["BLA"]["ci95"], rows["BLA"]["share_of_named"]) == (None, None, 18)
    assert "value" in document["ratios"]["m_to_e"]
    assert document["ratios"]["m_to_e"]["definition"]


def test_a_class_that_was_not_learnt_has_no_percentage_until_all_is_reviewed(case: Case) -> None:
    rows = {row["code"]: row for row in differential_document(case)["classes"]}
    assert rows["MYB"]["count"] == 5
    assert rows["MYB"]["percent"] is None
    assert rows["MYB"]["ci95"] is None
    for cell, code in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True):
        case.set_label(cell, code)
    document = differential_document(case)
    rows = {row["code"]: row for row in document["classes"]}
    assert rows["MYB"]["percent"] == 9.1
    assert (rows["BLA"]["percent"], rows["BLA"]["share_of_named"]) == (18.2, None)
    assert rows["BLA"]["ci95"] == pytest.approx([10.19, 30.33], abs=0.02)
    assert sum(row["percent"] for row in document["classes"]) == pytest.approx(100.0)


def test_an_anonymous_document_names_no_file(case: Case) -> None:
    text = differential_json(case, anonymous=True)
    assert "4711" not in text
    assert json.loads(text)["slides"][0]["fingerprint"] == case.slide_record.fingerprint


def test_a_case_without_cells_is_still_a_document(make_case: Callable[..., Case]) -> None:
    document = json.loads(differential_json(make_case([])))
    assert document["counted"] == 0
    assert all(row["percent"] in (None, 0) for row in document["classes"])


def test_a_frame_of_ranked_regions_and_unread_tiles_are_told(tmp_path: Path) -> None:
    slide = slide_from_array(np.full((900, 1200, 3), 230, np.uint8), 0.1, tmp_path / "slide.tif")
    regions = (Region(600, 100, 300, 300), Region(100, 100, 300, 300))
    with Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.record_ranking(RegionRanking(regions, (0.9, 0.4), {"blank": 12}, {}))
        case.sampling.set_frame(Frame(regions[:1], 5.0, 1200, 900), 10)
        line = "slide.tif: tile (3, 4) of level 0 cannot be read"
        case.detection.record(Cells.empty(), {"failed_tiles": [line]})
        document = differential_document(case)
        assert document["frame"] == {
            "margin_um": 5.0,
            "regions": [[600.0, 100.0, 300.0, 300.0]],
            "chosen": "ranked",
            "ranked": 2,
            "avoided": {"blank": 12},
        }
        assert case.detection.unread == (line,)
        assert "unread_tiles" in [flag["code"] for flag in document["flags"]]
        assert "the first 1 of 2 regions that were ranked before any class was seen" in html_report(case)
