"""verify and agreement as a user types them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array


@pytest.fixture
def read_twice(tmp_path: Path) -> Path:
    """Four cells that two readers have read; they differ on one."""
    path = tmp_path / "smear.bmcase"
    slide = slide_from_array(np.full((200, 400, 3), 230, np.uint8), 0.1, tmp_path / "smear.png")
    with Case.create(path, slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(400, 200, 0.0), 4)
        n = np.ones(4, np.float32)
        x = np.array([50.0, 150.0, 250.0, 350.0])
        case.detection.record(Cells(np.arange(1, 5), x, np.full(4, 100.0), 9 * n, n, n > 0), {})
        case.set_label([1, 2], "BLA")
        case.set_label([3, 4], "LYT")
        case.readings.begin_second("Dr B")
        case.set_label([1, 2, 3], "BLA")
        case.set_label([4], "LYT")
        case.readings.end()
        case.sign("Dr A", "the third cell is seen tomorrow")
    return path


Run = Callable[..., tuple[int, str, str]]


def test_verify_tells_the_chain_and_the_signature(run: Run, read_twice: Path) -> None:
    code, out, _err = run("verify", read_twice)
    assert code == 0
    chain, signature = out.splitlines()
    assert chain.endswith("lines, all as written")
    assert "signed by Dr A at 20" in signature
    assert signature.endswith("tamper-evident, not authenticated")


def test_a_changed_line_fails_and_the_others_are_checked_still(
    run: Run, read_twice: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.bmcase"
    changed.write_bytes(read_twice.read_bytes())
    connection = sqlite3.connect(changed)
    kept = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _sql in kept:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE events SET body = replace(body, 'BLA', 'PLM') WHERE seq = 4")
    for _name, sql in kept:
        connection.execute(sql)
    connection.commit()
    connection.close()
    code, out, err = run("verify", changed, read_twice)
    assert code == 1
    assert "line 4 of the journal was changed" in err
    assert "all as written" in out
    assert json.loads(run("verify", changed, "--json")[1])["cases"][0]["ok"] is False


def test_what_is_no_case_is_a_line_and_a_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "no.bmcase").write_text("nothing")
    code, out, err = run("verify", tmp_path / "no.bmcase")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_agreement_is_told_in_words_and_as_json(run: Run, read_twice: Path) -> None:
    _code, out, _err = run("agreement", read_twice)
    assert out.startswith("Dr A and Dr B: 3 of 4 cells alike (75.0 %), Cohen's kappa 0.500")
    found = json.loads(run("agreement", read_twice, "--json")[1])
    assert (found["n"], found["agreed"], found["unsettled"]) == (4, 3, 1)
    assert found["readers"] == ["Dr A", "Dr B"]
    assert found["confusion"] == [[2, 0], [1, 1]]


def test_one_reader_alone_is_told(run: Run, tmp_path: Path) -> None:
    slide = slide_from_array(np.full((20, 20, 3), 230, np.uint8), 0.1, tmp_path / "b.png")
    Case.create(tmp_path / "one.bmcase", slide, reviewer="Dr A").close()
    code, _out, err = run("agreement", tmp_path / "one.bmcase")
    assert code == 1
    assert "lacks two finished readings" in err


def test_labels_are_imported_and_vouched_for(run: Run, read_twice: Path, tmp_path: Path) -> None:
    slide = slide_from_array(np.full((200, 400, 3), 230, np.uint8), 0.1, tmp_path / "c.png")
    with Case.create(tmp_path / "c.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(400, 200, 0.0), 4)
        n = np.ones(2, np.float32)
        cells = Cells(np.arange(1, 3), np.array([50.0, 150.0]), np.full(2, 100.0), 9 * n, n, n > 0)
        case.detection.record(cells, {})
    (tmp_path / "labels.csv").write_text("cell_id,label\n1,BLA\n2,\n7,BLA\n1,XYZ\n")
    code, out, _err = run("import", case.path, tmp_path / "labels.csv")
    assert code == 0
    assert out.strip() == "1 taken, 1 not matched, 1 unknown (1 XYZ), 1 without a label"
    with Case.open(case.path, read_only=True) as opened:
        assert opened.differential().imported == 1
    found = json.loads(run("import", case.path, tmp_path / "labels.csv", "--reviewer", "Dr B", "--json")[1])
    assert (found["taken"], found["vouched"]) == (1, True)
    with Case.open(case.path, read_only=True) as opened:
        assert opened.labels[1].by == "Dr B"
        assert opened.differential().reviewed == 1
    for bad in (
        ("import", case.path, tmp_path / "none.csv"),
        ("import", read_twice, tmp_path / "labels.csv", "--reviewer", "Dr B"),
    ):
        code, out, err = run(*bad)
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1
