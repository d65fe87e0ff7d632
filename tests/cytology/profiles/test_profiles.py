"""Counting profiles: those of the program and of a laboratory; wrong files are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_bonemarrow.cytology import CLASSES, CountingRules
from napari_bonemarrow.cytology.profiles import (
    CountingProfile,
    ProfileError,
    default_profile,
    listed_profiles,
    profile,
    profiles,
    read_profile,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the laboratory's empty folder of profiles."""
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "home"))
    made = tmp_path / "home" / "profiles"
    made.mkdir(parents=True)
    return made


def refused(path: Path) -> str:
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


def test_the_default_is_icsh_2008_with_the_rules_of_the_program() -> None:
    assert default_profile().rules == CountingRules()
    assert (default_profile().target, default_profile().minimum) == (500, 300)
    assert "Lee" in default_profile().source


def test_built_in_profiles_differ_from_the_default_where_their_names_say() -> None:
    own = {each.profile.name: each.profile for each in listed_profiles() if each.own and each.profile}
    assert len(own) == 3
    default = default_profile().rules.model_dump()
    for name, field in (
        ("ICSH 2008, M:E without monocytes", "monocytes_in_me"),
        ("ICSH 2008, faggot cells as blasts", "fgc_as_blast"),
    ):
        rules = profile(name).rules.model_dump()
        assert {key for key in rules if rules[key] != default[key]} == {"name", field}
        assert rules["name"] == name
        assert profile(name).reference_ranges == default_profile().reference_ranges


def test_each_reference_range_names_its_source() -> None:
    ranges = default_profile().references("PMO")
    assert [each.text for each in ranges] == [
        "2–6 % (University of Iowa, adult)",
        "2–4 % (Wintrobe's Clinical Hematology 1999, adult, quoted at second hand)",
    ]
    assert default_profile().references("m_to_e")[0].short_text == "2–4 : 1"
    assert default_profile().references("HAC") == ()


def test_a_laboratory_adds_a_profile_that_states_only_its_differences(folder: Path) -> None:
    (folder / "ours.yaml").write_text(
        "extends: ICSH 2008\n"
        "name: Our laboratory\n"
        "version: 1.10\n"
        "target: 400\n"
        "rules:\n"
        "  blast_thresholds: [5, 20]\n"
        "reference_ranges:\n"
        "  - source: our 120 donors\n"
        "    ranges: {BLA: [0, 1.8]}\n",
        encoding="utf-8",
    )
    ours = profile("Our laboratory")
    assert ours.title == "Our laboratory, version 1.10"
    assert (ours.target, ours.minimum) == (400, 300)
    assert ours.rules.blast_thresholds == (5, 20)
    assert ours.rules.plasma_thresholds == (10, 60)
    assert [each.text for each in ours.references("BLA")] == ["0–1.8 % (our 120 donors)"]
    assert ours.references("PMO") == ()
    assert profiles()[-1] == ours == profile("ours") == profile(folder / "ours.yaml")
    assert CountingProfile.model_validate(ours.to_json()) == ours


def test_a_version_is_not_inherited(folder: Path) -> None:
    path = folder / "ours.yaml"
    path.write_text("extends: ICSH 2008\nname: Ours\n")
    assert read_profile(path).title == "Ours"


def test_profiles_in_a_circle_are_named(folder: Path) -> None:
    (folder / "a.yaml").write_text("name: A\nextends: b.yaml\n")
    (folder / "b.yaml").write_text("name: B\n\nextends: A\n")
    text = refused(folder / "a.yaml")
    assert text.startswith("b.yaml, line 3: extends: the profiles extend each other in a circle")
    (folder / "self.yaml").write_text("extends: self.yaml\nname: S\n")
    assert "circle (self.yaml → self.yaml)" in refused(folder / "self.yaml")


