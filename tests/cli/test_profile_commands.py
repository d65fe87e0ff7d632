"""profiles, and count by a profile, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "home"))
    made = tmp_path / "home" / "profiles"
    made.mkdir(parents=True)
    return made


def test_profiles_are_listed_and_a_wrong_one_is_an_error_line(run: Run, folder: Path) -> None:
    (folder / "ours.yaml").write_text("extends: ICSH 2008\nname: Ours\nversion: 2\n")
    code, out, err = run("profiles", "list")
    assert code == 0
    assert out.splitlines()[0] == "ICSH 2008, version 1"
    assert out.splitlines()[-1] == "Ours, version 2 (ours.yaml)"
    assert str(folder) in err
    (folder / "bad.yaml").write_text("name: Bad\ntarget: none\n")
    code, out, err = run("profiles", "list", "--json")
    assert code == 1
    assert err.startswith("error: bad.yaml, line 2: target")
    listed = {each["file"]: each for each in json.loads(out)["profiles"]}
    assert listed[str(folder / "bad.yaml")]["name"] is None
    assert listed[str(folder / "ours.yaml")]["version"] == "2"


def test_a_profile_is_shown_in_words_and_as_json(run: Run) -> None:
    _code, out, _err = run("profiles", "show", "ICSH 2008, M:E without monocytes")
    assert "without monocytes" in out
    assert "reference ranges, University of Iowa, adult: m_to_e 2–4" in out
    shown = json.loads(run("profiles", "show", "ICSH 2008", "--json")[1])
    assert (shown["target"], shown["minimum"]) == (500, 300)


def test_a_file_is_checked(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("extends: ICSH 2008\nname: Ours\n")
    assert run("profiles", "check", path)[:2] == (0, "ours.yaml: Ours can be used\n")
    assert json.loads(run("profiles", "check", path, "--json")[1])["ok"] is True
    path.write_text("extends: ICSH 2008\nname: Ours\nrules:\n  blasts: [XXX]\n")
    code, out, err = run("profiles", "check", path)
    assert (code, out) == (1, "")
    assert err.startswith("error: ours.yaml, line 4: rules.blasts: XXX is not a class")
    assert len(err.splitlines()) == 1


def test_an_unknown_profile_stops_a_count_before_it_begins(run: Run, tmp_path: Path) -> None:
    code, _out, err = run("count", tmp_path / "none.png", "--out", tmp_path / "out", "--profile", "Nobody's")
    assert code == 1
    assert "is not a counting profile: see 'profiles list'" in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()
