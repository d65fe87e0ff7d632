"""What every format must keep to: names hidden, doubts told, blind readings blind, odd counts written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from napari_bonemarrow.report import FORMATS, export
from napari_bonemarrow.review import Case
from tests.report.test_record import review_all

FILES = [name for name, each in FORMATS.items() if each.name]
"""Formats of one file; folders have tests of their own."""
OF_CELLS = [name for name in FILES if name != "tally"]


def content(case: Case, name: str, path: Path, anonymous: bool = False) -> str:
    """Return all text of an export, of the parts of a workbook too."""
    export(case, name, path, anonymous=anonymous)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            return "".join(parts.read(part).decode("utf-8") for part in parts.namelist())
    data = path.read_bytes()
    found = data.decode("utf-8", errors="replace")
    return found + pdf_text(data) if data.startswith(b"%PDF") else found


def pdf_text(data: bytes) -> str:
    """Return the text on the pages of a PDF, on one line, and its title."""
    document = pypdfium2.PdfDocument(data)
    try:
        text = " ".join(page.get_textpage().get_text_range() for page in document)
        return " ".join(text.split()) + str(document.get_metadata_dict())
    finally:
        document.close()


@pytest.mark.parametrize("name", FILES)
def test_an_anonymous_export_names_no_file(case: Case, tmp_path: Path, name: str) -> None:
    found = content(case, name, tmp_path / "out", anonymous=True)
    assert len(found) > 100
    assert not any(word in found for word in ("4711", "Müller", "M&#252;ller"))


@pytest.mark.parametrize("name", OF_CELLS)
def test_a_case_that_must_not_be_relied_on_says_so(distrusted: Case, tmp_path: Path, name: str) -> None:
    assert "Do not rely on this case" in content(distrusted, name, tmp_path / "out")


@pytest.mark.parametrize("name", OF_CELLS)
def test_a_blind_reading_names_neither_model_nor_first_class(case: Case, tmp_path: Path, name: str) -> None:
    review_all(case)
    case.readings.begin_second("Dr B")
    assert "tiny" not in content(case, name, tmp_path / "out")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "codes", [[], ["ART"] * 3, ["BLA"] * 3], ids=("no cell", "none counted", "one class")
)
def test_odd_counts_are_written(
    make_case: Callable[..., Case], tmp_path: Path, name: str, codes: list[str]
) -> None:
    case = make_case(codes)
    for number in range(2):
        export(case, name, tmp_path / f"out{number}")
        assert (tmp_path / f"out{number}").stat().st_size
        review_all(case)
