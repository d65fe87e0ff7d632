"""The file itself: what is refused, what is noticed, and that nothing is half-written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from napari_bonemarrow.cytology import Cells, Predictions
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.review.journal import journal
from napari_bonemarrow.review.journal.schema import SCHEMA
from napari_bonemarrow.slides import Slide
from tests.disk import small_disk

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


@pytest.fixture
def done(case: Case, say: Callable[..., Predictions]) -> Path:
    """A case at rest, with a detection, a model run and some labels."""
    case.model.record_predictions(say(case.cells.cell_id))
    for cell in range(1, 6):
        case.set_label(cell, "BLA")
    case.close()
    return case.path


def edit(path: Path, *statements: str) -> None:
    """Change a case as somebody with an SQLite shell would."""
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def unprotected(table: str, act: str, statement: str) -> tuple[str, ...]:
    """Drop a trigger, do it, and put the trigger back as it was."""
    trigger = f"{table}_no_{act}"
    return f"DROP TRIGGER {trigger}", statement, SCHEMA[trigger]


# --- refused


@pytest.mark.parametrize("content", [b"hello, I am no case\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(4000)])
def test_other_files_are_no_cases(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.bmcase"
    path.write_bytes(content)
    with pytest.raises(CaseError, match=r"x\.bmcase: it is not a case"):
        Case.open(path)
    assert path.read_bytes() == content


def test_another_database_is_no_case(tmp_path: Path) -> None:
    edit(tmp_path / "x.bmcase", "CREATE TABLE t (a)")
    with pytest.raises(CaseError, match="is not a case"):
        Case.open(tmp_path / "x.bmcase")


def test_missing_empty_and_folder_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="there is no case"):
        Case.open(tmp_path / "none.bmcase")
    assert not (tmp_path / "none.bmcase").exists()
    (tmp_path / "empty.bmcase").touch()
    with pytest.raises(CaseError, match="is empty"):
        Case.open(tmp_path / "empty.bmcase")
    with pytest.raises(CaseError, match="is a folder"):
        Case.open(tmp_path)


def test_a_newer_schema_asks_for_an_update(done: Path) -> None:
    edit(done, "PRAGMA user_version=3")
    with pytest.raises(CaseError, match=r"newer napari-bonemarrow \(schema 3"):
        Case.open(done)


def test_a_truncated_case_is_damaged(done: Path) -> None:
    done.write_bytes(done.read_bytes()[: done.stat().st_size // 2])
    with pytest.raises(CaseError, match="damaged") as caught:
        Case.open(done)
    assert "\n" not in str(caught.value)


def test_a_case_is_never_written_over(done: Path, slide: Slide) -> None:
    before = done.read_bytes()
    with pytest.raises(CaseError, match="already exists"):
        Case.create(done, slide, reviewer="Ben")
    assert done.read_bytes() == before
    assert [file.suffix for file in done.parent.iterdir() if file.is_file()] == [".bmcase"]


def test_a_case_lies_in_a_folder_of_any_name(tmp_path: Path, slide: Slide) -> None:
    path = tmp_path / "50 % #2 ? ünï & 'q'" / "a b.bmcase"
    with Case.create(path, slide, reviewer="Ada") as case:
        assert case.path == path
    with Case.open(path, read_only=True) as case:
        assert case.slide_record.name == "smear 1.png"


# --- evident


@pytest.mark.parametrize("table", ["events", "arrays"])
@pytest.mark.parametrize("statement", ["DELETE FROM {0}", "UPDATE {0} SET rowid = rowid + 1000"])
def test_triggers_refuse_change_and_deletion(done: Path, table: str, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="only grows"):
        edit(done, statement.format(table))


REBUILD = "UPDATE events SET body = replace(body, '\"BLA\"', '\"LYT\"') WHERE seq = 6"


@pytest.mark.parametrize(
    ("statements", "line", "says"),
    [
        (unprotected("events", "update", REBUILD), 6, "line 6 of the journal was changed"),
        (
            unprotected(
                "events", "update", "UPDATE events SET hash = lower(hex(zeroblob(32))) WHERE seq = 3"
            ),
            3,
            "line 3 of the journal was changed",
        ),
        (
            unprotected("events", "update", "UPDATE events SET body = body || ' ' WHERE seq = 2"),
            2,
            "line 2 of the journal was changed",
        ),
        (
            unprotected("events", "delete", "DELETE FROM events WHERE seq = 5"),
            5,
            "line 5 of the journal is missing",
        ),
        (
            unprotected("events", "delete", "DELETE FROM events WHERE seq = 1"),
            1,
            "line 1 of the journal is missing",
        ),
        (
            unprotected("events", "delete", "DELETE FROM events WHERE seq = 9"),
            9,
            "line 9 of the journal is missing",
        ),
        (
            unprotected("arrays", "update", "UPDATE arrays SET data = zeroblob(length(data))"),
            3,
            "the data of line 3 of the journal were changed",
        ),
        (
            unprotected("arrays", "delete", "DELETE FROM arrays WHERE length(data) = 40 * 21 * 4"),
            4,
            "the data of line 4 of the journal are missing",
        ),
        (("INSERT INTO arrays VALUES ('00', x'00')",), None, "data that no line of the journal names"),
        (("DROP TRIGGER events_no_delete",), None, "the protection of the file was altered"),
    ],
)
def test_what_was_changed_by_hand_is_found(
    done: Path, statements: tuple[str, ...], line: int | None, says: str
) -> None:
    edit(done, *statements)
    with pytest.raises(CaseError, match="was changed outside napari-bonemarrow") as caught:
        Case.open(done)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    with closing(sqlite3.connect(done)) as database:
        found = journal.verify_file(database)
    assert (found.ok, found.first_bad_seq) == (False, line)
    assert says in found.text


def test_a_changed_case_can_still_be_looked_at(done: Path) -> None:
    edit(done, *unprotected("events", "update", REBUILD))
    with Case.open(done, read_only=True) as case:
        assert not case.verification.ok
        assert case.verification.first_bad_seq == 6
        assert len(case.labels) == 5


def test_two_lines_that_changed_places_are_found(done: Path) -> None:
    with closing(sqlite3.connect(done)) as database:
        lines = {seq: rest for seq, *rest in database.execute("SELECT seq, body, hash FROM events")}
        database.execute("DROP TRIGGER events_no_update")
        for seq, other in ((6, 7), (7, 6)):
            database.execute("UPDATE events SET body = ?, hash = ? WHERE seq = ?", (*lines[other], seq))
        database.execute(SCHEMA["events_no_update"])
        database.commit()
        assert journal.verify_file(database).first_bad_seq == 6


def test_every_single_line_is_covered(done: Path, tmp_path: Path) -> None:
    for seq in range(1, 10):
        copy = tmp_path / f"{seq}.bmcase"
        shutil.copy(done, copy)
        statement = f"UPDATE events SET body = replace(body, 'Ada', 'Eve') WHERE seq = {seq}"
        edit(copy, *unprotected("events", "update", statement))
        with Case.open(copy, read_only=True) as case:
            assert case.verify().first_bad_seq == seq


def attempt(path: Path) -> Case | CaseError:
    """Open a case, or return why it could not be."""
    try:
        return Case.open(path)
    except CaseError as error:
        return error


def test_a_damaged_byte_anywhere_is_an_error_or_harmless(done: Path, tmp_path: Path) -> None:
    whole = done.read_bytes()
    with Case.open(done, read_only=True) as case:
        labels, events = dict(case.labels), case.history.events()
    dice, noticed = random.Random(5), 0
    copy = tmp_path / "damaged.bmcase"
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
        copy.write_bytes(damaged)
        opened = attempt(copy)
        if isinstance(opened, CaseError):
            noticed += 1
            assert "\n" not in str(opened)
            continue
        with opened:  # a bit that nothing uses
            assert dict(opened.labels) == labels
            assert opened.history.events() == events
    assert noticed > 10


def test_a_whole_case_verifies(done: Path) -> None:
    with Case.open(done) as case:
        assert case.verify().ok
        assert case.verify().text == "9 lines, all as written"


def test_a_clock_that_is_set_back_is_noted_and_times_keep_their_order(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.set_label(1, "BLA")
    yesterday = (
        (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    monkeypatch.setattr(journal, "_now", lambda: yesterday)
    case.set_label(2, "BLA")
    monkeypatch.undo()
    case.set_label(3, "BLA")
    events = case.history.events()
    times = [event.at for event in events]
    assert times == sorted(times)
    assert [event.clock for event in events[-3:]] == [None, yesterday, None]
    assert case.verify().ok
    assert "set back at 1" in case.verify().text


def test_people_can_read_the_journal_with_any_sqlite_tool(done: Path) -> None:
    with closing(sqlite3.connect(done)) as database:
        rows = database.execute(
            "SELECT seq, reviewer, kind, cells, old, new, source FROM events WHERE seq = 6"
        ).fetchall()
        assert rows == [(6, "Ada", "label set", "[2]", "[null]", "BLA", "reviewer")]
        assert database.execute("SELECT name, width, height FROM slides").fetchall() == [
            ("smear 1.png", 400, 300)
        ]


# --- one writer


def test_a_second_writer_is_told_who_holds_the_case(case: Case) -> None:
    with pytest.raises(CaseError, match=rf"being reviewed by .* \(process {os.getpid()}") as caught:
        Case.open(case.path)
    assert "\n" not in str(caught.value)
    case.set_label(1, "BLA")
    with Case.open(case.path, read_only=True) as reader:
        assert reader.effective_code(1) == "BLA"
        case.set_label(1, "LYT")


def test_closing_lets_the_next_one_in(case: Case) -> None:
    case.close()
    with Case.open(case.path, reviewer="Ben") as other:
        other.set_label(1, "BLA")
        assert other.labels[1].by == "Ben"


@pytest.fixture
def other_process(case: Case) -> subprocess.Popen[str]:
    """Another program that has the case open for writing."""
    case.close()
    code = (
        "import sys; from napari_bonemarrow.review import Case\n"
        "case = Case.open(sys.argv[1], reviewer='Ben'); case.set_label(1, 'PLM')\n"
        "print('open', flush=True); sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(case.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


@POSIX
def test_a_killed_writer_is_taken_over_and_lost_nothing(
    case: Case, other_process: subprocess.Popen[str]
) -> None:
    with pytest.raises(CaseError, match=rf"process {other_process.pid}"):
        Case.open(case.path)
    os.kill(other_process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, other_process.pid, os.WEXITED | os.WNOWAIT)  # dead, but its number still stands
    assert case.path.with_name(case.path.name + "-wal").exists()
    with Case.open(case.path, reviewer="Ada") as again:
        assert again.labels[1].code == "PLM"
        assert again.verify().ok
    assert not case.path.with_name(case.path.name + "-wal").exists()


@POSIX
def test_a_killed_writers_case_can_be_read_at_once(case: Case, other_process: subprocess.Popen[str]) -> None:
    os.kill(other_process.pid, signal.SIGKILL)
    other_process.wait()
    with Case.open(case.path, read_only=True) as reader:
        assert reader.labels[1].code == "PLM"


def test_a_process_number_that_was_given_again_is_not_the_holder(case: Case) -> None:
    path = case.path
    case.close()
    edit(
        path,
        f"INSERT INTO holder VALUES (1, {os.getpid()}, 1.0, '{socket.gethostname()}', 'x', 'then')",
    )
    with Case.open(path) as again:
        again.set_label(1, "BLA")
        assert again.labels[1].code == "BLA"


def test_a_holder_on_another_computer_stands_until_taken_over(case: Case) -> None:
    path = case.path
    case.close()
    edit(path, "INSERT INTO holder VALUES (1, 1, 1.0, 'elsewhere.example', 'ben', '2026-01-01T10:00:00Z')")
    with pytest.raises(CaseError, match=r"ben on elsewhere\.example \(process 1, since 2026-01-01"):
        Case.open(path)
    with Case.open(path, take_over=True) as again:
        again.set_label(1, "BLA")


def test_two_writers_after_all_cannot_fork_the_chain(case: Case) -> None:
    with Case.open(case.path, reviewer="Ben", take_over=True) as other:
        other.set_label(1, "BLA")
        with pytest.raises(CaseError, match="changed by another program"):
            case.set_label(2, "LYT")
        assert other.verify().ok


# --- disk


def test_a_case_at_rest_is_one_file(done: Path) -> None:
    assert [file.name for file in done.parent.iterdir() if file.is_file()] == [done.name]
    assert done.read_bytes()[18:20] == b"\x01\x01"  # a rollback journal: readable from a read-only disk


def test_local_disks_get_a_log_and_network_disks_a_rollback_journal(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pragmas() -> tuple[object, object]:
        with Case.open(done) as case:
            ask = case._core.journal._connection.execute
            return ask("PRAGMA journal_mode").fetchone()[0], ask("PRAGMA synchronous").fetchone()[0]

    monkeypatch.setattr(journal, "on_network", lambda path: False)
    assert pragmas() == ("wal", 2)  # FULL
    monkeypatch.setattr(journal, "on_network", lambda path: True)
    assert pragmas() == ("delete", 3)  # EXTRA
    with Case.open(done) as case:
        case.set_label(9, "PLM")
        assert not done.with_name(done.name + "-wal").exists()
    with Case.open(done, read_only=True) as case:
        assert case.labels[9].code == "PLM"


def full_disk(case: Case) -> Callable[[], None]:
    """Let the file grow no more; returns what makes room again."""
    connection = case._core.journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    return lambda: connection.execute("PRAGMA max_page_count=1000000").fetchone()


@pytest.mark.parametrize("network", [False, True])
def test_a_full_disk_loses_nothing_and_the_act_can_be_tried_again(
    done: Path, find: Callable[..., Cells], monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    monkeypatch.setattr(journal, "on_network", lambda path: network)
    with Case.open(done, reviewer="Ada") as case:
        told: list[object] = []
        case.changed.connect(told.append)
        make_room = full_disk(case)
        before = (case.history.events(), dict(case.labels), case.cells.cell_id.tolist(), case.can_undo)
        for act in (
            lambda: case.edits.comment(None, "x" * 10_000),
            lambda: case.detection.record(case.detection.fresh(find(500)), carry_over=True),
        ):
            with pytest.raises(CaseError, match=r"cannot save smear\.bmcase: the disk is full") as caught:
                act()
            assert "\n" not in str(caught.value)
        assert told == []
        assert (
            case.history.events(),
            dict(case.labels),
            case.cells.cell_id.tolist(),
            case.can_undo,
        ) == before
        make_room()
        case.set_label(20, "PLM")
        assert case.verify().ok
    with Case.open(done, read_only=True) as again:
        assert again.labels[20].code == "PLM"
        assert len(again.history.events()) == len(before[0]) + 1


@POSIX
def test_a_file_that_may_grow_no_more_loses_nothing(done: Path, tmp_path: Path, slide: Slide) -> None:
    with Case.open(done, reviewer="Ada") as case:
        before = (case.history.events(), dict(case.labels))
        with small_disk(20_000):
            with pytest.raises(CaseError, match="cannot save"):
                case.edits.comment(None, "x" * 100_000)
            with pytest.raises(CaseError, match="cannot create"):
                Case.create(tmp_path / "new.bmcase", slide, reviewer="Ada")
        assert (case.history.events(), dict(case.labels)) == before
        assert not [file for file in tmp_path.iterdir() if "new" in file.name]
        case.edits.comment(None, "x" * 100_000)
        assert case.verify().ok


@pytest.fixture
def foreign_folder() -> Iterator[tuple[Path, Callable[[], object]]]:
    """A folder that this process can read but not write, also where the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    user = os.geteuid()

    def give_up_rights() -> Path:
        folder.chmod(0o555)
        if user == 0:
            os.seteuid(65534)
        return folder

    try:
        yield folder, give_up_rights
    finally:
        if user == 0:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


