"""Damaged images of every format get one line each: no exception of a library, no crash, no hang."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from napari_bonemarrow.report import FORMATS
from tests.slides.vendors.planted import MARK, betrays

from .audit import LONGEST_LINE, MOST_MEMORY, Outcome, run, table
from .mutations import SEEDS, home_of, mutate, write_seeds
from .reader import betraying, look

_SHORT, _LONG = 88, 2000


def _check(folder: Path, outcomes: list[Outcome], log: str, count: int) -> None:
    print(table(outcomes))
    assert len(outcomes) == count
    bad = [each for each in outcomes if each.kind not in ("refused", "opened")]
    assert not bad, "\n".join(map(str, bad))
    large = [each for each in outcomes if each.peak > MOST_MEMORY]
    assert not large, "\n".join(map(str, large))
    lines = [(each, line) for each in outcomes for line in each.lines]
    overlong = [each for each, line in lines if len(line) > LONGEST_LINE or "\n" in line]
    assert not overlong, "\n".join(map(str, overlong))
    assert not [each for each, line in lines if MARK in line], "a patient's words are in a line"
    assert log == "", log[:2000]
    assert MARK not in (folder / "debug.txt").read_text(errors="replace")
    assert {each.kind for each in outcomes} == {"refused", "opened"}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every format, whole; writing them takes 5 s."""
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def test_every_seed_opens_before_it_is_damaged(seeds: dict[str, Path], tmp_path: Path) -> None:
    for name, path in seeds.items():
        kind, lines = look(path)
        assert (kind, len(lines)) == ("opened", 1), (name, lines)
    assert look(seeds["aperio"], tmp_path)[0] == "opened"
    made = {path.name for path in tmp_path.iterdir()}  # what is looked through of the damaged ones
    assert made == {"case.bmcase", *FORMATS} - {"dicom"}  # which is for slides in DICOM
    assert not betraying(tmp_path)


def test_a_few_damaged_files_of_every_format(seeds: dict[str, Path], tmp_path: Path) -> None:
    outcomes, log = run(seeds, tmp_path, _SHORT, seed=14)
    assert {each.format for each in outcomes} == set(SEEDS)
    _check(tmp_path, outcomes, log, _SHORT)


_COUNTED = ("mirax", "png-rgba")
"""Damaged so that the first opens and the second does not; the long test counts every format."""


def _plant(seeds: dict[str, Path], folder: Path, names: Iterable[str], seed: int) -> Path:
    """Lay damaged images of several formats into a folder, each with a planted word in its name."""
    into = folder / f"{MARK}-STUDY"
    for name in names:
        path = mutate(
            seeds[name], home_of(seeds[name], name), into / f"{MARK} {name}", random.Random(f"{seed} {name}")
        )
        if path.is_file() and len(list(path.parent.iterdir())) == 1:
            path.rename(path.with_name(f"{MARK}-{path.name}"))
    return into


def _count_anonymously(seeds: dict[str, Path], folder: Path, names: Iterable[str], seed: int) -> None:
    out, images = folder / "out", _plant(seeds, folder, names, seed)
    command = ["count", images, "--out", out, "--anonymous", "--json", "--microns-per-pixel", "0.25"]
    done = subprocess.run(
        [sys.executable, "-m", "napari_bonemarrow", *command, "--device", "cpu"], capture_output=True
    )
    assert not betrays(done.stdout), done.stdout
    assert not betrays(done.stderr), done.stderr
    rows = json.loads(done.stdout)["inputs"]
    assert {row["status"] for row in rows} == {"ok", "error"}
    assert len(list(out.rglob("*.bmcase"))) >= sum(row["status"] == "ok" for row in rows)
    assert not betraying(out)
    assert not [path for path in out.rglob("*") if betrays(bytes(path.relative_to(out)))]


@pytest.mark.slow
def test_a_few_damaged_files_are_counted_without_their_names(seeds: dict[str, Path], tmp_path: Path) -> None:
    _count_anonymously(seeds, tmp_path, _COUNTED, seed=16)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_of_every_format_are_counted_without_their_names(
    seeds: dict[str, Path], tmp_path: Path, seed: int
) -> None:
    _count_anonymously(seeds, tmp_path, SEEDS, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_damaged_files(seeds: dict[str, Path], tmp_path: Path) -> None:
    outcomes, log = run(seeds, tmp_path, _LONG, seed=2026)
    _check(tmp_path, outcomes, log, _LONG)
