"""Commands about fields, cells and cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bonemarrow.cli.common import (
    AcceptEstimate,
    AsJson,
    Debug,
    Device,
    Inputs,
    Model,
    OutFolder,
    RegionTexts,
    Scale,
    Seed,
    UnusedSeed,
    complain,
    numbers,
    progress,
    say,
    show_json,
    tell,
)
from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.models.explanation.methods import DEFAULT_METHOD, METHODS

if TYPE_CHECKING:
    from napari_bonemarrow.cytology import Region
    from napari_bonemarrow.report import SummaryRow


def count(
    inputs: Inputs,
    out: OutFolder,
    model: Model = "starter",
    microns_per_pixel: Scale = None,
    estimate_scale: AcceptEstimate = False,
    target: Annotated[int | None, typer.Option(help=f"Cells to count.  [default: {TARGET}]", min=1)] = None,
    region: RegionTexts = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Count all of a slide over 2 mm², not only its best regions.")
    ] = False,
    together: Annotated[
        bool, typer.Option("--together", help="Each folder holds the fields of one case.")
    ] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Name results and cases by fingerprint, not by file.")
    ] = False,
    head: Annotated[
        str,
        typer.Option("--head", help="Laboratory head to predict with; see `learn`.", metavar="NAME|none"),
    ] = "none",
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            help="Counting profile; see `profiles`.  [default: the case's, else ICSH 2008]",
            metavar="NAME|FILE",
        ),
    ] = "",
    sample: Annotated[
        bool, typer.Option("--sample", help="Begin a sample review in each new case; see `sample`.")
    ] = False,
    reviewer: Annotated[str, typer.Option(help="Name for the journal.  [default: your user name]")] = "",
    device: Device = "auto",
    seed: UnusedSeed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find, classify and count the cells of fields and slides, without a window.

    On a slide over 2 mm² the best regions are counted, as many as the target needs.
    Writes DIR/<stem>/ with cells.csv, differential.json, report.html and the case, and DIR/summary.csv.
    An existing case is continued.

    Example: napari-bonemarrow count smears/ --out counts --microns-per-pixel 0.05
    """
    from napari_bonemarrow.workflow import CountOptions, count_inputs, default_reviewer

    if whole and region:
        raise typer.BadParameter("--whole and --region exclude each other: give one of them")
    options = CountOptions(
        model=model,
        microns_per_pixel=microns_per_pixel,
        estimate_scale=estimate_scale,
        target=target,
        regions=_regions(region),
        whole=whole,
        together=together,
        anonymous=anonymous,
        head=head,
        profile=profile,
        sample=sample,
        reviewer=reviewer,
    )
    if not reviewer:
        tell(f"The journal names {default_reviewer()}, who is logged in; --reviewer names another.")
    with progress("Counting") as report:
        rows = count_inputs(inputs, out, options, device=device, progress=report)
    _finish(rows, out / "summary.csv", as_json)


def detect(
    inputs: Inputs,
    out: OutFolder,
    microns_per_pixel: Scale = None,
    estimate_scale: AcceptEstimate = False,
    region: RegionTexts = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Name results by fingerprint, not by file.")
    ] = False,
    device: Annotated[
        str,
        typer.Option("--device", help="Accepted for consistency: detection runs on the CPU.", metavar="NAME"),
    ] = "auto",
    seed: UnusedSeed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find nucleated cells without classifying them: DIR/<stem>/cells.csv.

    Example: napari-bonemarrow detect field.png --out found --microns-per-pixel 0.05
    """
    from napari_bonemarrow.workflow import detect_inputs

    with progress("Finding cells") as report:
        rows = detect_inputs(
            inputs,
            out,
            microns_per_pixel=microns_per_pixel,
            estimate_scale=estimate_scale,
            regions=_regions(region),
            anonymous=anonymous,
            progress=report,
        )
    _finish(rows, out, as_json)


def classify(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Images of single cells, folders or patterns.", metavar="FOLDER|IMAGE..."),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The table to write.", metavar="FILE.csv", show_default=False)
    ],
    model: Model = "starter",
    microns_per_pixel: Scale = None,
    device: Device = "auto",
    seed: UnusedSeed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Classify images of single cells, one row per image.

    Each is resampled to the model's scale from its own: the given one, else the one in its file. Without
    either, the model's scale is assumed.

    Example: napari-bonemarrow classify crops/ --out classes.csv --microns-per-pixel 0.05
    """
    from napari_bonemarrow.workflow import classify_crops

    with progress("Classifying") as report:
        failed = classify_crops(
            inputs,
            out,
            model=model,
            microns_per_pixel=microns_per_pixel,
            device=device,
            progress=report,
            on_scales=tell,
        )
    for _file, error in failed:
        complain(error)
    if as_json:
        show_json({"out": str(out), "failed": [{"file": file, "error": error} for file, error in failed]})
    else:
        tell(f"classes in {out}")
    if failed:
        raise typer.Exit(1)