BEGIN = "extends: ICSH 2008\nname: Ours\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (BEGIN + "rules:\n  blasts: [BLA, BLX]\n", 4, "rules.blasts: BLX is not a class"),
        (BEGIN + "rules:\n  blasts: [PRM]\n", 4, "rules.blasts: PRM stands in both groups"),
        (BEGIN + "rules:\n  blast_thresholds:\n    - 5\n    - 200\n", 6, "rules.blast_thresholds.1: 200"),
        (BEGIN + "rules:\n  blast_thresholds: [.nan]\n", 4, "rules.blast_thresholds.0: nan"),
        (BEGIN + "rules:\n  blastz: [BLA]\n", 4, "rules.blastz: is not a field: fields here are excluded"),
        (BEGIN + "targets: 400\n", 3, "targets: is not a field: fields here are name, version"),
        (BEGIN + "target: many\n", 3, "target: 'many'"),
        (BEGIN + "target: 200\n", 3, "target: a minimum of 300 is more than the target of 200"),
        (BEGIN + "target: 400\nname: Ours\n", 4, "name is there twice"),
        (BEGIN + "rules: &a\n  blasts: [BLA]\n", 3, "anchors and aliases"),
        (BEGIN + "rules:\n  blasts: *a\n", 4, "anchors and aliases"),
        (BEGIN + "rules:\n\tblasts: [BLA]\n", 4, "tab"),
        (BEGIN + "rules: [\n", 4, "is not YAML"),
        (BEGIN + "rules: " + "[" * 50 + "]" * 50, 3, "nested too deep"),
        (BEGIN + "target: !!python/object/apply:os.system [ls]\n", 3, "target"),
        (BEGIN + "source: !mine x\n", 3, "!mine"),
        (BEGIN + "target: 1_0\n---\nname: two\n", 4, "is not YAML"),
        (BEGIN + "reference_ranges:\n  - ranges: {BLA: [0, 2]}\n", 4, "source: is missing"),
        (
            BEGIN + "reference_ranges:\n  - source: us\n    ranges:\n      BLA: [0, 2]\n      PMX: [1, 2]\n",
            7,
            "PMX: is neither a class code",
        ),
        (
            BEGIN + "reference_ranges:\n  - source: us\n    ranges: {BLA: [2, 1]}\n",
            5,
            "BLA: 2 is more than 1",
        ),
        ("extends: No such rules\nname: Ours\n", 1, "extends: 'No such rules' is not a counting profile"),
        ("extends: ICSH 2008\ntarget: 400\n", 1, "is one of the program's own profiles"),
        ("name: ICSH 2008\ntarget: 400\n", 1, "is one of the program's own profiles"),
        ('extends: ICSH 2008\nname: "two\\nlines"\n', 2, "name: 'two"),
        ("- a\n- b\n", 1, "such as 'name: …'"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_field(
    folder: Path, text: str, line: int, says: str
) -> None:
    path = folder / "ours.yaml"
    path.write_text(text, encoding="utf-8")
    found = refused(path)
    assert found.startswith(f"ours.yaml, line {line}: "), found
    assert says in found, found


def test_an_error_in_the_extended_file_names_that_file(folder: Path) -> None:
    (folder / "base.yaml").write_text("name: Base\nrules:\n  plasma: [XXX]\n")
    (folder / "ours.yaml").write_text("extends: base.yaml\nname: Ours\nrules:\n  blasts: [BLA]\n")
    assert refused(folder / "ours.yaml").startswith("base.yaml, line 3: rules.plasma: XXX")


def test_unreadable_files_are_refused_in_one_line(folder: Path) -> None:
    path = folder / "ours.yaml"
    for content, says in (
        (b"name: \xff\xfe\n", "is not UTF-8"),
        (b"name: \x00\n", "character that YAML does not allow"),
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"#" * (2**20 + 1), "larger than 1 MiB"),
    ):
        path.write_bytes(content)
        assert says in refused(path)
    assert "cannot be read" in refused(folder / "none.yaml")
    assert "cannot be read" in refused(folder)


def test_a_wrong_file_in_the_folder_is_listed_with_its_error_and_hides_no_other(folder: Path) -> None:
    (folder / "bad.yaml").write_text("name: Bad\ntarget: x\n")
    (folder / "good.yaml").write_text("name: Good\n")
    listed = {each.path.name: each for each in listed_profiles()}
    assert listed["bad.yaml"].profile is None
    assert listed["bad.yaml"].error.startswith("bad.yaml, line 2: target")
    assert [each.name for each in profiles()][3:] == ["Good"]


def test_two_files_of_one_name_are_refused_by_that_name(folder: Path) -> None:
    for file in ("a.yaml", "b.yaml"):
        (folder / file).write_text("name: Same\n")
    with pytest.raises(ProfileError, match=r"a\.yaml and b\.yaml are both named Same"):
        profile("Same")


def test_every_reference_range_is_of_a_printed_row() -> None:
    excluded = default_profile().rules.excluded
    for each in default_profile().reference_ranges:
        assert not [code for code in each.ranges if code in CLASSES and code in excluded]


def test_the_profile_of_the_documentation_can_be_used(folder: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "counting.md").read_text("utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    (folder / "documented.yaml").write_text(text, "utf-8")
    assert profile("Our laboratory").title == "Our laboratory, version 2026-12"
