"""Adjusted figures and reference ranges beside the count."""

from __future__ import annotations

from napari_bonemarrow.report.page.language import NO_BREAK
from napari_bonemarrow.report.page.options import ReportOptions
from napari_bonemarrow.report.page.page import gather_report, report_page
from napari_bonemarrow.report.page.pdf import pdf_of
from napari_bonemarrow.review import Case
from tests.report.page.test_pdf import pages_of


def test_a_count_by_the_model_alone_prints_the_adjusted_one_beside_it(by_model: Case) -> None:
    adjusted = by_model.differential().adjusted
    assert adjusted is not None
    share = adjusted.row("NGS")
    assert share is not None
    german = report_page(by_model, options=ReportOptions(language="de"))
    row = next(each for each in german.table.rows if each.code == "NGS")
    low, high = share.ci95
    assert row.adjusted == f"{share.percent:.1f} ({low:.1f}–{high:.1f})".replace(".", ",")
    assert row.percent == f"36,4{NO_BREAK}%"
    text = pages_of(pdf_of(gather_report(by_model, options=ReportOptions(montage=False))))[0]
    assert f"{share.percent:.1f} ({low:.1f}–{high:.1f})" in text
    assert "Adjusted: from held-out cells, not this smear" in text


def test_a_reviewed_count_needs_no_adjustment(drawn: Case) -> None:
    page = report_page(drawn, options=ReportOptions(montage=False))
    assert page.table.headings.adjusted == ""
    assert {row.adjusted for row in page.table.rows} == {""}


def test_a_reference_range_stands_beside_its_class_with_the_source(drawn: Case) -> None:
    page = report_page(drawn, options=ReportOptions(montage=False))
    row = next(each for each in page.table.rows if each.code == "PMO")
    assert row.reference == "2–6"
    assert row.bar is not None
    assert row.bar.reference is not None
    assert any("University of Iowa" in line for line in page.table.below)
