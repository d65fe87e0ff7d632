"""The PDF holds what the page holds, as an archive and a screen reader need it, and never runs a text."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.report import ReportError, ReportOptions, export
from napari_bonemarrow.report.page.contents import Picture, ReportPage
from napari_bonemarrow.report.page.language import NO_BREAK
from napari_bonemarrow.report.page.page import gather_report
from napari_bonemarrow.report.page.pdf import pdf_of, pictures_of
from napari_bonemarrow.review import Case

WHEN = datetime(2026, 2, 3, 4, 5, tzinfo=UTC)


def pages_of(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def texts_of(value: Any) -> list[str]:
    """Return every text of a page, without the pictures."""
    if isinstance(value, Picture) or value is None:
        return []
    if is_dataclass(value):
        return [text for each in fields(value) for text in texts_of(getattr(value, each.name))]
    if isinstance(value, tuple):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


def squeezed(text: str) -> str:
    """Return a text without blanks and hyphens, which a line break may add or take."""
    return re.sub(r"[\s\ufffe\xad-]", "", text)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_text_of_the_page_is_printed(drawn: Case, language: str) -> None:
    options = ReportOptions(
        language=language, made=WHEN, fields={"patient": "Ann <*1960*> #set\n„Ü“", "comment": "*now* #x"}
    )
    gathered = gather_report(drawn, options=options)
    page = gathered.completed()
    printed = squeezed(" ".join(pages_of(pdf_of(gathered))))
    unprinted = {page.language, page.page_of, *(row.bar.alt for row in page.table.rows if row.bar)}
    unprinted |= {row.bar.color for row in page.table.rows if row.bar}
    missing = {
        text
        for whole in texts_of(page)
        if whole not in unprinted
        for text in whole.split("\n")
        if squeezed(text) not in printed
    }
    assert missing == set()


def test_research_use_stands_once_on_every_page(drawn: Case) -> None:
    pages = pages_of(pdf_of(gather_report(drawn, options=ReportOptions(made=WHEN))))
    assert 1 <= len(pages) <= 2
    assert [page.count(RESEARCH_USE) for page in pages] == [1] * len(pages)
    assert f"page 1 of {len(pages)}" in pages[0]


def test_a_count_without_pictures_is_one_page(drawn: Case) -> None:
    options = ReportOptions(made=WHEN, montage=False)
    assert len(pages_of(pdf_of(gather_report(drawn, options=options)))) == 1


def test_it_is_an_archive_pdf_with_tags_title_and_language(drawn: Case) -> None:
    data = pdf_of(gather_report(drawn, options=ReportOptions(made=WHEN, language="de")))
    metadata = data[data.index(b"<x:xmpmeta") : data.index(b"</x:xmpmeta>")].decode()
    assert re.search(r"<pdfaid:part>2</pdfaid:part>", metadata)
    assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>", metadata)
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>", metadata)
    assert "Differentialzählung" in metadata
    assert b"/StructTreeRoot" in data
    assert re.search(rb"/Lang ?\(de", data)


def test_a_report_of_one_time_has_the_same_bytes(drawn: Case) -> None:
    one, other = (pdf_of(gather_report(drawn, options=ReportOptions(made=WHEN))) for _ in range(2))
    assert one == other


def test_the_preview_shows_the_same_pages(drawn: Case) -> None:
    gathered = gather_report(drawn, options=ReportOptions(made=WHEN))
    shown = pictures_of(gathered, 40)
    assert len(shown) == len(pages_of(pdf_of(gathered)))
    assert all(each.startswith(b"\x89PNG") for each in shown)


def test_no_identity_is_kept(drawn: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = drawn.history.last.seq
    options = ReportOptions(fields={"patient": "Zyxwvut", "requester": "Qponmlk"})
    export(drawn, "pdf", tmp_path / "a.pdf", options=options)
    export(drawn, "html", tmp_path / "a.html", options=options)
    assert "Zyxwvut" in (tmp_path / "a.html").read_text("utf-8")
    assert drawn.history.last.seq == lines
    kept = b"".join(path.read_bytes() for path in drawn.path.parent.iterdir())
    assert not any(word in kept or word.decode() in caplog.text for word in (b"Zyxwvut", b"Qponmlk"))


def test_an_unknown_field_is_an_error(drawn: Case, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="weight: no such field"):
        export(drawn, "pdf", tmp_path / "a.pdf", options=ReportOptions(fields={"weight": "1"}))
    assert not (tmp_path / "a.pdf").exists()


def test_the_page_is_whole_before_it_is_rendered(drawn: Case) -> None:
    page = gather_report(drawn).completed()
    assert isinstance(page, ReportPage)
    assert {each.code for each in page.table.rows if each.bar is None} == set()


@pytest.mark.parametrize("lines", [1, 6, 11])
def test_the_heading_of_the_pictures_stays_with_them(drawn: Case, lines: int) -> None:
    options = ReportOptions(language="de", made=WHEN, fields={"comment": "\n".join("x" * lines)})
    gathered = gather_report(drawn, options=options)
    montage = gathered.completed().montage
    assert montage is not None
    first = montage.classes[0]
    [page] = [page for page in pages_of(pdf_of(gathered)) if montage.title in page]
    assert f"{first.code} {first.name} {first.number}" in page.partition(montage.title)[2]


def test_a_number_stays_with_its_sign(drawn: Case) -> None:
    page = gather_report(drawn, options=ReportOptions(language="de", made=WHEN)).completed()
    texts = texts_of(page)
    assert any(f"5{NO_BREAK}%" in text for text in texts)
    assert any(f"2–4{NO_BREAK}:{NO_BREAK}1" in text for text in texts)
    assert not [text for text in texts if re.search(r"\d %|\d : \d", text)]
