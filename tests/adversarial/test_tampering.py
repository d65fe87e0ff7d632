"""Every kind of tampering that a chain of hashes and the rules of the program can find, and what finds it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.report import differential_document, export, html_report
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.review.journal.schema import SCHEMA
from napari_bonemarrow.slides import slide_from_array

from .forging import Line, alter, execute, following, lines_of, rewrite

OTHER = "f" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of twelve cells, all reviewed, signed by Dr Ada: 8 segmented neutrophils and 4 lymphocytes."""
    folder = tmp_path_factory.mktemp("signed")
    slide = slide_from_array(np.full((300, 400, 3), 230, np.uint8), 0.1, folder / "smear.png")
    n = 12
    with Case.create(folder / "smear.bmcase", slide, reviewer="Ada") as case:
        case.sampling.set_frame(Frame.whole_field(400, 300, 0.0), 10)
        x = 20.0 + 30 * np.arange(n)
        ones = np.ones(n, np.float32)
        case.detection.record(Cells(np.arange(1, n + 1), x, np.full(n, 150.0), 9 * ones, ones, ones > 0))
        probabilities = np.full((n, 21), 0.01, np.float32)
        probabilities[:, BMC21.index("NGS")] = 0.8
        support = dict.fromkeys(BMC21, Support.TRAINED)
        case.model.record_predictions(
            Predictions(case.cells.cell_id, probabilities, BMC21, support, ModelReference("m", "a" * 64))
        )
        case.set_label(range(1, 9), "NGS")
        case.set_label(range(9, 13), "LYT")
        case.tally.count("BLA")
        case.sign("Dr Ada")
    return case.path


@pytest.fixture
def signed(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "smear.bmcase"))


SIGNED_AT = 8
"""The line of the signature."""


def add(**fields: Any) -> Callable[[list[Line]], object]:
    """Return what puts a line after the signature."""
    return lambda lines: lines.append(following(lines[-1], **fields))


def replace_slide(lines: list[Line]) -> None:
    slide = lines[0]["new"]["slide"]
    lines.append(
        following(
            lines[-1],
            kind="slide moved",
            old={"slide": slide},
            new={"slide": {**slide, "fingerprint": OTHER}},
        )
    )


def in_signature(**fields: Any) -> Callable[[list[Line]], object]:
    """Return what changes the signature itself."""
    return lambda lines: lines[-1]["new"].update(fields)


def before_signature(**fields: Any) -> Callable[[list[Line]], object]:
    """Return what puts a line before the signature, over which that is then written anew."""
    return lambda lines: lines.insert(SIGNED_AT - 1, following(lines[-2], **fields))


def swap(lines: list[Line]) -> None:
    lines[6], lines[7] = {**lines[7], "at": lines[6]["at"]}, lines[6]


def undo_label(lines: list[Line]) -> None:
    act = lines[6]
    lines.append(
        following(lines[-1], kind="undo", cells=act["cells"], old=act["new"], new=act["old"], refers=7)
    )


