"""Commands that teach and test networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, Device, Seed, progress, show_json, tell

Data = Annotated[Path, typer.Argument(help="Folders of crops named by class code.", metavar="DATA")]


def train(
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.", metavar="RUN", show_default=False)],
    config: Annotated[str, typer.Option(help="Preset, or a JSON file like one.")] = "starter",
    architecture: Annotated[str | None, typer.Option(help="Another network than the preset's.")] = None,
    init: Annotated[
        str | None, typer.Option(help="Bundle to start from, or none.", metavar="NAME|DIR|none")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Parts that the data are split into.")] = None,
    fold: Annotated[int | None, typer.Option(min=0, help="Which of them is held out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's checkpoint.")] = False,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option("--seed", help="Of what is drawn at random.")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fit a network: RUN/bundle/, RUN/history.csv, RUN/metrics.json.

    Example: napari-bonemarrow train crops/ --out runs/first --epochs 20
    """
    from napari_bonemarrow.training import train as fit

    with progress("Epoch") as report:

        def epoch_done(done: int, total: int, figures: Mapping[str, object]) -> None:
            numbers = (f"{key} {value:.3f}" for key, value in figures.items() if isinstance(value, float))
            report(done, total, ", ".join(numbers))

        bundle = fit(
            data,
            out,
            config=config,
            architecture=architecture,
            init=init,
            epochs=epochs,
            folds=folds,
            fold=fold,
            resume=resume,
            device=device,
            seed=seed,
            progress=epoch_done,
        )
    if as_json:
        show_json({"bundle": str(bundle.path), "sha256": bundle.sha256})
    else:
        tell(f"bundle in {bundle.path}")


def evaluate(
    model: Annotated[str, typer.Argument(help="Name or folder of a bundle.", metavar="MODEL")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of results.", metavar="DIR", show_default=False)],
    scheme: Annotated[
        str | None, typer.Option(help="bmc21 or pbc; by default told by the folders' names.")
    ] = None,
    tolerant: Annotated[
        bool, typer.Option("--tolerant", help="Also count confusions of neighbouring stages as right.")
    ] = False,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure a bundle on labelled crops: metrics.json, predictions.csv, confusion.png, table.md.

    Example: napari-bonemarrow evaluate starter crops/ --out figures --tolerant
    """
    from napari_bonemarrow.training import evaluate as measure

    with progress("Evaluating"):
        metrics = measure(model, data, out, scheme=scheme, tolerant=tolerant, device=device)
    if as_json:
        show_json(metrics)
    else:
        tell(f"results in {out}")
