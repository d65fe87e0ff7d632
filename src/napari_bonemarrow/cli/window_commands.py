"""Commands that open napari."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, Device, progress, show_json, tell
from napari_bonemarrow.gui.splash import Splash

_OUT = Path("demo-output")
"""Default folder of the sample; with a window it is kept with the user's data."""


def demo(
    screenshot: Annotated[
        Path | None, typer.Option(help="Write a screenshot of the window and close it.", metavar="FILE.png")
    ] = None,
    no_window: Annotated[bool, typer.Option("--no-window", help="Do the same without a display.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sample and its count.", metavar="DIR")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find, classify, explain and count the drawn sample smear.

    Example: napari-bonemarrow demo --no-window
    """
    if no_window and screenshot is not None:
        raise typer.BadParameter(
            "a screenshot needs the window: leave out one of --screenshot and --no-window"
        )
    if not no_window:
        need_qt()
        need_display()
        with Splash(wanted=screenshot is None) as splash:
            from napari_bonemarrow.gui.launch import run_demo

            run_demo(screenshot=screenshot, out=out, splash=splash)
        return
    from napari_bonemarrow.workflow import run_sample

    with progress("Counting the sample") as report:
        result = run_sample(out or _OUT, device=device, progress=report)
    if as_json:
        show_json(result.to_dict())
        return
    _show(result.differential)
    tell(f"results in {result.folder}")


def open_(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Fields, slides or cases; none opens the window alone.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Open napari with the panel, and with slides or cases if given.

    Example: napari-bonemarrow open field.png
    """
    open_window_with(paths or [])


def open_window_with(paths: Sequence[Path]) -> None:
    """Open the window, with a message before napari is imported.

    Raises
    ------
    BoneMarrowError
        If a path does not exist, or there is no display.
    """
    for path in paths:
        if not path.exists():
            from napari_bonemarrow.cytology import BoneMarrowError

            raise BoneMarrowError(f"{path}: there is no such file: check the path")
    need_qt()
    need_display()
    with Splash() as splash:
        from napari_bonemarrow.gui.launch import open_window

        open_window(paths, splash=splash)


def need_display() -> None:
    """Raise an error if no window can be shown: Qt itself would end the process with a core dump.

    Raises
    ------
    BoneMarrowError
        If there is no display.
    """
    seen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform.startswith("linux") and not seen:
        from napari_bonemarrow.cytology import BoneMarrowError

        raise BoneMarrowError(
            "no display: the window needs a desktop; without one there is `napari-bonemarrow count`, and "
            "`napari-bonemarrow --help` lists what else there is"
        )


def need_qt() -> None:
    """Raise an error if there is no Qt binding, without importing it.

    Raises
    ------
    BoneMarrowError
        If there is none.
    """
    if not any(importlib.util.find_spec(name) for name in ("PyQt6", "PySide6", "PyQt5", "PySide2")):
        from napari_bonemarrow.cytology import BoneMarrowError

        raise BoneMarrowError(
            "the window needs Qt, which is not installed: pip install 'napari-bonemarrow[all]'"
        )


def _show(differential: object) -> None:
    """Print a differential as a table."""
    from rich.console import Console

    from napari_bonemarrow.cli.terminal_tables import differential_table
    from napari_bonemarrow.cytology import Differential

    assert isinstance(differential, Differential)
    Console().print(differential_table(differential))
