"""Signing with a key: what a signature proves, where the key is kept, and whom this computer knows."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from napari_bonemarrow.cytology import Predictions
from napari_bonemarrow.review import (
    Authentication,
    Case,
    CaseError,
    Keeping,
    add_reviewer,
    authentication,
    fingerprint_of,
    key_record,
    known_reviewers,
    make_key,
    open_key,
    planned_keeping,
    read_reviewers,
    remove_reviewer,
    reviewers_text,
)
from napari_bonemarrow.system.home import home
from tests.adversarial.forging import Line, alter, lines_of


class Drawer(KeyringBackend):
    """A keyring that keeps what it is given for as long as the test runs."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def no_keyring() -> Iterator[None]:
    """A computer without a keyring, whatever the one that runs the tests has."""
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def drawer(no_keyring: None) -> Drawer:
    """A computer with a keyring."""
    drawer = Drawer()
    keyring.set_keyring(drawer)
    return drawer


@pytest.fixture
def read(case: Case, say: Callable[..., Predictions]) -> Case:
    """A case all of whose cells are reviewed."""
    case.model.record_predictions(say(case.cells.cell_id))
    case.set_label(case.cells.cell_id, "NGS")
    return case


@pytest.fixture
def signed(read: Case) -> Path:
    """A case signed with the key of Dr Ada, at rest."""
    read.sign("Dr Ada", key=open_key("Dr Ada"))
    read.close()
    return read.path


def look(path: Path) -> Case:
    return Case.open(path, read_only=True)


# --- what a signature proves


def test_a_signature_is_made_by_the_signers_key_and_is_known_here(signed: Path) -> None:
    with look(signed) as case:
        assert case.verify().ok
        signature = case.signature
        assert signature is not None
        record = key_record("dr ada")  # one person however the name is written
        assert record is not None
        assert signature.public == record.public
        word, text = authentication(signature)
        assert word is Authentication.KNOWN
        assert (
            text == f"signed by the key of Dr Ada ({fingerprint_of(record.public)}), known to this computer"
        )
    with Case.open(signed, reviewer="Ada") as case:
        case.sign_off.begin_amendment("a cell was missed")
        assert case.verify().ok


def test_elsewhere_the_key_is_unknown_until_it_is_added(
    signed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exported = reviewers_text(known_reviewers())
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "elsewhere"))
    with look(signed) as case:
        signature = case.signature
        assert signature is not None
        word, text = authentication(signature)
        assert word is Authentication.UNKNOWN
        assert fingerprint_of(signature.public) in text
        (tmp_path / "ada.json").write_text(exported)
        (ada,) = read_reviewers(tmp_path / "ada.json")
        assert add_reviewer(ada.name, ada.public).name == "Dr Ada"
        assert authentication(signature)[0] is Authentication.KNOWN
        assert [each.own for each in known_reviewers()] == [False]
        with pytest.raises(CaseError, match="known as that of Dr Ada"):
            add_reviewer("Dr Eve", ada.public)
        assert remove_reviewer(ada.fingerprint) == [ada]
        assert authentication(signature)[0] is Authentication.UNKNOWN


def test_a_name_that_is_not_that_of_the_key_is_told(read: Case) -> None:
    read.sign("Dr Ada", key=open_key("Dr Eve"))
    assert read.signature is not None
    word, text = authentication(read.signature)
    assert word is Authentication.OTHER
    assert "by the key of Dr Eve" in text
    assert "not that of Dr Ada" in text


def test_a_signature_without_a_key_is_not_authenticated(read: Case) -> None:
    read.sign("Dr Ada")
    assert read.signature is not None
    assert authentication(read.signature)[0] is Authentication.NONE
    assert read.verify().ok


def rewritten(lines: list[Line], **said: object) -> None:
    lines[-1]["new"].update(said)


