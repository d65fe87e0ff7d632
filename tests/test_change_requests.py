"""Pages name only files and names that are there; CONTRIBUTING.md leads to no more files than it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
SOURCE = ROOT / "src" / "napari_bonemarrow"
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", PAGE, *sorted((ROOT / "docs").glob("*.md"))]
WORKFLOWS = ROOT / ".github" / "workflows"
_REQUEST = re.compile(r"^### ([a-z])\. (.+?) \((\d) files?\)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
_STEP = re.compile(r"^\d\. `([^`]+)`: (.*?)(?=^\d\. |^$|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(r"[\w.-]*/[\w./-]*|[\w-]+\.(?:md|toml|yml|yaml|cff)|Makefile")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
MOST_FILES = {"a": 2, "b": 1, "c": 2, "d": 2, "e": 1, "f": 1, "g": 2, "h": 2, "i": 2, "j": 2}
"""A request that takes more files is one that the layout does not serve."""

REQUESTS = {
    letter: (int(files), steps) for letter, _title, files, steps in _REQUEST.findall(PAGE.read_text("utf-8"))
}


def place(path: str) -> Path | None:
    """Return where a path leads, from the top of the repository or of the package."""
    return next((base / path for base in (ROOT, SOURCE, WORKFLOWS) if (base / path).exists()), None)


def names_in(path: Path) -> set[str]:
    """Return every name that a file defines, those of classes after a dot and alone."""
    if path.suffix != ".py":
        return set(re.findall(r"[A-Za-z_][\w-]*", path.read_text("utf-8")))
    found: set[str] = set()

    def walk(body: list[ast.stmt], owner: str) -> None:
        for node in body:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.append(node.name)
            found.update(names)
            found.update(f"{owner}{name}" for name in names)
            if isinstance(node, ast.ClassDef):
                walk(node.body, f"{node.name}.")

    walk(ast.parse(path.read_text("utf-8")).body, "")
    return found


def test_all_ten_requests_are_there() -> None:
    assert list(REQUESTS) == list(MOST_FILES)


@pytest.mark.parametrize("letter", MOST_FILES)
def test_a_request_takes_the_files_it_says_and_names_what_is_there(letter: str) -> None:
    said, text = REQUESTS[letter]
    steps = _STEP.findall(text)
    assert len({path for path, _what in steps}) == said <= MOST_FILES[letter]
    for path, what in steps:
        file = SOURCE / path
        made_new = "a new file" in what
        assert made_new or file.is_file(), path
        if not made_new:
            names = [name for name in _CODE.findall(what) if _NAME.fullmatch(name)]
            assert names, f"{path}: no name says where in the file"
            assert set(names) <= names_in(file), f"{path}: {set(names) - names_in(file)}"


def test_every_path_on_the_page_leads_somewhere() -> None:
    text = re.sub(r"^```.*?^```", "", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    named = [code for code in _CODE.findall(text) if _PATH.fullmatch(code)]
    assert len(named) > 20
    assert [path for path in (*linked, *named) if place(path) is None and "NAME" not in path] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_of_the_source_is_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    packages = "|".join(path.name for path in SOURCE.iterdir() if path.is_dir())
    folders = "|".join([packages, "tests", "docs", "tools", "benchmarks"])
    for code in _CODE.findall(text):
        if re.fullmatch(rf"(?:{folders})/[\w./-]*|[\w./-]+\.py", code):
            assert "NAME" in code or place(code), code
        elif found := re.fullmatch(rf"(?:napari_bonemarrow\.)?((?:{packages})(?:\.\w+)+)(?:\(.*\))?", code):
            assert resolve_name(f"napari_bonemarrow.{found[1]}"), code


def test_the_readme_leads_to_the_page_and_the_map() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "](CONTRIBUTING.md)" in readme
    assert "](docs/pictures/source-map.svg)" in readme
