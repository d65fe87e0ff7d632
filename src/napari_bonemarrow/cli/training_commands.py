"""Commands that train and evaluate networks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from napari_bonemarrow.cli.common import (
    BUNDLE_HELP,
    AsJson,
    Debug,
    Device,
    NamedScales,
    Seed,
    progress,
    scale_lines,
    scales_by_name,
    show_json,
    tell,
)
from napari_bonemarrow.cli.fit_options import (
    Accumulate,
    BatchSize,
    Cache,
    FoldNumber,
    Init,
    PrecisionOption,
    Preset,
    TeacherOption,
    TensorBoard,
    TuneOption,
    is_first,
    watched,
)

Data = Annotated[
    Path, typer.Argument(help="Crops in folders named by class code, a manifest, or cases.", metavar="DATA")
]


OptionalData = Annotated[
    Path | None,
    typer.Argument(help="Crops in folders named by class code, a manifest, or cases.", metavar="[DATA]"),
]
FromCases = Annotated[
    list[Path] | None,
    typer.Option(
        "--from-cases",
        help="Learn from reviewed cases: a folder or a .bmcase; may be repeated.",
        metavar="DIR",
        rich_help_panel="Fine-tuning",
    ),
]
Base = Annotated[
    Path | None,
    typer.Option(
        "--base",
        help="Crops to mix in, to keep the old skill.",
        metavar="DATA",
        rich_help_panel="Fine-tuning",
    ),
]
Name = Annotated[
    str | None, typer.Option("--name", help="Name of the fine-tuned bundle.", rich_help_panel="Fine-tuning")
]


def train(
    out: Annotated[Path, typer.Option("--out", help="Folder of the run.", metavar="RUN", show_default=False)],
    data: OptionalData = None,
    preset: Preset = "starter",
    architecture: Annotated[str | None, typer.Option(help="Architecture instead of the preset's.")] = None,
    init: Init = None,
    tune: TuneOption = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Number of folds.")] = None,
    fold: FoldNumber = None,
    batch_size: BatchSize = None,
    accumulate: Accumulate = None,
    precision: PrecisionOption = None,
    teacher: TeacherOption = None,
    from_cases: FromCases = None,
    base: Base = None,
    name: Name = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the run's checkpoint.")] = False,
    cache: Cache = None,
    microns_per_pixel: NamedScales = None,
    tensorboard: TensorBoard = False,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option("--seed", help="Random seed.")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fit a network: RUN/bundle/, history.csv, metrics.json, predictions.csv.

    Under torchrun, several processes share each batch. With --fold all, every fold is trained and held out
    once: RUN/fold-I/, and pooled RUN/metrics.json.

    With --from-cases a bundle learns from reviewed cases; a worse one is rejected.

    Example: napari-bonemarrow train crops/ --out runs/first --epochs 20

    Example: napari-bonemarrow train --init starter --from-cases reviewed/ --out runs/ours
    """
    of_fresh = {
        "architecture": architecture,
        "tune": tune,
        "folds": folds,
        "fold": None if fold is None or fold == "all" else int(fold),
        "batch_size": batch_size,
        "accumulate": accumulate,
        "precision": precision,
        "teachers": tuple(teacher) if teacher else None,
        "scales": scales_by_name(microns_per_pixel) or None,
    }
    _check_train(data, from_cases, base, name, (*of_fresh.values(), fold, cache, tensorboard or None))
    from napari_bonemarrow.models import Bundle
    from napari_bonemarrow.training import fine_tune, load_preset, train_folds
    from napari_bonemarrow.training.fitting.interruption import stoppable
    from napari_bonemarrow.training.fitting.run import fit_one, override

    with watched("Epoch") as watch, stoppable(out):
        if from_cases:
            bundle = fine_tune(
                from_cases,
                out,
                init=init or "starter",
                base=base or data,
                config="finetune" if preset == "starter" else preset,
                name=name,
                epochs=epochs,
                resume=resume,
                device=device,
                seed=seed,
                progress=watch.epoch_done,
                tick=watch.tick,
            )
            result: dict[str, object] = {"bundle": str(bundle.path), "sha256": bundle.sha256}
        else:
            assert data is not None
            settings = override(load_preset(preset), {**of_fresh, "init": init, "seed": seed}, epochs)
            if fold == "all":  # like a number, it replaces a fixed split
                settings = settings.changed(split="")
            fit = train_folds if fold == "all" else fit_one
            left = fit(
                data,
                out,
                settings,
                resume=resume,
                device=device,
                cache=cache,
                tensorboard=tensorboard,
                progress=watch.epoch_done,
                tick=watch.tick,
            )
            result = {"bundle": str(left.path), "sha256": left.sha256} if isinstance(left, Bundle) else left
    if not is_first():
        return
    if as_json:
        show_json(result)
    elif fold == "all":
        _tell_scales(out)
        tell(f"pooled figures in {out / 'metrics.json'}")
    else:
        _tell_scales(out)
        tell(f"bundle in {result['bundle']}")


