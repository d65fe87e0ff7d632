"""What GitHub runs is what the Makefile runs, on the systems and Pythons that the package names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / name).read_text("utf-8"))
    return found


def commands(name: str, job: str) -> str:
    steps = workflow(name)["jobs"][job]["steps"]
    return " ".join(" ".join(step.get("run", "") for step in steps).replace("\\\n", " ").split())


def test_the_tests_run_on_every_python_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    matrix = workflow("test.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == named
    assert matrix["qt"] == ["pyqt6", "pyside6"]


def test_github_selects_the_tests_that_the_makefile_selects() -> None:
    made = " ".join((ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ").split())
    for name, job in (("test.yml", "tests"), ("napari-main.yml", "window")):
        assert 'pytest -m "not slow" tests/gui tests/journeys' in commands(name, job)
    ignored = "--ignore=tests/gui --ignore=tests/journeys"
    assert ignored in commands("test.yml", "tests")
    assert ignored in made
    assert '-m "not slow" tests/gui tests/journeys' in made
    for strict in ("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "NAPARI_STRICT_QT"):
        assert f"{strict}=1" in made
        assert workflow("test.yml")["jobs"]["tests"]["env"][strict] == "1"
    targets = {*commands("test.yml", "checks").split(), *commands("package.yml", "build").split()} & set(
        re.findall(r"(?:^| )([a-z]+):", made)
    )
    assert {"lint", "types", "layers", "package"} <= targets
    assert "mkdocs build --strict" in made
    assert "mkdocs build --strict" in commands("docs.yml", "build")


def test_every_action_is_pinned_and_no_job_may_write_but_the_one_that_publishes() -> None:
    for path in sorted((GITHUB / "workflows").glob("*.yml")):
        found = workflow(path.name)
        assert found["permissions"] == {"contents": "read"}
        assert "secrets." not in path.read_text("utf-8")
        for job in found["jobs"].values():
            assert job["timeout-minutes"]
            assert job.get("permissions", {}) in ({}, {"id-token": "write"})
            for action in filter(None, (step.get("uses") for step in job["steps"])):
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*", action), action


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_form_is_one_that_github_shows(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    assert set(form) <= {"name", "description", "title", "labels", "body"}
    assert {"name", "description", "body"} <= set(form)
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked) > 1
    for part in form["body"]:
        assert set(part) <= {"type", "id", "attributes", "validations"}
        assert part["type"] in ("markdown", "textarea", "input", "dropdown", "checkboxes")
        assert part["attributes"]["value" if part["type"] == "markdown" else "label"]