def relabelled(lines: list[Line]) -> None:
    """Make other cells of it, and state their counts."""
    lines[-2]["new"] = "BLA"
    rewritten(lines, counts={"BLA": 30})


TAMPERING: dict[str, Callable[[list[Line]], object]] = {
    "another name": lambda lines: rewritten(lines, name="Dr Eve"),
    "another reason": lambda lines: rewritten(lines, reason="because"),
    "another program": lambda lines: rewritten(lines, program="another 1.0"),
    "other labels and their counts": relabelled,
    "another time": lambda lines: lines[-1].update(at="2999-01-01T00:00:00.000Z"),
    "a clock that was wrong": lambda lines: lines[-1].update(clock="1999-01-01T00:00:00.000Z"),
    "another writer": lambda lines: lines[-1].update(reviewer="Eve"),
    "another case": lambda lines: lines[0]["new"].update(case="another"),
    "another slide": lambda lines: lines[0]["new"]["slide"].update(fingerprint="f" * 64),
    "another detection": lambda lines: lines[2]["new"]["parameters"].update(threshold=0.9),
    "another key": lambda lines: lines[-1]["new"]["key"].update(public="0" * 64),
    "another proof": lambda lines: lines[-1]["new"]["key"].update(proof="0" * 128),
    "a line put in before": lambda lines: lines.insert(
        1, {**lines[0], "kind": "comment", "cells": [], "old": None, "new": "fine"}
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_changed_under_a_key_is_found_though_every_hash_fits(signed: Path, what: str) -> None:
    alter(signed, TAMPERING[what])
    with pytest.raises(CaseError, match=r"key that it names did not sign this|makes no sense"):
        Case.open(signed)
    with look(signed) as case:
        assert not case.verify().ok
        assert not case.is_signed


def test_a_signature_does_not_go_over_to_another_case(signed: Path, read: Case, tmp_path: Path) -> None:
    line = lines_of(signed)[-1]
    other = Path(shutil.copy(signed, tmp_path / "other.bmcase"))
    alter(other, lambda lines: (lines[0]["new"].update(case="of its own"), lines.__setitem__(-1, line)))
    with pytest.raises(CaseError, match="did not sign this"):
        Case.open(other)


def test_taking_the_key_away_leaves_what_is_not_authenticated(signed: Path) -> None:
    alter(signed, lambda lines: lines[-1]["new"].pop("key"))
    with look(signed) as case:
        assert case.verify().ok
        assert case.signature is not None
        assert authentication(case.signature)[0] is Authentication.NONE


def test_a_case_changed_while_it_is_signed_is_not_signed(read: Case) -> None:
    draft = read.sign_off.prepare("Dr Ada", key=open_key("Dr Ada"))
    read.edits.comment(None, "wait")
    with pytest.raises(CaseError, match="changed while it was being signed"):
        read.sign_off.finish(draft)
    assert not read.is_signed


def test_what_one_person_prepared_is_not_signed_under_the_name_of_another(read: Case) -> None:
    draft = read.sign_off.prepare("Dr Ada", key=open_key("Dr Ada"))
    before, read.reviewer = read.reviewer, "Dr Eve"
    with pytest.raises(CaseError, match="another person reviews"):
        read.sign_off.finish(draft)
    assert not read.is_signed
    read.reviewer = before
    read.sign_off.finish(draft)
    assert read.verify().ok


def test_a_clock_set_back_is_part_of_what_is_signed(read: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_bonemarrow.review.journal import journal

    monkeypatch.setattr(journal, "_now", lambda: "2001-01-01T00:00:00.000Z")
    read.sign("Dr Ada", key=open_key("Dr Ada"))
    read.close()
    with look(read.path) as case:
        assert case.verify().ok
        assert case.history.last.clock == "2001-01-01T00:00:00.000Z"


# --- where the key is kept


def test_without_a_keyring_the_key_is_a_file_for_this_account_alone() -> None:
    assert planned_keeping() is Keeping.FILE
    key = open_key("Dr Ada")
    record = key_record("Dr Ada")
    assert record is not None
    assert record.keeping is Keeping.FILE
    assert "only this user's account can read" in record.where
    assert open_key("DR ADA ").public == key.public
    if os.name == "posix":
        assert stat.S_IMODE(record.path.with_suffix(".pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(record.path.parent.stat().st_mode) == 0o700
    assert open_key("Dr Eve").public != key.public


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_key_that_others_can_read_is_refused() -> None:
    open_key("Dr Ada")
    record = key_record("Dr Ada")
    assert record is not None
    record.path.with_suffix(".pem").chmod(0o644)
    with pytest.raises(CaseError, match="can be read by others: chmod 600"):
        open_key("Dr Ada")


def test_where_there_is_a_keyring_it_keeps_the_key_and_no_file_does(drawer: Drawer) -> None:
    key = open_key("Dr Ada")
    record = key_record("Dr Ada")
    assert record is not None
    assert record.keeping is Keeping.KEYRING
    assert list(drawer.kept) == [("napari-bonemarrow", record.public)]
    assert [file.suffix for file in record.path.parent.iterdir()] == [".json"]
    assert "PRIVATE" not in record.path.read_text()
    assert open_key("Dr Ada").public == key.public


def test_a_keyring_that_does_not_answer_makes_no_weaker_key(drawer: Drawer) -> None:
    before = open_key("Dr Ada").public
    drawer.kept.clear()
    with pytest.raises(CaseError, match="keyring does not give the signing key of Dr Ada"):
        open_key("Dr Ada")
    record = key_record("Dr Ada")
    assert record is not None
    assert (record.public, record.keeping) == (before, Keeping.KEYRING)


def test_a_passphrase_is_asked_for_and_a_wrong_one_opens_nothing() -> None:
    record = make_key("Dr Ada", "open sesame")
    assert record.needs_passphrase
    assert b"ENCRYPTED" in record.path.with_suffix(".pem").read_bytes()
    with pytest.raises(CaseError, match="has a passphrase: give it"):
        open_key("Dr Ada")
    for wrong in ("", "open says me"):
        with pytest.raises(CaseError, match="passphrase is wrong"):
            open_key("Dr Ada", lambda name, wrong=wrong: wrong)
    assert open_key("Dr Ada", lambda name: "open sesame").public == record.public
    with pytest.raises(CaseError, match="has a signing key already"):
        make_key("dr ada")


@pytest.mark.parametrize("damage", ["gone", "nonsense", "another's", "record"])
def test_a_key_that_cannot_be_had_is_one_line_and_none_is_made_instead(damage: str) -> None:
    open_key("Dr Ada")
    record = key_record("Dr Ada")
    assert record is not None
    file = record.path.with_suffix(".pem")
    if damage == "gone":
        file.unlink()
    elif damage == "nonsense":
        file.write_text("nonsense")
    elif damage == "record":
        record.path.write_text("{}")
    else:
        open_key("Dr Eve")
        other = key_record("Dr Eve")
        assert other is not None
        file.write_bytes(other.path.with_suffix(".pem").read_bytes())
    with pytest.raises(CaseError) as refused:
        open_key("Dr Ada")
    assert "\n" not in str(refused.value)


def test_a_damaged_list_of_reviewers_is_one_line(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"form": 1}', json.dumps({"form": "x", "reviewers": []}), "[" * 100_000):
        (tmp_path / "list.json").write_text(text)
        with pytest.raises(CaseError, match="is not a list of reviewers"):
            read_reviewers(tmp_path / "list.json")
    home().mkdir(parents=True, exist_ok=True)
    with pytest.raises(CaseError, match="hexadecimal"):
        add_reviewer("Dr Ada", "0" * 63)
    with pytest.raises(CaseError, match="printable"):
        add_reviewer("Dr\x1b[31m", "0" * 64)
