"""The choices of a printed report on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drawn_case import drawn_case

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with drawn_case(tmp_path_factory.mktemp("drawn")) as case:
        path = case.path
    return path


def test_a_report_takes_language_fields_and_pictures(run: Run, made: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    choices = ("--language", "de", "--field", "patient=A <b> = 1", "--field", "site=Becken", "--no-montage")
    code, _, err = run("export", made, "--format", "html", "--out", out, *choices)
    assert (code, err.splitlines()[-1]) == (0, f"written to {out}")
    page = out.read_text("utf-8")
    assert "Differentialzählung" in page
    assert "A &lt;b&gt; = 1" in page
    assert "data:image/jpeg" not in page
    assert b"A <b> = 1" not in made.read_bytes()


@pytest.mark.parametrize(
    ("choices", "code", "said"),
    [
        (("--format", "csv", "--language", "de"), 2, "are for html and pdf, not for csv"),
        (("--format", "pdf", "--field", "site"), 2, "'site' is no field: write KEY=VALUE"),
        (("--format", "pdf", "--field", "weight=1"), 1, "weight: no such field: choose one of patient"),
        (("--format", "pdf", "--language", "fr"), 1, "no texts in this language: choose en or de"),
        (("--format", "pdf", "--layout", "north"), 1, "north: no such layout"),
        (("--format", "pdf", "--heatmaps"), 1, "no heatmaps, since the bundle"),
    ],
)
def test_a_wrong_choice_is_one_line(
    run: Run, made: Path, tmp_path: Path, choices: tuple[str, ...], code: int, said: str
) -> None:
    got, _, err = run("export", made, "--out", tmp_path / "out", *choices)
    assert got == code
    assert said in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_fields_are_for_one_case(run: Run, made: Path, tmp_path: Path) -> None:
    code, _, err = run("export", made.parent, "--format", "pdf", "--out", tmp_path, "--field", "patient=A")
    assert code == 2
    assert "--field is for one case" in err