ALL, NOBODY = list(range(1, 13)), [None] * 12
FORGED: dict[str, tuple[Callable[[list[Line]], object], int, str]] = {
    # What a signature freezes.
    "every cell made a blast after the signature": (
        add(kind="label set", cells=ALL, old=NOBODY, new="BLA"),
        9,
        "was signed by Dr Ada",
    ),
    "a label cleared after the signature": (
        add(kind="label cleared", cells=[1], old=[None]),
        9,
        "was signed",
    ),
    "a cell removed after the signature": (
        add(kind="cell removed", cells=[9], old=True, new=False),
        9,
        "was signed",
    ),
    "a cell added after the signature": (
        add(kind="cell added", cells=[13], new={"x": 5.0, "y": 5.0, "diameter_um": 9.0}),
        9,
        "was signed",
    ),
    "a tag after the signature": (add(kind="tag set", cells=[1], new="dysplastic"), 9, "was signed"),
    "a cell tallied after the signature": (
        add(kind="tallied", new={"field": 0, "code": "BLA"}),
        9,
        "was signed",
    ),
    "an act taken back after the signature": (undo_label, 9, "was signed"),
    "a comment after the signature": (add(kind="comment", new="looks fine"), 9, "was signed"),
    "another frame after the signature": (
        lambda lines: lines.append(
            following(lines[-1], kind="region and target set", old=lines[1]["new"], new=lines[1]["new"])
        ),
        9,
        "was signed",
    ),
    "another scale after the signature": (
        lambda lines: lines.append(
            following(
                lines[-1],
                kind="scale confirmed",
                old=lines[0]["new"]["scale"],
                new={**lines[0]["new"]["scale"], "microns_per_pixel": 0.5},
            )
        ),
        9,
        "was signed",
    ),
    "another detection after the signature": (
        lambda lines: lines.append(
            following(lines[-1], kind="detector run", new=lines[2]["new"], source="detector")
        ),
        9,
        "was signed",
    ),
    "another model run after the signature": (
        lambda lines: lines.append(
            following(lines[-1], kind="model run", new=lines[3]["new"], source="model:" + "a" * 64)
        ),
        9,
        "was signed",
    ),
    "signed over again by another": (
        lambda lines: lines.append(
            following(lines[-1], kind="signed", new={**lines[-1]["new"], "name": "Dr Eve"})
        ),
        9,
        "was signed by Dr Ada",
    ),
    "the signed case given another image": (replace_slide, 9, "names another image"),
    "a second slide opened": (
        lambda lines: lines.append(following(lines[-1], kind="slide opened", new=lines[0]["new"])),
        9,
        "begins with its slide, and has one",
    ),
    # What a signature states.
    "labels changed under a signature that stays": (
        before_signature(kind="label set", cells=[1], old=[None], new="BLA"),
        9,
        "signed counts are not those",
    ),
    "a cell removed under a signature that stays": (
        before_signature(kind="cell removed", cells=[12], old=True, new=False),
        9,
        "signed counts are not those",
    ),
    "a review taken back under a signature that stays": (
        before_signature(kind="label cleared", cells=[1], old=[None]),
        9,
        "reviewed cells is not that",
    ),
    "the signed counts changed": (
        in_signature(counts={"BLA": 12}),
        8,
        "signed counts are not those",
    ),
    "the signed total changed": (in_signature(counted=500), 8, "do not add up"),
    "the signed tally changed": (in_signature(tallied={"BLA": 400}), 8, "another reading or tally"),
    "the signed model changed": (
        in_signature(model={"name": "better", "sha256": OTHER}),
        8,
        "names another model",
    ),
    "what was left to do hidden": (in_signature(disagreements=3), 8, "left to do"),
    "another signature amended than that in force": (
        add(kind="amended", old={"signature": 3}, new={"reason": "why not"}),
        9,
        "not in force",
    ),
    # What the program would not have written at all.
    "lines that changed places": (swap, 7, "another reading or tally"),
    "a reading by nobody asked for": (
        before_signature(kind="label set", cells=[1], old=[None], new="BLA", reading=2),
        8,
        "makes no sense",
    ),
    "the first reader as the second": (
        before_signature(kind="reading begun", new={"reading": 2, "reader": "ADA"}),
        8,
        "took part in the first reading",
    ),
    "a label of a cell that is not there": (
        before_signature(kind="label set", cells=[99], old=[None], new="BLA"),
        8,
        "makes no sense",
    ),
    "a cell of a number used before": (
        before_signature(kind="cell added", cells=[3], new={"x": 5.0, "y": 5.0, "diameter_um": 9.0}),
        8,
        "makes no sense",
    ),
    "undo of what was not the last act": (
        before_signature(kind="undo", cells=ALL[:8], refers=5),
        8,
        "makes no sense",
    ),
    "a line dated before the one before it": (
        before_signature(kind="comment", new="early", at="1999-01-01T00:00:00.000Z"),
        8,
        "older than the one before",
    ),
    "a class that is none": (
        before_signature(kind="label set", cells=[1], old=[None], new="XYZ"),
        8,
        "makes no sense",
    ),
}
"""What is done to the journal, its chain mended; the line that is found, and what is told."""


def unprotected(table: str, act: str, statement: str) -> tuple[str, ...]:
    trigger = f"{table}_no_{act}"
    return f"DROP TRIGGER {trigger}", statement, SCHEMA[trigger]


WITHOUT_MENDING: dict[str, tuple[tuple[str, ...], str]] = {
    "a label changed": (
        unprotected("events", "update", "UPDATE events SET body = replace(body, 'LYT', 'BLA') WHERE seq = 6"),
        "line 6 of the journal was changed",
    ),
    "the signer's name changed": (
        unprotected("events", "update", "UPDATE events SET body = replace(body, 'Dr Ada', 'Dr Eve')"),
        "line 8 of the journal was changed",
    ),
    "the signature cut off": (
        unprotected("events", "delete", "DELETE FROM events WHERE seq = 8"),
        "line 8 of the journal is missing",
    ),
    "a line taken out": (
        unprotected("events", "delete", "DELETE FROM events WHERE seq = 4"),
        "line 4 of the journal is missing",
    ),
    "what the model said changed": (
        unprotected("arrays", "update", "UPDATE arrays SET data = zeroblob(length(data))"),
        "data of line 3",
    ),
    "what the model said taken out": (
        unprotected("arrays", "delete", "DELETE FROM arrays WHERE length(data) = 12 * 21 * 4"),
        "data of line 4",
    ),
    "data put in": (("INSERT INTO arrays VALUES ('00', x'00')",), "no line of the journal names"),
    "a trigger dropped": (("DROP TRIGGER arrays_no_update",), "protection of the file was altered"),
    "a trigger of one's own": (
        ("CREATE TRIGGER mine AFTER INSERT ON events BEGIN SELECT 1; END",),
        r"protection of the file was altered \(mine\)",
    ),
    "a trigger under a name that SQLite keeps for itself": (
        (
            "CREATE TRIGGER mine AFTER INSERT ON events BEGIN SELECT 1; END",
            "PRAGMA writable_schema=ON",
            "UPDATE sqlite_master SET name = 'sqlite_mine', sql = replace(sql, 'mine', 'sqlite_mine') "
            "WHERE name = 'mine'",
        ),
        r"protection of the file was altered \(sqlite_mine\)",
    ),
    "a view that tells another slide": (
        ("DROP VIEW slides", "CREATE VIEW slides AS SELECT 'x' AS name, 'y' AS fingerprint"),
        r"protection of the file was altered \(slides\)",
    ),
    "a version that was never written": (("PRAGMA user_version=0",), "no version that was ever written"),
}


