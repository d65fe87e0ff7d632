"""The command that exports cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, complain, progress, show_json, tell
from napari_bonemarrow.report.formats import FORMATS

if TYPE_CHECKING:
    from napari_bonemarrow.report import ReportOptions


def export(
    cases: Annotated[
        list[str],
        typer.Argument(help="Cases (.bmcase), folders or patterns.", metavar="CASE...", show_default=False),
    ],
    format: Annotated[
        str, typer.Option(help=f"{'; '.join(f'{each.key}: {each.what}' for each in FORMATS.values())}.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            help="The file to write. A folder for dicom and crops, and for several cases.",
            metavar="PATH",
            show_default=False,
        ),
    ],
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Name no file of a slide; in fhir and dicom no person.")
    ] = False,
    language: Annotated[
        str, typer.Option("--language", help="Language of html and pdf: en, de.", show_default=False)
    ] = "",
    layout: Annotated[
        str,
        typer.Option(
            "--layout",
            help="Layout of the laboratory for html and pdf.",
            metavar="NAME|FILE",
            show_default=False,
        ),
    ] = "",
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            help="A field of html, pdf and fhir, such as patient=…; kept nowhere. May be repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    montage: Annotated[
        bool | None,
        typer.Option("--montage/--no-montage", help="Pictures of cells in html and pdf.", show_default=False),
    ] = None,
    heatmaps: Annotated[
        bool, typer.Option("--heatmaps", help="Heatmaps beside the critical cells in html and pdf.")
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write reviewed cases as tables, JSON, reports, or for other programs.

    Several cases, or a folder of them, are written into the folder PATH as <stem>.NAME each; one that fails
    is told, and the others go on. xlsx is one workbook of all of them, crops one folder.

    Example: napari-bonemarrow export smear.bmcase --format html --out report.html
    """
    from napari_bonemarrow.report import ReportOptions
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.workflow import export_case, is_one_case

    options = ReportOptions(language, layout, montage, _fields(field))
    only_fields = not heatmaps and options == ReportOptions(fields=options.fields)
    if options != ReportOptions() or heatmaps:
        _check_printed(format, only_fields)
    if not is_one_case(cases):
        if field:
            raise typer.BadParameter("--field is for one case: what is true of one sample is not of another")
        _export_several(cases, format, out, anonymous, options, heatmaps, as_json)
        return
    with Case.open(cases[0], read_only=True) as opened:
        export_case(opened, format, out, anonymous=anonymous, options=options, heatmaps=heatmaps)
        if opened.distrust:
            tell(f"warning: {opened.distrust}")
    if as_json:
        show_json({"out": str(out), "format": format})
    else:
        tell(f"written to {out}")


def _fields(given: list[str] | None) -> dict[str, str]:
    """Return the fields of ``--field``."""
    found: dict[str, str] = {}
    for each in given or ():
        key, equals, value = each.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{each!r} is no field: write KEY=VALUE, such as site=sternum")
        found[key.strip()] = value
    return found


def _check_printed(format: str, only_fields: bool) -> None:
    """Refuse the choices of a printed report for another format, rather than leave them out in silence.

    Fields alone are also for a format that can name the patient.
    """
    if format not in FORMATS or FORMATS[format].printed or (only_fields and FORMATS[format].identified):
        return
    printed = " and ".join(each.key for each in FORMATS.values() if each.printed)
    raise typer.BadParameter(
        f"--language, --layout, --field, --montage and --heatmaps are for {printed}, not for {format}"
    )


def _export_several(
    cases: list[str],
    format: str,
    out: Path,
    anonymous: bool,
    options: ReportOptions,
    heatmaps: bool,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from napari_bonemarrow.cytology.plurals import count_of
    from napari_bonemarrow.workflow import export_cases

    with progress("Exporting") as report:
        done = export_cases(
            cases, format, out, anonymous=anonymous, options=options, heatmaps=heatmaps, progress=report
        )
    for each in done:
        if each.error:
            complain(each.error)
        elif each.distrust:
            tell(f"warning: {each.case}: {each.distrust}")
    written = sum(not each.error for each in done)
    if as_json:
        show_json({"out": str(out), "format": format, "cases": [asdict(each) for each in done]})
    else:
        tell(f"{count_of(written, 'case', of=len(done))} written to {out}")
    if written < len(done):
        raise typer.Exit(1)
