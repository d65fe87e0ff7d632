"""Options and progress of ``train``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bonemarrow.cli.common import progress
from napari_bonemarrow.cytology.durations import duration

if TYPE_CHECKING:
    from napari_bonemarrow.training.fitting.pace import Pace

_RECIPE = "Recipe"
_JOB = "Job"


class Tune(StrEnum):
    """The weights to be fitted."""

    ALL = "all"
    HEAD = "head"
    LORA = "lora"


class Precision(StrEnum):
    """The precision of the network."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def _fold(text: str | None) -> str | None:
    if text is not None and text != "all" and not text.isdigit():
        raise typer.BadParameter(f"'{text}' is not a fold: a number counted from 0, or all")
    return text


Preset = Annotated[
    str, typer.Option("--preset", "--config", help="Preset, or a JSON file like one.", metavar="NAME|FILE")
]
Init = Annotated[
    str | None,
    typer.Option(help="Bundle or published weights to start from, or none.", metavar="NAME|DIR|none"),
]
FoldNumber = Annotated[
    str | None,
    typer.Option("--fold", help="Which of them is held out, from 0; all: each in turn.", callback=_fold),
]
TuneOption = Annotated[Tune | None, typer.Option("--tune", help="Weights to train.", rich_help_panel=_RECIPE)]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size", min=2, help="Images per batch, over all processes.", rich_help_panel=_RECIPE
    ),
]
Accumulate = Annotated[
    int | None, typer.Option("--accumulate", min=1, help="Batches per step.", rich_help_panel=_RECIPE)
]
PrecisionOption = Annotated[
    Precision | None, typer.Option("--precision", help="Precision of the network.", rich_help_panel=_RECIPE)
]
TeacherOption = Annotated[
    list[str] | None,
    typer.Option(
        "--teacher",
        help="Bundle to learn from, in addition to the labels; may be repeated. {fold} stands for the fold.",
        metavar="NAME|DIR",
        rich_help_panel=_RECIPE,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Keep decoded crops there for later runs.", metavar="DIR", rich_help_panel=_JOB
    ),
]
TensorBoard = Annotated[
    bool,
    typer.Option("--tensorboard", help="Also write RUN/tensorboard/.", rich_help_panel=_JOB),
]


def is_first() -> bool:
    """Return whether this process prints for all those started by ``torchrun``."""
    return os.environ.get("RANK", "0") == "0"


class Watch:
    """A display of epochs, speed and time left.

    Parameters
    ----------
    report : callable
        As from `progress`.
    """

    def __init__(self, report: Callable[[int, int, str], None]) -> None:
        self._report = report
        self._last = ""

    def tick(self, pace: Pace) -> None:
        """Show the progress of the present epoch."""
        left = duration(pace.seconds_left)
        speed = f"{pace.images_per_second:.0f} images/s, {left} left"
        self._report(pace.epoch, pace.epochs, ", ".join(part for part in (speed, self._last) if part))

    def epoch_done(self, done: int, total: int, figures: Mapping[str, object]) -> None:
        """Keep an epoch's figures, to show them with the next one's pace."""
        score, loss = figures.get("score"), figures.get("loss")
        numbers = [f"loss {loss:.3f}"] if isinstance(loss, float) else []
        numbers += [f"score {score:.3f}"] if isinstance(score, float) else []
        self._last = ", ".join(numbers)
        if done == total:
            self._report(done, total, self._last)


@contextmanager
def watched(what: str) -> Iterator[Watch]:
    """Show the progress of a fit if this process prints for all."""
    if is_first():
        with progress(what) as report:
            yield Watch(report)
    else:
        yield Watch(lambda _done, _total, _text: None)