@POSIX
def test_a_case_without_permission_to_write_can_be_read(
    done: Path, foreign_folder: tuple[Path, Callable[[], object]], slide: Slide
) -> None:
    folder, give_up_rights = foreign_folder
    shutil.copy(done, folder / "theirs.bmcase")
    (folder / "theirs.bmcase").chmod(0o444)
    give_up_rights()
    with pytest.raises(CaseError, match="no permission to write") as caught:
        Case.open(folder / "theirs.bmcase")
    assert "\n" not in str(caught.value)
    with pytest.raises(CaseError, match="cannot"):
        Case.create(folder / "new.bmcase", slide, reviewer="Ada")
    with Case.open(folder / "theirs.bmcase", read_only=True) as case:
        assert len(case.labels) == 5


def test_a_new_case_where_nothing_can_be_written_says_so(tmp_path: Path, slide: Slide) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CaseError, match="cannot make the folder"):
        Case.create(tmp_path / "file" / "x.bmcase", slide, reviewer="Ada")


def test_nothing_of_the_files_own_text_is_kept(done: Path) -> None:
    record = Case.open(done, read_only=True)
    with record:
        assert set(record.history.events()[0].new["slide"]) == {
            "name",
            "path",
            "relative",
            "fingerprint",
            "width",
            "height",
            "vendor",
            "slide",
        }
