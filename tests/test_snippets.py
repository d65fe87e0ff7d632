"""Every snippet of README and documentation: Python is run, commands are parsed by the command line itself.

Commands that fetch, train for hours or open a window are only parsed (`PARSED`); the others are run, in the
order in which the page has them, on drawn data.
"""

from __future__ import annotations

import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from napari_bonemarrow.cli import app
from napari_bonemarrow.drawing import draw_cell, draw_smear, write_sample
from napari_bonemarrow.review import case_path_for
from napari_bonemarrow.training.data.split import PARTS, read_parts, split_file
from napari_bonemarrow.workflow import CountOptions, count_inputs
from tests.slides.vendors.tiffs import aperio

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.is_file()]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

PARSED = {
    "train",
    "demo",
    "open",
    "models fetch",
    "models domain",
    "models export",
    "dataset doubts",
    "dataset correct",
}
"""Commands that train for hours, need a network or a window, or need what one of these makes."""

PARSED_FILES = ("runs/", "run/bundle", "marrow.csv", "BM_cytomorphology_data", "sweep/", "$", "{")
"""What only such a command or the user has."""


def blocks(page: Path, *kinds: str) -> list[str]:
    """Return the fenced blocks of a page that are of some language."""
    return [text for kind, text in _BLOCK.findall(page.read_text("utf-8")) if kind in kinds]


def commands(page: Path) -> list[list[str]]:
    """Return the arguments of each call of the program on a page."""
    found = []
    for text in blocks(page, "", "console", "sh", "bash", "shell", "text"):
        looped = dict(re.findall(r"\bfor (\w+) in (\w+)", text))  # the first of what a loop goes through
        for line in text.replace("\\\n", " ").splitlines():
            words = re.sub(r"\$(\w+)", lambda found, values=looped: values.get(found[1], found[0]), line)
            words = words.strip().removeprefix("$ ").strip()
            if words.startswith("napari-bonemarrow "):
                found.append(shlex.split(words, comments=True)[1:])
    return found


def name_of(arguments: list[str]) -> str:
    """Return a command's name, with its group."""
    return " ".join(arguments[: 2 if arguments[0] in ("models", "dataset") else 1])


PYTHON = [page for page in PAGES if blocks(page, "python")]
SHELL = [page for page in PAGES if commands(page)]


def test_there_are_snippets() -> None:
    assert {"README.md", "python.md", "engine.md"} <= {page.name for page in (*PYTHON, *SHELL)}
    assert sum(len(commands(page)) for page in SHELL) >= 25


@pytest.mark.parametrize("page", SHELL, ids=lambda page: page.name)
def test_every_command_is_one_that_the_program_takes(page: Path) -> None:
    root = typer.main.get_command(app)
    for arguments in commands(page):
        if arguments[0].startswith("-"):
            continue
        command, rest = root, list(arguments)
        context = root.make_context("napari-bonemarrow", [], resilient_parsing=True)
        while hasattr(command, "commands"):
            name, command, rest = command.resolve_command(context, rest)
            assert command is not None, arguments
        command.make_context(name, rest, parent=context)  # raises where an option or argument is none


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the snippets name."""
    folder = tmp_path_factory.mktemp("snippets")
    smear = draw_smear(3, width=900, height=700, microns_per_pixel=0.08)
    for name in ("field.png", "smear.png", "smears/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_sample(folder / name, smear)
    small = draw_smear(4, width=1400, height=1000, microns_per_pixel=0.1)
    levels = (small.image, np.ascontiguousarray(small.image[::4, ::4]))
    aperio(folder, levels, (0.1, 0.1)).path.rename(folder / "slide.svs")
    from PIL import Image

    (folder / "fields").mkdir()
    Image.fromarray(smear.image).save(folder / "fields" / "b.jpg")
    parts = [name for name, part in read_parts(split_file("starter-split")).items() if PARTS[part] == "test"]
    drawn = {"bmc/BLA": "BLA", "bmc/LYT": "LYT", "bmc/NGS": "NGS", "pbc/LY": "LYT", "pbc/SNE": "NGS"}
    chosen: dict[str, int] = {}
    for name in parts:
        kind = name.rpartition("/")[0]
        if kind in drawn and chosen.get(kind, 0) < 6:
            chosen[kind] = chosen.get(kind, 0) + 1
            file = folder / "crops" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            seed = 10 * list(drawn).index(kind) + chosen[kind]
            Image.fromarray(draw_cell(drawn[kind], seed=seed)).save(file)
    (folder / "my-crops").symlink_to(folder / "crops" / "bmc")
    options = CountOptions(microns_per_pixel=0.08, target=20)
    count_inputs([folder / "smear.png"], folder / "counted", options, device="cpu")
    for name in ("smear.png", "field.png"):  # one smear, as two files
        shutil.copy(folder / "counted" / "smear" / "smear.bmcase", case_path_for(folder / name))
    return folder


_PAGES_AFTER_ONE_ANOTHER = """
import inspect, json, sys, traceback
import napari_bonemarrow.training as training
fit = training.train
# A fit takes hours: its call is only held against the function's own signature.
training.train = lambda *a, **k: inspect.signature(fit).bind(*a, **k)
errors = {}
for page, code in json.load(sys.stdin).items():
    try:
        exec(compile(code, page, "exec"), {"__name__": page})
    except Exception:
        errors[page] = traceback.format_exc()
print("\\n" + json.dumps(errors))
"""


@pytest.fixture(scope="module")
def errors_of_pages(data: Path) -> dict[str, str]:
    """Run the Python of every page, each with names of its own; one process loads torch once."""
    pages = {page.name: "\n".join(blocks(page, "python")) for page in PYTHON}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PAGES_AFTER_ONE_ANOTHER],
        cwd=data,
        input=json.dumps(pages),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    errors: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return errors


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
def test_every_python_snippet_runs(page: Path, errors_of_pages: dict[str, str]) -> None:
    assert errors_of_pages.get(page.name) is None


@pytest.mark.slow  # each command is a program that loads torch
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", SHELL, ids=lambda page: page.name)
def test_every_command_that_can_is_run(page: Path, data: Path) -> None:
    for arguments in commands(page):
        words = " ".join(arguments)
        if name_of(arguments) in PARSED or any(part in words for part in PARSED_FILES):
            continue
        expanded = (
            [
                str(match.relative_to(data))
                for word in arguments
                for match in (sorted(data.glob(word)) if "*" in word else [data / word])
            ]
            if "*" in words
            else arguments
        )
        done = subprocess.run(
            [sys.executable, "-m", "napari_bonemarrow", *expanded],
            cwd=data,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stderr[-2000:]}"


def test_what_is_only_parsed_is_still_a_command() -> None:
    root = typer.main.get_command(app)
    for name in PARSED:
        command = root
        for word in name.split():
            command = command.commands[word]
        assert inspect.getdoc(command.callback)
