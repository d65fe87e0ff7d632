"""Commands about labelled crops before training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, Device, Model, Seed, progress, say, show_json, tell

app = typer.Typer(help="Labelled crops: check, split and find doubtful labels.", no_args_is_help=True)

Data = Annotated[
    Path,
    typer.Argument(
        help="Folder of crops named by class code, folder of several such, manifest, or reviewed case.",
        metavar="DATA",
    ),
]
Scheme = Annotated[
    str | None, typer.Option("--scheme", help="bmc21, pbc or choi10; by default recognised by the labels.")
]


@app.command()
def check(
    data: Data,
    split: Annotated[
        str | None,
        typer.Option("--split", help="Also look for groups separated by a split.", metavar="NAME|FILE.csv"),
    ] = None,
    scheme: Scheme = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check labelled crops: counts next to the published ones, damaged, odd and duplicate images.

    Example: napari-bonemarrow dataset check crops/ --split starter-split
    """
    from napari_bonemarrow.cli.dataset_tables import check_lines
    from napari_bonemarrow.training.data.inspection import check as look_at

    with progress("Reading") as report:
        document = look_at(data, split=split, scheme=scheme, progress=report)
    if as_json:
        show_json(document)
    else:
        say(*check_lines(document))


@app.command()
def split(
    data: Data,
    out: Annotated[
        Path,
        typer.Option("--out", help="The split, a table file,part.", metavar="FILE.csv", show_default=False),
    ],
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share that is never trained on.")] = 0.15,
    calibration: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share for early stopping and the temperature.")
    ] = 0.1,
    seed: Seed = 0,
    scheme: Scheme = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Split crops once for all runs: patients and near-duplicates together, stratified by source and class.

    Example: napari-bonemarrow dataset split crops/ --out split.csv --test 0.15 --calibration 0.1
    """
    from napari_bonemarrow.training.data.inspection import split_data

    with progress("Reading") as report:
        table = split_data(
            data, out, test=test, calibration=calibration, seed=seed, scheme=scheme, progress=report
        )
    if as_json:
        show_json(table)
        return
    for source, classes in table["sources"].items():
        train, calibrate, tested = (
            sum(counts[part] for counts in classes.values()) for part in ("train", "calibration", "test")
        )
        tell(f"{source}: {train} to train, {calibrate} to calibrate, {tested} to test")
    tell(f"split in {out}")


@app.command()
def doubts(
    data: Data,
    out: Annotated[
        Path,
        typer.Option("--out", help="Folder of the queue; it is made.", metavar="DIR", show_default=False),
    ],
    model: Model = "starter",
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Judge by the held-out predictions of `train --fold all`.", metavar="RUN"),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Parts of the cross-validation.")] = 5,
    top: Annotated[int, typer.Option(min=1, help="Largest number of crops to queue.")] = 200,
    scheme: Scheme = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Rank crops with doubtful labels by cross-validation: doubts.csv and a review queue for the window.

    Open DIR/doubts.bmcase with `open`, review it with the usual keys, then run `dataset correct`.

    Example: napari-bonemarrow dataset doubts crops/ --out doubts
    """
    from napari_bonemarrow.training.label_review.doubts import find_doubts

    with progress("Doubting") as report:
        found = find_doubts(
            data,
            out,
            model=model,
            run=run,
            folds=folds,
            top=top,
            scheme=scheme,
            device=device,
            seed=seed,
            progress=report,
        )
    if as_json:
        show_json(found)
        return
    for name, counts in found["too_few"].items():
        few = ", ".join(f"{code} {n}" for code, n in counts.items())
        tell(f"{name}: too few images to judge: {few}")
    tell(f"{found['disputed']} of {found['crops']} labels disputed, {found['queued']} queued in {out}")


@app.command()
def correct(
    case: Annotated[
        Path, typer.Argument(help="The reviewed queue of `dataset doubts`.", metavar="doubts.bmcase")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Manifest to write.", metavar="FILE.csv", show_default=False)
    ],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a manifest of all crops with the labels of a queue's reviewer.

    Example: napari-bonemarrow dataset correct doubts/doubts.bmcase --out corrected.csv
    """
    from napari_bonemarrow.training.label_review.review_queue import correct as write_corrected

    counts = write_corrected(case, out)
    if as_json:
        show_json(counts)
        return
    tell(
        f"{counts['corrected']} corrected, {counts['confirmed']} confirmed, {counts['left_out']} left out, "
        f"{counts['waiting']} not reviewed; {counts['crops']} crops in {out}"
    )
