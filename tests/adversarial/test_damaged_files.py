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
from .mutations import SEEDS, mutate, write_seeds
from .reader import betraying, look

_SHORT, _LONG = 132, 2000


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


def test_every_seed_opens_before_it_is_damaged(tmp_path: Path) -> None:
    for name, path in write_seeds(tmp_path).items():
        made = tmp_path / f"{name} made"
        made.mkdir()
        kind, lines = look(path, made)
        assert (kind, len(lines)) == ("opened", 1), (name, lines)
        assert len(list(made.iterdir())) == 1 + len(FORMATS)
        assert not betraying(made)


def test_a_few_damaged_files_of_every_format(tmp_path: Path) -> None:
    outcomes, log = run(tmp_path, _SHORT, seed=14)
    assert {each.format for each in outcomes} == set(SEEDS)
    _check(tmp_path, outcomes, log, _SHORT)


_COUNTED = ("aperio", "mirax", "png-rgba", "tiff-lzw", "dicom-jpeg", "zarr-3")
"""One format a reader. A count takes 1 s an image, where most of them can be read."""


def _plant(folder: Path, names: Iterable[str], seed: int) -> Path:
    """Lay damaged images of several formats into a folder, each with a planted word in its name."""
    seeds = write_seeds(folder / "seeds")
    into = folder / f"{MARK}-STUDY"
    for name in names:
        source = folder / "seeds" / name
        path = mutate(seeds[name], source, into / f"{MARK} {name}", random.Random(f"{seed} {name}"))
        if path.is_file() and len(list(path.parent.iterdir())) == 1:
            path.rename(path.with_name(f"{MARK}-{path.name}"))
    return into


def _count_anonymously(folder: Path, names: Iterable[str], seed: int) -> None:
    out, images = folder / "out", _plant(folder, names, seed)
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


def test_a_few_damaged_files_are_counted_without_their_names(tmp_path: Path) -> None:
    _count_anonymously(tmp_path, _COUNTED, seed=14)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_of_every_format_are_counted_without_their_names(tmp_path: Path, seed: int) -> None:
    _count_anonymously(tmp_path, SEEDS, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_damaged_files(tmp_path: Path) -> None:
    outcomes, log = run(tmp_path, _LONG, seed=2026)
    _check(tmp_path, outcomes, log, _LONG)
