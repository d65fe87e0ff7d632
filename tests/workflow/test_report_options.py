"""A report says what its model learnt from only where the bundle at hand is the one that classified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.report import ReportOptions
from napari_bonemarrow.report.page.language import unbroken
from napari_bonemarrow.report.page.page import report_page
from napari_bonemarrow.workflow.report_options import report_options
from tests.drawn_case import drawn_case


def test_the_card_of_the_bundle_that_classified_is_printed(tmp_path: Path) -> None:
    with drawn_case(tmp_path) as case:
        plain = ReportOptions(montage=False)
        assert report_options(case, plain) == plain  # another version of the starter classified it
        with pytest.raises(BoneMarrowError, match="no heatmaps, since the bundle"):
            report_options(case, heatmaps=True)
        starter, said = Bundle.open("starter"), case.predictions
        assert said is not None
        case.model.record_predictions(replace(said, model=starter.reference))
        lines = report_page(case, options=report_options(case, plain)).model.lines
        assert len(lines) == 3
        assert "CC BY 4.0" in lines[1]
        assert "10.7937/TCIA.AXH3-T579" in lines[1]
        figures = starter.card.metrics[0]
        assert f"On {figures.n} held-out cells" in lines[2]
        assert unbroken(f"accuracy {100 * figures.accuracy:.1f} %") in lines[2]


@pytest.mark.slow
def test_critical_cells_have_heatmaps(tmp_path: Path) -> None:
    with drawn_case(tmp_path) as case:
        said = case.predictions
        assert said is not None
        case.model.record_predictions(replace(said, model=Bundle.open("starter").reference))
        options = report_options(case, heatmaps=True, device="cpu")
        page = report_page(case, options=options)
        assert page.montage is not None
        pairs = {
            each.code: sum(cell.heatmap is not None for cell in each.cells) for each in page.montage.classes
        }
        assert pairs["BLA"] > 0
        assert pairs["NGS"] == 0
