from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np

from napari_bonemarrow.cytology import UNRELIABLE_TEXT, ModelReference
from napari_bonemarrow.cytology.defaults import MARGIN_UM
from napari_bonemarrow.cytology.domain import UNCHECKED_TEXT
from napari_bonemarrow.report import differential_document, html_report
from napari_bonemarrow.report.page.language import unbroken
from napari_bonemarrow.review import Case

WHEN = datetime(2025, 2, 3, 4, 5, tzinfo=UTC)


class _Reader(HTMLParser):
    """Collects the text of the page and every address it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A rect or path of a bar: closed at once."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.text = re.sub(r"\s+", " ", reader.text)
    assert reader.open == []
    return reader


def row_of(html: str, code: str) -> str:
    found = re.search(rf'<tr>\s*<td class="code">{code}</td>.*?</tr>', html, re.DOTALL)
    assert found is not None
    return found.group()


def test_it_stands_alone_and_says_once_what_it_is_for(case: Case) -> None:
    page = read(html_report(case, made=WHEN))
    assert page.fetched == []
    assert page.text.count("Research use only, not for diagnosis") == 1
    assert "2025-02-03 04:05 UTC" in page.text
    assert "Müller <4711>.png" in page.text  # escaped in the source, whole to the reader


def test_it_tells_what_was_counted_how_and_by_whom(case: Case) -> None:
    page = read(html_report(case)).text
    for text in (
        "55counted of 300 aimed at",
        "2reviewed in the frame",
        "58by the model alone",
        "0.1 µm per pixel, given by the user",
        f"less {MARGIN_UM:g} µm at the image's border",
        "tiny (abababababab)",
        "learnt from marrow: ART, BLA, EOS, LYT, MON, NGS, NIF, PMO",
        "Reviewed byDr A",
        "with monocytes",
        "promonocytes are not counted as blasts",
        "cover only sampling error",
    ):
        assert text in page, text


def review_all(case: Case) -> None:
    for cell, code in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True):
        case.set_label(cell, code)


def test_a_model_that_lacks_classes_shows_neither_percentage_nor_bar(case: Case) -> None:
    html = html_report(case)
    assert UNRELIABLE_TEXT in row_of(html, "MYB")
    assert unbroken("18 % so far, partly reviewed") in row_of(html, "BLA")
    for code in ("MYB", "BLA"):
        assert "<svg" not in row_of(html, code)
        assert "18.2" not in html
    review_all(case)
    done = html_report(case)
    assert unbroken("18.2 %") in row_of(done, "BLA")
    assert unbroken("10.2–30.3 %") in row_of(done, "BLA")


def test_bars_are_as_long_as_their_percentages(case: Case) -> None:
    review_all(case)
    html = html_report(case)
    lengths = {
        code: float(re.search(r'<rect [^>]*width="([\d.]+)"', row_of(html, code)).group(1))  # type: ignore[union-attr]
        for code in ("BLA", "NGS")
    }
    assert lengths["NGS"] / lengths["BLA"] == 2.0


def test_what_was_left_out_stands_apart(case: Case) -> None:
    html = html_report(case)
    apart = html[html.index("Left out of the count") :]
    assert re.search(r"ART</td><td>artefact</td><td class=\"n\">3<", apart)
    assert '<td class="code">ART</td>' not in html[: html.index("Left out of the count")]


def test_a_reviewers_class_appears_once_it_was_given(case: Case) -> None:
    assert "promonocyte</td>" not in html_report(case)
    case.set_label(5, "PRM")
    assert "promonocyte</td>" in html_report(case)


def test_anonymous_pages_name_the_fingerprint_alone(case: Case) -> None:
    page = html_report(case, anonymous=True)
    assert "4711" not in page
    assert case.slide_record.fingerprint[:12] in page


def test_a_reviewed_count_prints_every_figure(case: Case) -> None:
    review_all(case)
    case.set_tag([30], "dysplastic", True)
    page = read(html_report(case)).text
    assert UNRELIABLE_TEXT not in page
    assert "dysplastic: 1 of" in page


def test_an_empty_count_is_a_page(make_case: Callable[..., Case]) -> None:
    assert "0counted of 300" in read(html_report(make_case([]))).text


def test_an_unlike_smear_is_said_before_any_number(case: Case) -> None:
    predictions = case.predictions
    model = ModelReference("measured", "cd" * 32)
    strangeness = np.full(len(predictions), 0.99, np.float32)
    case.model.record_predictions(replace(predictions, model=model, strangeness=strangeness))
    page = html_report(case)
    assert page.index("unlike what the model has learnt") < page.index("counted of 300")
    assert page.count("unlike what the model has learnt") == 2  # and where it says how it was counted
    domain = differential_document(case)["domain"]
    assert (domain["unlike_training"], domain["cells"], domain["strange"]) == (True, 60, 60)
    review_all(case)
    done = html_report(case)
    assert '<p class="unlike">' not in done
    assert unbroken("60 of 60 cells (100 %)") in done


def test_a_bundle_without_statistics_is_said_to_check_nothing(case: Case) -> None:
    assert UNCHECKED_TEXT in read(html_report(case)).text
    assert differential_document(case)["domain"] is None
