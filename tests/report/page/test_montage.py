"""Which cells the montage shows, and what it says where it can show none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from napari_bonemarrow.cytology import CLASSES
from napari_bonemarrow.report import ReportOptions
from napari_bonemarrow.report.page.html import html_report
from napari_bonemarrow.report.page.montage import SIDE_PX, plan_montage
from napari_bonemarrow.report.page.page import report_page
from napari_bonemarrow.review import Case
from tests.drawn_case import drawn_case


def test_critical_classes_have_more_cells_and_each_class_has_some(drawn: Case) -> None:
    plan = plan_montage(drawn, drawn.differential())
    shown = [cell.code for cell in plan.cells]
    inside = np.array(drawn.effective_codes())[drawn.table_view().in_frame]
    assert set(shown) == set(inside.tolist())
    assert [code for code in CLASSES if code in shown] == list(dict.fromkeys(shown))
    assert shown.count("BLA") == min(8, plan.totals["BLA"])
    assert shown.count("NGS") == 4
    assert shown.count("ART") <= 2


def test_reviewed_cells_come_before_surer_guesses_and_flagged_ones_are_shown(tmp_path: Path) -> None:
    with drawn_case(tmp_path, reviewed=False) as case:
        found = case.cells.cell_id[np.array(case.effective_codes()) == "EBO"]
        surest = case.table_view().confidence[np.isin(case.table_view().cell_id, found)]
        least, second = found[np.argsort(surest)[:2]].tolist()
        case.set_label(least, "EBO")
        case.edits.set_flag(second, True)
        plan = plan_montage(case, case.differential())
        shown = [cell for cell in plan.cells if cell.code == "EBO"]
        inside = set(case.table_view().cell_id[case.table_view().in_frame].tolist())
        assert [cell.cell_id for cell in shown if cell.reviewed] == [least] * (least in inside)
        assert shown[0].reviewed == (least in inside)
        assert [cell.cell_id for cell in shown if cell.flagged] == [second] * (second in inside)


def test_a_picture_shows_its_cell(drawn: Case) -> None:
    page = report_page(drawn)
    assert page.montage is not None
    for each in page.montage.classes:
        for cell in each.cells:
            pixels = np.asarray(Image.open(io.BytesIO(cell.crop.data)).convert("L"), float)
            assert pixels.shape == (SIDE_PX, SIDE_PX)
            assert each.name in cell.crop.alt
    blast = next(each for each in page.montage.classes if each.code == "BLA")
    pixels = np.asarray(Image.open(io.BytesIO(blast.cells[0].crop.data)).convert("L"), float)
    centre = pixels[60:100, 60:100].mean()
    assert centre < pixels[:20].mean() - 20  # a nucleus in the middle is darker than what is around


def test_a_heatmap_stands_beside_its_cell(drawn: Case) -> None:
    cell = plan_montage(drawn, drawn.differential()).cells[0].cell_id
    red = np.zeros((250, 250, 3), np.uint8)
    red[..., 0] = 255
    page = report_page(drawn, options=ReportOptions(heatmaps={cell: red}))
    assert page.montage is not None
    pairs = [each for one in page.montage.classes for each in one.cells if each.heatmap is not None]
    assert [each.caption.split()[0] for each in pairs] == [str(cell)]
    assert pairs[0].heatmap is not None
    assert np.asarray(Image.open(io.BytesIO(pairs[0].heatmap.data)))[80, 80, 0] > 250
    assert "as the model sees them" in page.montage.text


def test_a_slide_that_is_gone_leaves_a_line(tmp_path: Path) -> None:
    with drawn_case(tmp_path) as case:
        (tmp_path / "smear.png").unlink()
        html = html_report(case)
        assert "the slide&#39;s file was not found" in html or "the slide's file was not found" in html
        Image.new("RGB", (50, 50)).save(tmp_path / "smear.png")
        page = report_page(case)
        assert page.montage is not None
        assert page.montage.classes == ()
        assert "not the one of this case" in page.montage.text


def test_a_page_without_pictures_has_no_section(drawn: Case) -> None:
    assert report_page(drawn, options=ReportOptions(montage=False)).montage is None
    assert "data:image/jpeg" in html_report(drawn)
    assert "data:image" not in html_report(drawn, options=ReportOptions(montage=False))
