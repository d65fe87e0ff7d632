"""Case files from anywhere: each opens or gets one line, none hangs or costs the others their check."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_bonemarrow.cytology import BoneMarrowError, Cells, Frame
from napari_bonemarrow.report import differential_document, html_report
from napari_bonemarrow.review import Case, CaseError, case_path_for
from napari_bonemarrow.review.journal.events import digest_of
from napari_bonemarrow.review.journal.schema import SCHEMA
from napari_bonemarrow.slides import slide_from_array

from .forging import Line, alter, execute, following

POSIX = pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six cells with labels, a tag, a comment, an undo and a merge."""
    folder = tmp_path_factory.mktemp("case")
    slide = slide_from_array(np.full((300, 400, 3), 230, np.uint8), 0.1, folder / "smear.png")
    with Case.create(folder / "smear.bmcase", slide, reviewer="Ada") as case:
        case.sampling.set_frame(Frame.whole_field(400, 300, 0.0), 10)
        ones = np.ones(6, np.float32)
        x = 50.0 + 50 * np.arange(6)
        case.detection.record(Cells(np.arange(1, 7), x, np.full(6, 150.0), 9 * ones, ones, ones > 0))
        case.set_label([1, 2, 3], "NGS")
        case.set_tag(1, "dysplastic", True)
        case.edits.comment(2, "see again")
        case.set_label(4, "BLA")
        case.undo()
        case.cell_edits.merge([5, 6])
    return case.path


@pytest.fixture
def case_file(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "smear.bmcase"))


def outcome(path: Path) -> str:
    """Open a case to look at, show all of it, and return its line of trouble, empty where there is none."""
    try:
        with Case.open(path, read_only=True) as case:
            differential_document(case)
            html_report(case)
            case.view_memory.remembered  # noqa: B018
            case.model.features  # noqa: B018
            return case.distrust
    except BoneMarrowError as error:
        return str(error)


def put(at: int, *keys: Any, value: Any) -> Callable[[list[Line]], object]:
    """Return what writes a value into a line."""

    def change(lines: list[Line]) -> None:
        inside: Any = lines[at - 1]
        for key in keys[:-1]:
            inside = inside[key]
        inside[keys[-1]] = value

    return change


def drop(at: int, *keys: Any) -> Callable[[list[Line]], object]:
    """Return what takes a value out of a line."""

    def change(lines: list[Line]) -> None:
        inside: Any = lines[at - 1]
        for key in keys[:-1]:
            inside = inside[key]
        del inside[keys[-1]]

    return change


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


