"""Options, progress, results and errors shared by all commands."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_bonemarrow.cytology.lines import one_line

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


class Switches:
    """Options of the whole program."""

    debug = False


def _debug(on: bool) -> bool:
    if on:
        Switches.debug = True
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
        logging.getLogger("napari_bonemarrow").setLevel(logging.DEBUG)
    return on


def _device(name: str) -> str:
    if not _DEVICE.fullmatch(name):
        raise typer.BadParameter(f"'{one_line(name, 60)}' is not a device: auto, cpu, cuda or cuda:N")
    return name


def numbers(text: str | None, names: str) -> tuple[float, ...] | None:
    """Return numbers separated by commas, such as ``X,Y,W,H``.

    Raises
    ------
    typer.BadParameter
        If their number is wrong or one is not a number.
    """
    if text is None:
        return None
    count = names.count(",") + 1
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count or not all(abs(value) < 1e9 for value in values):
        shown = one_line(text, 60)
        raise typer.BadParameter(f"'{shown}' is not {names}: {count} numbers in pixels, separated by commas")
    return values


Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show where an error arose.", callback=_debug, rich_help_panel="Common"),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout.", rich_help_panel="Common")
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto, cpu, cuda or cuda:N.",
        callback=_device,
        rich_help_panel="Common",
        metavar="NAME",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Random seed.", rich_help_panel="Common")]
UnusedSeed = Annotated[
    int,
    typer.Option(
        "--seed",
        help="Accepted so that scripts can pass it to all: nothing is random here.",
        rich_help_panel="Common",
    ),
]
BUNDLE_HELP = "Name or folder of a bundle."
Model = Annotated[str, typer.Option("--model", help="Name or folder of a model bundle.", metavar="NAME|DIR")]
Scale = Annotated[
    float | None,
    typer.Option("--microns-per-pixel", help="The images' scale, if they do not state it.", min=0.01, max=5),
]
AcceptEstimate = Annotated[
    bool,
    typer.Option("--estimate-scale", help="If no scale is known, use the estimate from red cells."),
]
RegionTexts = Annotated[
    list[str] | None,
    typer.Option("--region", help="Only this part, in pixels; may be repeated.", metavar="X,Y,W,H"),
]
Inputs = Annotated[
    list[str], typer.Argument(help="Files, folders or patterns.", metavar="INPUT...", show_default=False)
]
OutFolder = Annotated[
    Path, typer.Option("--out", help="Folder of results; it is made.", metavar="DIR", show_default=False)
]


def _named_scales(texts: list[str] | None) -> list[str] | None:
    for text in texts or ():
        name, equals, number = text.rpartition("=")
        if (equals and not name) or not re.fullmatch(r"\d*\.?\d+", number):
            raise typer.BadParameter(
                f"'{one_line(text, 60)}' is neither F, the µm per pixel of all images, nor NAME=F, those of "
                "one data set"
            )
    return texts


NamedScales = Annotated[
    list[str] | None,
    typer.Option(
        "--microns-per-pixel",
        help="Scale of the images, or of a data set by its name; may be repeated.",
        metavar="F|NAME=F",
        callback=_named_scales,
    ),
]


def scales_by_name(texts: list[str] | None) -> dict[str, float]:
    """Return checked texts of `NamedScales` by name; ``*`` is every other data set."""
    return {name or "*": float(number) for name, _, number in (text.rpartition("=") for text in texts or ())}


def scale_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Return a line on the scale of each data set in ``metrics.json``."""
    for name, each in metrics.get("sources", {}).items():
        scale = each.get("scale")
        if scale is None:
            continue
        images, model = scale["images"], f"{scale['resampled_to']:g}"
        if images is None:
            yield f"{name}: states no scale, so the model's is assumed, {model} µm per pixel"
        else:
            text = " to ".join(f"{value:g}" for value in (images if isinstance(images, list) else [images]))
            yield f"{name}: images at {text} µm per pixel, resampled to the model's {model}"


def show_json(result: Any) -> None:
    """Print a result as JSON, escaped to ASCII, which every terminal can encode."""
    print(json.dumps(result, indent=2, allow_nan=False))


def say(*lines: str) -> None:
    """Print results on stdout, one line each, whatever characters names contain."""
    for line in lines:
        print(one_line(line, None))


def complain(text: str) -> None:
    """Print one line of error on stderr."""
    print(one_line(f"error: {text}"), file=sys.stderr)


def tell(text: str) -> None:
    """Print one line of information on stderr."""
    print(one_line(text), file=sys.stderr)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a command's progress on stderr: a bar in a terminal, else a line per input."""
    if not sys.stderr.isatty():
        yield _plain(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, doing="")

        def report(done: int, total: int, doing: str) -> None:
            bar.update(task, completed=done, total=total, doing=one_line(doing))

        yield report


def _plain(what: str) -> Callable[[int, int, str], None]:
    last = -1

    def report(done: int, total: int, doing: str) -> None:
        nonlocal last
        if done != last and done < total:
            last = done
            tell(f"{what} {done + 1}/{total}: {doing}")

    return report
