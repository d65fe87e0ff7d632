"""Damaged images of every format get one line each: no exception of a library, no crash, no hang."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.slides.vendors.planted import MARK

from .audit import LONGEST_LINE, MOST_MEMORY, Outcome, run, table
from .mutations import SEEDS, write_seeds
from .reader import look

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
        kind, lines = look(path)
        assert (kind, len(lines)) == ("opened", 1), (name, lines)


def test_a_few_damaged_files_of_every_format(tmp_path: Path) -> None:
    outcomes, log = run(tmp_path, _SHORT, seed=14)
    assert {each.format for each in outcomes} == set(SEEDS)
    _check(tmp_path, outcomes, log, _SHORT)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_damaged_files(tmp_path: Path) -> None:
    outcomes, log = run(tmp_path, _LONG, seed=2026)
    _check(tmp_path, outcomes, log, _LONG)
