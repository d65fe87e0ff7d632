"""Commands about counting profiles: rules, targets and reference ranges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, complain, say, show_json, tell

if TYPE_CHECKING:
    from napari_bonemarrow.cytology.profiles import CountingProfile

app = typer.Typer(
    help="Counting profiles: what is counted, grouped and left out, targets, reference ranges.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the counting profiles of the program and of the laboratory.

    Example: napari-bonemarrow profiles list
    """
    from napari_bonemarrow.cytology.profiles import listed_profiles, profiles_folder

    listed = listed_profiles()
    if as_json:
        entries = [
            {
                "name": each.profile.name if each.profile else None,
                "version": each.profile.version if each.profile else None,
                "built_in": each.own,
                "file": str(each.path),
                "error": each.error or None,
            }
            for each in listed
        ]
        show_json({"profiles": entries, "folder": str(profiles_folder())})
    else:
        for each in listed:
            if each.profile is not None:
                say(each.profile.title + ("" if each.own else f" ({each.path.name})"))
        tell(f"A laboratory adds its own as .yaml files in {profiles_folder()}.")
    wrong = [each.error for each in listed if each.error]
    for error in wrong:
        complain(error)
    if wrong:
        raise typer.Exit(1)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name or file of a profile.", metavar="NAME|FILE")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a counting profile: each rule and range that a count prints.

    Example: napari-bonemarrow profiles show "ICSH 2008"
    """
    from napari_bonemarrow.cytology.profiles import profile

    found = profile(name)
    if as_json:
        show_json(found.to_json())
        return
    say(*_lines(found))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A profile's YAML file.", metavar="FILE")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Check a laboratory's counting profile; an error names line and field.

    Example: napari-bonemarrow profiles check our-laboratory.yaml
    """
    from napari_bonemarrow.cytology.profiles import read_profile

    found = read_profile(file)
    if as_json:
        show_json({"ok": True, "name": found.name, "version": found.version})
        return
    say(f"{file.name}: {found.title} can be used")


def _lines(profile: CountingProfile) -> Iterator[str]:
    """Return a profile in words, a line each."""
    rules = profile.rules
    yield profile.title
    if profile.source:
        yield f"source: {profile.source}"
    yield f"cells to count: {profile.target}, at least {profile.minimum}"
    yield f"left out of the count: {' '.join(rules.excluded) or 'none'}"
    yield rules.blast_definition
    yield f"M:E is {rules.me_definition}"
    yield f"eosinophils: {' '.join(rules.eosinophils)}; plasma cells: {' '.join(rules.plasma)}"
    blasts, plasma = _percents(rules.blast_thresholds), _percents(rules.plasma_thresholds)
    yield f"thresholds: blasts {blasts}; plasma cells {plasma}"
    yield (
        f"notes: {' + '.join(rules.unidentified)} above {rules.unidentified_limit:g} %; blasts in M:E from "
        f"{rules.me_blast_limit:g} %; Auer rods below {rules.auer_rod_limit:g} % blasts"
    )
    for each in profile.reference_ranges:
        ranges: dict[str, Any] = dict(each.ranges)
        told = ", ".join(f"{code} {low:g}–{high:g}" for code, (low, high) in ranges.items())
        yield f"reference ranges, {each.source}: {told}"


def _percents(limits: tuple[float, ...]) -> str:
    return f"{', '.join(f'{limit:g}' for limit in limits)} %" if limits else "none"