def explain(
    path: Annotated[Path, typer.Argument(help="A field, a case, or an image of one cell.", metavar="INPUT")],
    out: OutFolder,
    cell: Annotated[int | None, typer.Option(help="Number of the cell.", metavar="ID")] = None,
    at: Annotated[str | None, typer.Option(help="Its place instead, in pixels.", metavar="X,Y")] = None,
    field: Annotated[
        int | None,
        typer.Option(
            help="In a folder of fields: the field of X,Y, from 1, as in cells.csv.",
            metavar="N",
        ),
    ] = None,
    method: Annotated[str, typer.Option(help=f"{' or '.join(METHODS)}.")] = DEFAULT_METHOD,
    target: Annotated[
        str | None, typer.Option(help="Class to explain; the predicted one.", metavar="CODE")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Class to compare with.", metavar="CODE")] = None,
    model: Model = "starter",
    microns_per_pixel: Scale = None,
    estimate_scale: AcceptEstimate = False,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Explain a cell's class by a heatmap: a float32 .npy and a .png over the cell.

    Example: napari-bonemarrow explain field.png --at 812,640 --microns-per-pixel 0.05 --out why
    """
    from napari_bonemarrow.workflow import Question, explain_input

    point = numbers(at, "X,Y")
    question = Question(
        cell=cell,
        at=None if point is None else (point[0], point[1]),
        field=field,
        method=method,
        target=target,
        against=against,
        seed=seed,
    )
    result = explain_input(
        path,
        out,
        question,
        model=model,
        microns_per_pixel=microns_per_pixel,
        estimate_scale=estimate_scale,
        device=device,
    )
    if as_json:
        show_json(result.to_dict())
    else:
        say(f"{result.predicted} {result.confidence:.2f}; heatmap of {result.target} in {result.overlay}")


def _regions(texts: list[str] | None) -> tuple[Region, ...]:
    from napari_bonemarrow.cytology import Region

    regions = []
    for text in texts or ():
        values = numbers(text, "X,Y,W,H")
        if values is None or values[2] <= 0 or values[3] <= 0:
            raise typer.BadParameter(f"'{text}' has no area: the last two numbers are its width and height")
        regions.append(Region(*values))
    return tuple(regions)


def _finish(rows: Sequence[SummaryRow], where: Path, as_json: bool) -> None:
    """Show the results of the inputs; exit 1 if any failed."""
    from napari_bonemarrow.cytology.plurals import count_of

    for row in rows:
        if not row.ok:
            complain(row.error)
        elif row.differential is not None and row.differential.unlike_text:
            tell(f"{row.input}: {row.differential.unlike_text}")
    if as_json:
        show_json({"out": str(where), "inputs": [row.values() for row in rows]})
    else:
        done = [row for row in rows if row.ok]
        cells = sum(row.found for row in done)
        tell(
            f"{count_of(len(done), 'input', of=len(rows))} done, {count_of(cells, 'cell')} found; "
            f"results in {where}"
        )
    if any(not row.ok for row in rows):
        raise typer.Exit(1)
