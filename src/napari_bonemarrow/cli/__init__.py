"""The console script ``napari-bonemarrow``: one thin function per command.

A command imports its dependencies when it runs, so that ``--help`` is fast.
"""

from __future__ import annotations

import os
import sys
from typing import Any, cast

import typer

from napari_bonemarrow.cli import (
    bundle_commands,
    case_commands,
    dataset_commands,
    export_commands,
    profile_commands,
    record_commands,
    reviewer_commands,
    teaching_commands,
    training_commands,
    window_commands,
)
from napari_bonemarrow.cli.common import Switches, complain, say
from napari_bonemarrow.cytology.statements import RESEARCH_USE

_HELP = f"""Differential counts of bone-marrow smears. {RESEARCH_USE}.

Without a command the window opens."""

app = typer.Typer(
    name="napari-bonemarrow",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(window_commands.demo)
app.command(name="open")(window_commands.open_)
app.command()(case_commands.count)
app.command()(case_commands.detect)
app.command()(case_commands.classify)
app.command()(case_commands.explain)
app.command()(training_commands.train)
app.command()(training_commands.evaluate)
app.add_typer(bundle_commands.app, name="models")
app.add_typer(dataset_commands.app, name="dataset")
app.command()(export_commands.export)
app.command(name="import")(record_commands.import_)
app.command()(teaching_commands.learn)
app.command()(teaching_commands.sample)
app.command()(record_commands.verify)
app.command()(record_commands.agreement)
app.command()(record_commands.combine)
app.add_typer(profile_commands.app, name="profiles")
app.add_typer(reviewer_commands.app, name="reviewers")


_INTERRUPTED = 130
"""Exit code of typer on Ctrl-C."""

_UsageError = cast(
    type[Exception],
    next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"),
)
"""Errors of wrong usage: click's own, or those of the copy of click in newer versions of typer."""


def _version(show: bool) -> None:
    if show:
        from napari_bonemarrow import __version__

        say(f"napari-bonemarrow {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, help=_HELP)
def _main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Say which version this is.", callback=_version),
) -> None:
    """Open the window where no command is given."""
    if context.invoked_subcommand is None:
        window_commands.open_window_with([])


def main() -> None:
    """Run the command line: exit 0 done, 1 failed with one line, 2 wrong usage."""
    try:
        # Typer would print a framed error with the raw command line.
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:
            complain("stopped")
        sys.exit(code)
    except _UsageError as error:
        _complain_of_usage(error)
        sys.exit(2)
    except typer.Abort:  # end of input at a question
        complain("stopped")
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has closed it
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        sys.exit(1)
    except Exception as error:
        if Switches.debug:
            raise
        complain(_one_line(error))
        sys.exit(1)


def _complain_of_usage(error: Any) -> None:
    """Print one line about wrong usage and the command's help."""
    if type(error).__name__ == "NoArgsIsHelpError":  # help was printed instead
        return
    context = error.ctx if hasattr(error, "ctx") else None
    where = f"; see {context.command_path} --help" if context is not None else ""
    complain(f"{error.format_message().rstrip('. ')}{where}")


def _one_line(error: Exception) -> str:
    from napari_bonemarrow.cytology import BoneMarrowError

    if isinstance(error, BoneMarrowError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory: close other programs, or work on fewer or smaller images"
    return f"unexpected {type(error).__name__}: {error}: run it again with --debug to see where"