def test_the_table_is_long_enough() -> None:
    assert len(FORGED) + len(WITHOUT_MENDING) >= 32


def look(path: Path) -> Case:
    """Open a case to look at."""
    return Case.open(path, read_only=True)


@pytest.mark.parametrize("what", FORGED)
def test_a_mended_chain_does_not_hide_what_the_program_would_not_have_written(
    signed: Path, what: str
) -> None:
    change, line, says = FORGED[what]
    alter(signed, change)
    with pytest.raises(CaseError, match=says) as refused:
        Case.open(signed)
    assert "\n" not in str(refused.value)
    with look(signed) as case:
        found = case.verify()
        assert (found.ok, found.first_bad_seq) == (False, line)
        assert case.distrust.startswith("Do not rely on this case: ")
        assert case.read_only


@pytest.mark.parametrize("what", WITHOUT_MENDING)
def test_what_is_changed_in_the_file_is_found(signed: Path, what: str) -> None:
    statements, says = WITHOUT_MENDING[what]
    execute(signed, *statements)
    with pytest.raises(CaseError, match=says) as refused:
        Case.open(signed)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "what", ["every cell made a blast after the signature", "the signed case given another image"]
)
def test_nothing_after_the_signature_is_shown_or_exported(signed: Path, tmp_path: Path, what: str) -> None:
    with look(signed) as case:
        before = differential_document(case)
    alter(signed, FORGED[what][0])
    with look(signed) as case:
        after = differential_document(case)
        assert after["classes"] == before["classes"]
        assert after["slides"] == before["slides"]
        assert after["journal"]["ok"] is False
        assert before["journal"] == {**before["journal"], "ok": True, "distrust": None}
        assert "line 9" in after["journal"]["distrust"]
        page = html_report(case)
        assert page.index('class="distrust" role="alert"') < page.index("Signed")
        for kind in ("csv", "tally"):
            export(case, kind, tmp_path / kind)
            header, *rows = (tmp_path / kind).read_text("utf-8").splitlines()
            assert header.endswith(",distrust")
            assert all("Do not rely on this case" in row for row in rows)
        export(case, "geojson", tmp_path / "geojson")
        assert "line 9" in json.loads((tmp_path / "geojson").read_text("utf-8"))["distrust"]
        with pytest.raises(Exception, match="Do not rely on this case"):
            export(case, "crops", tmp_path / "crops")


def test_a_slide_may_still_be_moved_and_a_signature_amended(signed: Path) -> None:
    def move(lines: list[Line]) -> None:
        slide = lines[0]["new"]["slide"]
        moved = {**slide, "name": "b.png", "path": "/elsewhere/b.png", "relative": None}
        lines.append(following(lines[-1], kind="slide moved", old={"slide": slide}, new={"slide": moved}))

    alter(signed, move)
    with Case.open(signed, reviewer="Ada") as case:
        assert case.verify().ok
        assert case.slide_record.name == "b.png"
        case.sign_off.begin_amendment("a cell was missed")
        case.set_label(1, "BLA")
        case.sign("Dr Ada")
        assert case.verify().ok
    with look(signed) as case:
        assert [each.counts.get("BLA", 0) for each in case.sign_off.signatures] == [0, 1]
        assert case.distrust == ""


def test_a_forged_line_before_an_amendment_is_found_too(signed: Path) -> None:
    def forge(lines: list[Line]) -> None:
        lines.append(following(lines[-1], kind="label set", cells=ALL, old=NOBODY, new="BLA"))
        lines.append(following(lines[-1], kind="amended", old={"signature": 8}, new={"reason": "x"}))

    alter(signed, forge)
    with look(signed) as case:
        assert case.verify().first_bad_seq == 9
        assert case.is_signed


def test_a_journal_without_its_first_line_is_not_shown(signed: Path) -> None:
    alter(signed, lambda lines: lines.pop(0))
    with pytest.raises(CaseError, match="line 1 of the journal was not allowed"):
        look(signed)


def test_lines_written_as_they_were_stay_as_they_were(signed: Path) -> None:
    before = signed.read_bytes()
    with look(signed) as case:
        head = case.history.last.hash
    rewrite(signed, lines_of(signed))
    with look(signed) as case:
        assert case.history.last.hash == head
    assert sqlite3.connect(signed).execute("SELECT count(*) FROM events").fetchone() == (8,)
    assert len(before)