def _tell_scales(out: Path) -> None:
    """Print the scale of a run's images."""
    path = out / "metrics.json"
    if path.is_file():
        for line in scale_lines(json.loads(path.read_text("utf-8"))):
            tell(line)


def _check_train(
    data: Path | None,
    from_cases: list[Path] | None,
    base: Path | None,
    name: str | None,
    of_fresh: tuple[object, ...],
) -> None:
    """Raise an error for incompatible options."""
    if data is None and not from_cases:
        raise typer.BadParameter("name DATA, or --from-cases with reviewed cases")
    if not from_cases and (base or name):
        raise typer.BadParameter("--base and --name belong to --from-cases")
    if from_cases and any(value is not None for value in of_fresh):
        raise typer.BadParameter(
            "--architecture, --tune, --folds, --fold, --batch-size, --accumulate, --precision, --teacher, "
            "--cache, --microns-per-pixel and --tensorboard do not go with --from-cases: its bundle or its "
            "preset has them"
        )
    if from_cases and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise typer.BadParameter("--from-cases works in one process: start it without torchrun")
    if base and data:
        raise typer.BadParameter("name the base data once: DATA or --base")


def evaluate(
    model: Annotated[str, typer.Argument(help=BUNDLE_HELP, metavar="MODEL")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of results.", metavar="DIR", show_default=False)],
    scheme: Annotated[
        str | None, typer.Option(help="bmc21, pbc or choi10; by default recognised by the folders.")
    ] = None,
    tolerant: Annotated[
        bool, typer.Option("--tolerant", help="Also count confusions of neighbouring stages as right.")
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(help="Only images of --part in this table file,part.", metavar="FILE|NAME"),
    ] = None,
    part: Annotated[str, typer.Option(help="test, calibration or train.")] = "test",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most images per class, drawn at random.", metavar="N")
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="Also the figures under another class distribution.",
            metavar="published|estimate|FILE.csv|CODE=F,...",
        ),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Also under changed colour, light, focus, storage, scale.")
    ] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Also how well the background reveals the source.")
    ] = False,
    umap: Annotated[bool, typer.Option("--umap", help="Also the features on a plane: umap.png.")] = False,
    microns_per_pixel: NamedScales = None,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Evaluate a bundle on labelled crops: metrics.json, predictions.csv, table.md, plots.

    Example: napari-bonemarrow evaluate starter crops/ --out figures --split starter-split --prior published
    """
    from napari_bonemarrow.training import evaluate as measure

    with progress("Evaluating") as report:
        metrics = measure(
            model,
            data,
            out,
            scheme=scheme,
            tolerant=tolerant,
            device=device,
            split=split,
            part=part,
            limit=limit,
            prior=prior,
            robust=robust,
            background=background,
            umap=umap,
            seed=seed,
            scales=scales_by_name(microns_per_pixel),
            progress=report,
        )
    if as_json:
        show_json(metrics)
    else:
        for line in scale_lines(metrics):
            tell(line)
        tell(f"results in {out}")
