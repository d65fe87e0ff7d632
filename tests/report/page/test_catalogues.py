"""Every text of a report is translated, and a translation says no other values than its text."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.pofile import read_po

from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.report import ReportError
from napari_bonemarrow.report.page.language import (
    first_of,
    language,
    placeholders_differ,
    read_catalogue,
    shipped,
)

TOOL = Path(__file__).parents[3] / "tools" / "write_catalogues.py"
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_catalogues", TOOL)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_catalogues_are_as_extracted_from_the_code(tool: ModuleType) -> None:
    for path, text in tool.catalogues().items():
        assert path.read_text("utf-8") == text, "make catalogues"


def test_every_text_has_a_translation_with_the_same_values(tool: ModuleType) -> None:
    texts = {first_of(each.id) for each in tool.template() if each.id}
    assert {"{n} not", "blast", "Auer rod", "Not signed.", "plasma cell", "{percent:.1f} %"} <= texts
    for path in tool.catalogues():
        with path.open("rb") as file:
            catalogue = read_po(file)
        said = {first_of(each.id): each for each in catalogue if each.id}
        assert set(said) == texts
        for text, entry in said.items():
            assert entry.string, text
            assert all(entry.string), text
            assert not placeholders_differ(entry.id, entry.string), text


def test_the_shipped_languages_are_those_with_a_catalogue(tool: ModuleType) -> None:
    assert {path.parent.parent.name for path in tool.catalogues()} | {"en"} == set(shipped())


def test_a_language_formats_numbers_and_times() -> None:
    german, english = language("de"), language("en")
    assert (german.number(3.14159, 2), english.number(3.14159, 2)) == ("3,14", "3.14")
    assert (german.whole(1234), english.whole(1234)) == ("1.234", "1,234")
    assert german.say(message("all {total:,} reviewed", total=1234)) == "alle 1.234 geprüft"
    assert german.time("2026-02-03T04:05:06.000Z") == "03.02.2026 04:05 UTC"
    assert english.time("2026-02-03T04:05:06.000Z") == "2026-02-03 04:05 UTC"
    assert language("de-CH").say("plasma cell") == "Plasmazelle"
    assert (german.decimal, language("de-CH").decimal) == (",", ".")


def test_names_of_people_are_not_missed_translations() -> None:
    german = language("de")
    assert german.say("Ada Muster") == "Ada Muster"
    assert german.missed == ()


def test_an_unknown_language_says_which_there_are() -> None:
    with pytest.raises(ReportError, match="choose en or de"):
        language("fr")
    with pytest.raises(ReportError, match="is no language"):
        language("klingon!")


def test_what_a_catalogue_lacks_stays_english_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "fr.po"
    path.write_text(HEAD + 'msgid "blast"\nmsgstr "blaste"\n', "utf-8")
    french = language("fr", path)
    assert [french.say(text) for text in ("blast", "monocyte", "monocyte")] == [
        "blaste",
        "monocyte",
        "monocyte",
    ]
    assert french.missed == ("monocyte",)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('msgid "{n} not"\nmsgstr "{x.__class__} non"\n', "line 5: .*placeholders"),
        ('msgid "{n} not"\nmsgstr "{n"\n', "placeholders"),
        ("nonsense\n", "no catalogue"),
    ],
)
def test_a_wrong_catalogue_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "fr.po"
    path.write_text(HEAD + text, "utf-8")
    with pytest.raises(ReportError, match=match):
        read_catalogue(path)
    with pytest.raises(ReportError, match="cannot be read"):
        read_catalogue(tmp_path / "none.po")
