"""combine as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Cells, Differential, Frame, Support
from napari_bonemarrow.cytology.domain import DomainCheck
from napari_bonemarrow.cytology.profiles import profile
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array
from napari_bonemarrow.workflow import combination

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def smear(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a reviewed case of a slide of its own."""

    def make(name: str, blasts: int, others: int = 90, shade: int = 230, sign: bool = False) -> Path:
        path, count = tmp_path / f"{name}.bmcase", blasts + others
        slide = slide_from_array(np.full((200, 4000, 3), shade, np.uint8), 0.1, tmp_path / f"{name}.png")
        with Case.create(path, slide, reviewer="Dr A") as case:
            case.sampling.set_frame(Frame.whole_field(4000, 200, 0.0), 500)
            n = np.ones(count, np.float32)
            x = np.linspace(10, 3990, count)
            case.detection.record(Cells(np.arange(1, count + 1), x, 100 * n, 9 * n, n, n > 0), {})
            case.set_label(range(1, blasts + 1), "BLA")
            case.set_label(range(blasts + 1, count + 1), "NGS")
            if sign:
                case.sign("Dr A")
        return path

    return make


def test_two_smears_are_one_count(run: Run, smear: Callable[..., Path], tmp_path: Path) -> None:
    one, two = smear("one", 10, sign=True), smear("two", 12, shade=231)
    code, out, err = run("combine", one, two, "--out", tmp_path / "both")
    assert (code, err) == (0, "")
    assert "one.bmcase: 100 cells counted, signed" in out
    assert "two.bmcase: 102 cells counted, reviewed" in out
    assert "do not differ more than chance" in out
    document = json.loads((tmp_path / "both" / "combined.json").read_text("utf-8"))
    assert (document["counted"], document["reviewed"]) == (202, 202)
    assert {row["code"]: row["count"] for row in document["classes"] if row["count"]} == {
        "BLA": 22,
        "NGS": 180,
    }
    assert document["homogeneity"]["p_value"] > 0.5
    assert [each["signed"] for each in document["smears"]] == [True, False]
    assert json.loads(run("combine", one, two, "--out", tmp_path / "both", "--json")[1]) == document


def test_smears_that_differ_are_told(run: Run, smear: Callable[..., Path], tmp_path: Path) -> None:
    _code, out, _err = run(
        "combine", smear("one", 10), smear("two", 60, shade=231), "--out", tmp_path / "both"
    )
    assert "differ more than chance: chi-square test of homogeneity, p = " in out


def test_a_smear_unlike_the_training_data_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {"one": DomainCheck(100, 5, 5), "two": DomainCheck(100, 90, 60), "none": None}

    def part(path: Path) -> combination.Part:
        check, support = checks[path.stem], dict.fromkeys(BMC21, Support.TRAINED)
        count = Differential.of_counts({"NGS": 90, "EBO": 10}, 100, support, domain=check)
        return combination.Part(path, "", path.stem, count, False, support)

    monkeypatch.setattr(combination, "_read", part)
    found = combination.combine_cases([Path("one.bmcase"), Path("two.bmcase")])
    assert found.notes[0].startswith("two.bmcase: This smear looks unlike what the model has learnt")
    assert not any(note.startswith("one.bmcase") for note in found.notes)
    assert found.count.domain == DomainCheck(200, 95, 65)
    codes = {flag.code for flag in found.count.flags}
    assert "unlike_training" in codes
    assert "domain_unchecked" not in codes
    unchecked = combination.combine_cases([Path("one.bmcase"), Path("none.bmcase")])
    assert "domain_unchecked" in {flag.code for flag in unchecked.count.flags}


def test_what_cannot_be_combined_is_one_line(run: Run, smear: Callable[..., Path], tmp_path: Path) -> None:
    one, same = smear("one", 10), smear("same", 20)
    other, sampled = smear("other", 10, shade=231), smear("sampled", 1, shade=232)
    with Case.open(other, reviewer="Dr A") as case:
        case.counting.use(profile("ICSH 2008, faggot cells as blasts"))
    with Case.open(sampled, reviewer="Dr A") as case:
        case.set_label(case.cells.cell_id, None)
        case.sample.begin(seed=1)
    for cases, says in (
        ((one,), "give two or more"),
        ((one, same), "is of the same slide as"),
        ((one, one), "is of the same slide as"),
        ((one, other), "count both by the same rules"),
        ((one, sampled), "does not add up with counts: review all its cells first"),
        ((one, tmp_path / "none.bmcase"), "none.bmcase"),
    ):
        code, _out, err = run("combine", *cases, "--out", tmp_path / "both")
        assert code == 1
        assert err.startswith("error: ")
        assert says in err
        assert len(err.splitlines()) == 1
    assert not (tmp_path / "both").exists()
