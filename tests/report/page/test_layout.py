"""Layouts of laboratories: read with errors by line, and every text printed as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from napari_bonemarrow.report import ReportError, ReportOptions, html_report
from napari_bonemarrow.report.page.layout_files import layouts, read_layout
from napari_bonemarrow.report.page.page import gather_report, report_page
from napari_bonemarrow.report.page.pdf import pdf_of
from napari_bonemarrow.review import Case
from napari_bonemarrow.system.home import home
from tests.report.page.test_pdf import pages_of

WHOLE = """\
laboratory: "Haus „Nord“ <b>#1</b>"
address: ["*Str.* 1", "12345 Ort"]
logo: logo.png
language: de
references: none
montage: false
fields:
  - key: patient
  - key: site
    when_empty: true
  - key: iron_stain
    label: "Eisen $x$"
  - key: ward
    label: Station
    identity: true
"""


def layout(folder: Path, text: str) -> str:
    path = folder / "own.yaml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.fixture
def whole(tmp_path: Path) -> str:
    Image.new("RGB", (40, 20), "green").save(tmp_path / "logo.png")
    return layout(tmp_path, WHOLE)


def test_a_layout_prints_its_head_its_fields_and_its_language(whole: str, case: Case) -> None:
    options = ReportOptions(layout=whole, fields={"ward": "7 <i>", "iron_stain": "++"})
    page = report_page(case, options=options)
    assert (page.laboratory.name, page.laboratory.address[0]) == ("Haus „Nord“ <b>#1</b>", "*Str.* 1")
    assert [(each.label, each.text) for each in page.identity] == [("Station", "7 <i>")]
    assert [(each.label, each.text) for each in page.findings] == [
        ("Entnahmestelle", ""),
        ("Eisen $x$", "++"),
    ]
    assert page.heading.startswith("Differentialzählung")
    assert page.montage is None
    assert page.table.headings.reference == ""
    text = pages_of(pdf_of(gather_report(case, options=options)))[0]
    assert all(each in text for each in ("Haus „Nord“ <b>#1</b>", "*Str.* 1", "Eisen $x$", "7 <i>"))
    html = html_report(case, options=options)
    assert "<b>#1</b>" not in html
    assert "data:image/png;base64," in html


def test_choices_for_one_report_rule_over_the_layout(whole: str, case: Case) -> None:
    page = report_page(case, options=ReportOptions(layout=whole, language="en", montage=True))
    assert page.heading.startswith("Differential count")
    assert page.montage is not None


def test_a_named_layout_lies_in_the_home(case: Case) -> None:
    folder = home() / "layouts"
    folder.mkdir(parents=True)
    (folder / "north.yaml").write_text("laboratory: North\n", "utf-8")
    assert layouts() == ("north",)
    assert report_page(case, options=ReportOptions(layout="north")).laboratory.name == "North"
    with pytest.raises(ReportError, match="one of north"):
        read_layout("south")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "laboratory: A\nlogos: x.png\n",
            r"own.yaml, line 2: logos: is not a field: fields here are laboratory",
        ),
        ("fields:\n  - key: site\n  - key: Site\n", r"line 3: fields\.1\.key: 'Site'"),
        ("fields:\n  - key: weight\n", r"line 2: .*weight is a field of your own: give it a label"),
        ("fields:\n  - key: site\n  - key: site\n", "the field site occurs twice"),
        ("montage: perhaps\n", "line 1: montage: 'perhaps'"),
        ("laboratory: [\n", "line 2: is not YAML"),
        ("", "is empty"),
        ("laboratory: &a x\naddress: [*a]\n", "line 1: anchors"),
    ],
)
def test_a_wrong_layout_names_line_and_field(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(ReportError, match=match):
        read_layout(layout(tmp_path, text))


@pytest.mark.parametrize("name", ["../north", "", "north\0", "C:north", "nowhere.yaml"])
def test_a_name_is_no_way_out_of_the_folder(name: str) -> None:
    with pytest.raises(ReportError, match="no such layout"):
        read_layout(name)


def test_a_logo_must_be_there_and_be_a_picture(tmp_path: Path, case: Case) -> None:
    def page(logo: str) -> None:
        report_page(case, options=ReportOptions(layout=layout(tmp_path, f"logo: {logo}\n")))

    with pytest.raises(ReportError, match="logo of the layout is not there"):
        page("gone.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ReportError, match="no picture"):
        page("text.png")
    (tmp_path / "run.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>'
    )
    with pytest.raises(ReportError, match="script or a link"):
        page("run.svg")
    (tmp_path / "far.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="http://x/y.png"/></svg>'
    )
    with pytest.raises(ReportError, match="script or a link"):
        page("far.svg")
    (tmp_path / "good.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    )
    page("good.svg")


def test_a_template_of_ones_own_prints_the_data_and_its_error_names_the_line(
    tmp_path: Path, case: Case
) -> None:
    template = tmp_path / "own.typ"
    start = (
        '#let page = json("report.json")\n#set document(title: page.heading)\n#set text(lang: page.lang)\n'
    )
    template.write_text(start + "= OWN #page.basis\n", "utf-8")
    options = ReportOptions(layout=layout(tmp_path, "template: own.typ\n"), montage=False)
    assert pages_of(pdf_of(gather_report(case, options=options)))[0].startswith("OWN 2 of")
    template.write_text(start + "\n#page.nothing\n", "utf-8")
    with pytest.raises(ReportError, match=r"own\.typ: line 5: .*nothing") as told:
        pdf_of(gather_report(case, options=options))
    assert "\n" not in str(told.value)
    template.write_text(start + '\n#read("/etc/passwd")\n', "utf-8")
    with pytest.raises(ReportError, match="line 5"):
        pdf_of(gather_report(case, options=options))


def test_an_own_catalogue_may_be_of_any_language(tmp_path: Path, case: Case) -> None:
    (tmp_path / "fr.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Notes"\nmsgstr "Remarques"\n',
        "utf-8",
    )
    page = report_page(
        case,
        options=ReportOptions(layout=layout(tmp_path, "language: fr\ncatalogue: fr.po\n"), montage=False),
    )
    assert page.notes_title == "Remarques"
    assert page.language == "fr"
    assert page.banners[-1].kind == "untranslated"
    assert "texts of this report are not translated" in page.banners[-1].title