DAMAGED: dict[str, Callable[[list[Line]], object]] = {
    "no class": put(4, "new", value="XYZ"),
    "a class that is a number": put(4, "new", value=7),
    "a class that is a list": put(4, "new", value=["NGS"]),
    "no tag": put(5, "new", value="purple"),
    "a tag that is an object": put(5, "new", value={}),
    "cells that are none": put(4, "cells", value=None),
    "a cell that is a text": put(4, "cells", value=["1"]),
    "a cell below one": put(4, "cells", value=[0]),
    "a cell beyond 64 bits": put(4, "cells", value=[2**70]),
    "a cell that is a fraction": put(4, "cells", value=[1.5]),
    "a cell that is true": put(4, "cells", value=[True]),
    "no cell at all": put(4, "cells", value=[]),
    "a cell that is not there": put(4, "cells", value=[77]),
    "too little before": put(4, "old", value=[None]),
    "a label before of no class": put(
        4, "old", value=[["XYZ", "Ada", "2026-01-01T00:00:00.000Z", "rule"]] * 3
    ),
    "a time that is none": put(4, "at", value="yesterday"),
    "a time that is a number": put(4, "at", value=5),
    "a day that is none": put(9, "at", value="2999-02-30T00:00:00.000Z"),
    "a clock that is none": put(4, "clock", value="noon"),
    "a reviewer that is none": put(4, "reviewer", value=None),
    "a reviewer without end": put(4, "reviewer", value="A" * 100_000),
    "a kind that is none": put(4, "kind", value=None),
    "a kind that is a list": put(4, "kind", value=["label set"]),
    "a kind of a later version": put(4, "kind", value="cell coloured"),
    "a slide that is a text": put(4, "slide", value="one"),
    "a reading that is none": put(4, "reading", value=17),
    "something that no line has": put(4, "extra", value=1),
    "a line without its cells": drop(4, "cells"),
    "a line without its source": drop(4, "source"),
    "a comment that is an object": put(6, "new", value={"a": 1}),
    "a comment nested deeply": put(6, "new", value=nested(900)),
    "an undo of nothing": put(8, "refers", value=None),
    "an undo of itself": put(8, "refers", value=8),
    "a merge of one": put(9, "cells", value=[5, 7]),
    "a merge to nowhere": put(9, "new", value=[{"x": 1e300, "y": 0.0, "diameter_um": 9.0}]),
    "a merge without its place": put(9, "new", value=[{}]),
    "a frame without sides": put(2, "new", "width", value=0),
    "a frame of another image": put(2, "new", "width", value=4000),
    "a region of three numbers": put(2, "new", "regions", value=[[0, 0, 1]]),
    "a target that is none": put(2, "new", "target", value=-1),
    "a margin below nothing": put(2, "new", "margin_um", value=-5.0),
    "no slide": put(1, "new", "slide", value=None),
    "a slide without width": drop(1, "new", "slide", "width"),
    "a scale of nothing": put(1, "new", "scale", "microns_per_pixel", value=0),
    "a scale from nowhere": put(1, "new", "scale", "source", value="guess"),
    "an array without its type": drop(3, "new", "arrays", "x", "dtype"),
    "an array of objects": put(3, "new", "arrays", "x", "dtype", value="|O"),
    "an array of records": put(3, "new", "arrays", "x", "dtype", value="f8,f8"),
    "an array of another length": put(3, "new", "arrays", "x", "shape", value=[7]),
    "an array without end": put(3, "new", "arrays", "x", "shape", value=[2**52]),
    "an array with a side below nothing": put(3, "new", "arrays", "x", "shape", value=[-1]),
    "an array that is missing": put(3, "new", "arrays", "x", "sha256", value="0" * 64),
    "cells without their arrays": put(3, "new", "arrays", value={}),
    "kept cells that were never there": put(3, "new", "kept", value=[5]),
    "a second slide": lambda lines: lines.append(
        following(lines[0], kind="slide opened", new=lines[0]["new"])
    ),
    "a signature without anything": lambda lines: lines.append(
        following(lines[-1], kind="signed", new={"head": ""})
    ),
    "an amendment of nothing": lambda lines: lines.append(
        following(lines[-1], kind="amended", old={"signature": 1}, new={"reason": "x"})
    ),
    "a tally in a field that is not there": lambda lines: lines.append(
        following(lines[-1], kind="tallied", new={"field": 9, "code": "BLA"})
    ),
    "a tally in the last field but one": lambda lines: lines.append(
        following(lines[-1], kind="tallied", new={"field": -1, "code": "BLA"})
    ),
    "a reading that was never begun": lambda lines: lines.append(
        following(lines[-1], kind="reading taken up", old={"reading": 1}, new={"reading": 3})
    ),
    "settling before there is a second reading": lambda lines: lines.append(
        following(lines[-1], kind="reading begun", new={"reading": 3, "reader": "Ben"})
    ),
    "features without axes": lambda lines: lines.append(
        following(lines[-1], kind="features recorded", new={"model": {}, "arrays": {}})
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_line_that_makes_no_sense_is_one_line(case_file: Path, what: str) -> None:
    alter(case_file, DAMAGED[what])
    told = outcome(case_file)
    assert told
    assert "\n" not in told
    assert len(told) < 300
    with pytest.raises(CaseError):
        Case.open(case_file)


def test_a_line_of_a_later_version_asks_for_an_update(case_file: Path) -> None:
    alter(case_file, DAMAGED["a kind of a later version"])
    assert outcome(case_file).endswith("of a kind that this version does not know: update the program.")


@pytest.mark.parametrize("what", ["a cell that is not there", "a cell beyond 64 bits"])
def test_no_label_goes_to_another_cell(case_file: Path, what: str) -> None:
    alter(case_file, DAMAGED[what])
    with Case.open(case_file, read_only=True) as case:
        assert "BLA" not in case.effective_codes()
        assert 4 not in case.labels


BODIES = {
    "no text": b"\xff\xfe\x00",
    "no JSON": b"{",
    "a number": b"1",
    "nothing": b"",
    "nested deeply": b"[" * 100_000 + b"]" * 100_000,
    "objects nested deeply": b'{"kind":' * 5_000 + b"1" + b"}" * 5_000,
    "not a number": b'{"seq": NaN}',
    "half a letter": b'{"seq": 1, "kind": "\xc3"}',
}


def defined_as(table: str) -> tuple[str, str]:
    quoted = table.replace("'", "''")
    return "PRAGMA writable_schema=ON", f"UPDATE sqlite_master SET sql = '{quoted}' WHERE name = 'events'"


@pytest.mark.parametrize("what", BODIES)
def test_a_line_that_is_no_line_is_told(case_file: Path, what: str) -> None:
    body = BODIES[what]
    plain = (
        "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, hash TEXT NOT NULL)"
    )
    # SQLite reads the line when it is written, for the columns made from it; without them it does not.
    execute(case_file, "DROP TRIGGER events_no_update", *defined_as(plain))
    with closing(sqlite3.connect(case_file)) as database:
        database.execute(
            "UPDATE events SET body = CAST(? AS TEXT), hash = ? WHERE seq = 9", (body, digest_of(body))
        )
        database.commit()
    execute(case_file, *defined_as(SCHEMA["events"]))
    execute(case_file, SCHEMA["events_no_update"])
    told = outcome(case_file)
    assert "line 9 of the journal" in told
    assert "\n" not in told


STATEMENTS: dict[str, tuple[str, ...]] = {
    "a view without end": (
        "DROP VIEW slides",
        "CREATE VIEW slides AS WITH RECURSIVE n(slide) AS (SELECT 1 UNION ALL SELECT slide + 1 FROM n) "
        "SELECT max(slide) AS slide, 'x' AS name, 'y' AS fingerprint FROM n",
    ),
    "lines that are a view without end": (
        "DROP TABLE events",
        "CREATE VIEW events AS WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n) "
        "SELECT seq, '' AS body, '' AS hash FROM n",
    ),
    "arrays that are a view without end": (
        "DROP TABLE arrays",
        "CREATE VIEW arrays AS WITH RECURSIVE n(sha256) AS (SELECT 1 UNION ALL SELECT sha256 + 1 FROM n) "
        "SELECT sha256, x'' AS data FROM n",
    ),
    "what the window remembers as a view without end": (
        "DROP TABLE remembered",
        "CREATE VIEW remembered AS WITH RECURSIVE n(view) AS (SELECT 1 UNION ALL SELECT view + 1 FROM n) "
        "SELECT 'x' AS reviewer, view, '' AS at FROM n",
    ),
    "no table at all": ("DROP VIEW meta", "DROP VIEW slides", "DROP TABLE events", "DROP TABLE arrays"),
    "no lines": ("DROP TRIGGER events_no_delete", "DELETE FROM events"),
    "names that are not text": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET name = CAST(x'ff80' AS TEXT) WHERE name = 'meta'",
    ),
    "a definition that is not text": (
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_master SET sql = CAST(x'ff80' AS TEXT) WHERE name = 'meta'",
    ),
    "version nought": ("PRAGMA user_version=0",),
    "a version below nought": ("PRAGMA user_version=-1",),
    "a number given far ahead": ("UPDATE sqlite_sequence SET seq = 9000000000",),
    "a number given that is none": ("UPDATE sqlite_sequence SET seq = 'many'",),
    "a view of the window nested deeply": (
        f"INSERT INTO remembered VALUES ('Ada', '{'[' * 100_000}', 'now')",
    ),
}


@pytest.mark.parametrize("what", STATEMENTS)
@pytest.mark.timeout(60)
def test_a_file_made_otherwise_is_one_line_and_does_not_hang(case_file: Path, what: str) -> None:
    execute(case_file, *STATEMENTS[what])
    slide = case_file.with_suffix(".png")
    slide.write_bytes(b"x")
    case_path_for(slide)
    told = outcome(case_file)
    assert "\n" not in told
    assert len(told) < 300
    assert bool(told) == (what != "a view of the window nested deeply")


@pytest.mark.parametrize(
    "row",
    [
        "'many', 1.0, 'h', 'u', 't'",
        "-5, 1.0, 'h', 'u', 't'",
        "1e300, 1.0, 'h', 'u', 't'",
        "1, 'x', x'ff', 2, 3",
    ],
)
def test_a_claim_that_no_process_wrote_holds_nobody_up(case_file: Path, row: str) -> None:
    execute(case_file, f"INSERT INTO holder VALUES (1, {row})")
    with Case.open(case_file, reviewer="Ada") as case:
        case.set_label(3, "LYT")
        assert case.labels[3].by == "Ada"


@POSIX
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_a_slide_that_is_no_file_is_not_waited_for(case_file: Path, tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "smear.png"
        os.mkfifo(path)
    alter(case_file, put(1, "new", "slide", "path", value=str(path)))
    with Case.open(case_file, read_only=True) as case:
        assert case.slide_file.find() is None
        with pytest.raises(CaseError, match="neither a file nor a folder"):
            case.slide_file.move(path)


@pytest.mark.timeout(60)
def test_a_hundred_damaged_bytes_never_raise_anything_else(case_file: Path, tmp_path: Path) -> None:
    whole, dice, copy = case_file.read_bytes(), random.Random(7), tmp_path / "damaged.bmcase"
    told = 0
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 8, 200))):
            damaged[dice.randrange(len(whole))] = dice.randrange(256)
        copy.write_bytes(damaged[: len(whole) if dice.random() < 0.7 else dice.randrange(1, len(whole))])
        text = outcome(copy)
        told += bool(text)
        assert "\n" not in text
        assert len(text) < 400
    assert told > 50


def test_verify_goes_on_after_cases_that_fail(case_file: Path, tmp_path: Path) -> None:
    bad = Path(shutil.copy(case_file, tmp_path / "bad.bmcase"))
    alter(bad, DAMAGED["a comment nested deeply"])
    worse = tmp_path / "worse.bmcase"
    worse.write_bytes(b"no case")
    arguments = [bad, worse, tmp_path, tmp_path / "none.bmcase", case_file]
    command = [sys.executable, "-m", "napari_bonemarrow", "verify", "--json", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert [each["ok"] for each in json.loads(ended.stdout)["cases"]] == [False, False, False, False, True]
    assert len(ended.stderr.splitlines()) == 4
    assert all(line.startswith("error: ") for line in ended.stderr.splitlines())
