"""Commands about what reviewed cells teach, and about the review of a random sample."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_bonemarrow.cli.common import AsJson, Debug, say, show_json, tell


def learn(
    cases: Annotated[
        list[Path] | None, typer.Argument(help="Reviewed cases.", metavar="CASE...", show_default=False)
    ] = None,
    name: Annotated[
        str, typer.Option("--name", help="Make or extend the laboratory head of this name.", metavar="NAME")
    ] = "",
    forget: Annotated[
        Path | None,
        typer.Option("--forget", help="Take what this case taught out of the head.", metavar="CASE"),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Stain or scanner, for the head's card.")] = "",
    reviewer: Annotated[str, typer.Option(help="Name for the journal.  [default: your user name]")] = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Learn from reviewed cells: one case's other cells, or a head for the next smears of a laboratory.

    With one case and no name, its reviewed cells teach the predictions of its others. With --name, signed
    cases make a laboratory head, or extend it, which later cases begin with; see `count --head`.

    Example: napari-bonemarrow learn smear.bmcase --json
    """
    given = cases or []
    if name and bool(given) == (forget is not None):
        raise typer.BadParameter("--name needs cases to learn from, or --forget with the case to take out")
    if name:
        result = _laboratory(given, name, forget, note)
    elif len(given) == 1 and forget is None:
        result = _case(given[0], reviewer)
    else:
        raise typer.BadParameter("give one case, or the --name of a laboratory head")
    text = result.pop("text")
    if as_json:
        show_json(result)
    else:
        say(*text.splitlines())


def _case(path: Path, reviewer: str) -> dict[str, Any]:
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.workflow import default_reviewer
    from napari_bonemarrow.workflow.teaching.case_learning import learn_case

    with Case.open(path, reviewer=reviewer.strip() or default_reviewer()) as case:
        found = learn_case(case)
        return {"case": str(path), **found.to_dict(), "text": found.text}


def _laboratory(cases: list[Path], name: str, forget: Path | None, note: str) -> dict[str, Any]:
    from napari_bonemarrow.workflow.teaching.laboratory import forget_case, remember_cases

    found = remember_cases(cases, name, note) if forget is None else forget_case(forget, name)
    return {**found.to_dict(), "text": found.text}


def sample(
    case: Annotated[Path, typer.Argument(help="A case whose cells are found.", metavar="CASE")],
    out: Annotated[
        Path, typer.Option("--out", help="The table to write.", metavar="FILE.csv", show_default=False)
    ],
    count: Annotated[int, typer.Option("--next", help="Cells to hand out.", min=1)] = 40,
    begin: Annotated[bool, typer.Option("--begin", help="Begin a sample review if there is none.")] = False,
    width: Annotated[
        float | None, typer.Option("--width", help="Half width to reach, per cent.", metavar="PERCENT")
    ] = None,
    of: Annotated[str, typer.Option("--of", help="The class or group that it is of.", metavar="CODE")] = "",
    seed: Annotated[
        int | None, typer.Option("--seed", help="Seed of the order, where it begins.", min=0)
    ] = None,
    reviewer: Annotated[str, typer.Option(help="Name for the journal.  [default: your user name]")] = "",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Hand out the next cells of a sample review: cell_id,x_px,y_px,predicted,label, ready for `import`.

    A sample review counts from a random sample of the cells; `export --format json` then has its estimate.

    Example: napari-bonemarrow sample smear.bmcase --begin --width 3 --of blasts --next 40 --out next.csv
    """
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.workflow import default_reviewer
    from napari_bonemarrow.workflow.sample_files import write_next

    if (width is None) != (not of):
        raise typer.BadParameter("--width and --of belong together: give both or neither")
    with Case.open(case, reviewer=reviewer.strip() or default_reviewer()) as opened:
        goal: Any = None if width is None else {"of": of, "width": width}
        if begin and not opened.sample.in_progress:
            opened.sample.begin(seed, goal)
        elif goal is not None:
            opened.sample.set_goal(goal)
        step = write_next(opened, count, out)
    if as_json:
        show_json({"case": str(case), "out": str(out), **asdict(step)})
    else:
        tell(f"{step.text}; written to {out}")
