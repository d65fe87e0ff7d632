"""Commands about labelled crops before anything is taught with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, Seed, progress, show_json, tell

app = typer.Typer(help="Labelled crops: check them, split them, doubt their labels.", no_args_is_help=True)

Data = Annotated[
    Path,
    typer.Argument(
        help="Folder of crops named by class code, folder of several such, manifest, or reviewed case.",
        metavar="DATA",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder for decoded crops, kept for later runs.", metavar="DIR"),
]


@app.command()
def split(
    data: Data,
    out: Annotated[
        Path,
        typer.Option("--out", help="The split, a table file,part.", metavar="FILE.csv", show_default=False),
    ],
    test: Annotated[float, typer.Option(min=0, max=0.9, help="Share that is never trained on.")] = 0.15,
    calibration: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share that stops the training and sets the temperature.")
    ] = 0.1,
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Split crops once for all runs: patients and near-duplicates together, stratified by source and class.

    Example: napari-bonemarrow dataset split crops/ --out split.csv --test 0.15 --calibration 0.1
    """
    from napari_bonemarrow.training.inspect import split_data

    with progress("Reading") as report:
        table = split_data(data, out, test=test, calibration=calibration, seed=seed, progress=report)
    if as_json:
        show_json(table)
        return
    for source, classes in table["sources"].items():
        parts = [
            sum(counts[part] for counts in classes.values()) for part in ("train", "calibration", "test")
        ]
        tell(f"{source}: {parts[0]} to train, {parts[1]} to calibrate, {parts[2]} to test")
    tell(f"split in {out}")
