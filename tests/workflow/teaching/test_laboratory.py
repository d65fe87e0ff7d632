"""A laboratory head: from signed cases alone, for the next one, without what it must forget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.workflow.teaching.laboratory import (
    begin_with,
    default_head,
    forget_case,
    heads,
    heads_folder,
    load_head,
    remember_cases,
    set_default_head,
)
from tests.marrow_case import TRUTH, marrow_case, name


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three signed cases whose bundle is right on half of the cells."""
    folder, paths = tmp_path_factory.mktemp("signed"), []
    for number in range(3):
        paths.append(folder / f"case {number}.bmcase")
        with marrow_case(paths[-1], right=0.5, seed=number) as case:
            name(case, np.arange(1, 121))
            case.sign("Ada", "enough to learn from")
    return paths


@pytest.fixture
def fresh(tmp_path: Path) -> Case:
    """The next case, of which no cell is reviewed."""
    with marrow_case(tmp_path / "next.bmcase", right=0.5, seed=9) as case:
        yield case


def right(case: Case) -> float:
    return float(np.mean([code == truth for code, truth in zip(case.effective_codes(), TRUTH, strict=True)]))


def test_the_next_case_begins_better(signed: list[Path], fresh: Case) -> None:
    alone = right(fresh)
    info = remember_cases(signed, "our lab", "May-Gruenwald")
    assert (info.cases, info.notes) == (3, "May-Gruenwald")
    assert sum(info.taught.values()) == 360
    assert info.left_out.head > info.left_out.bundle
    begin_with(fresh, load_head("our lab"))
    assert fresh.learning.predicted_by == "starter+our lab"
    assert right(fresh) > alone + 0.2
    shown = fresh.predictions.probabilities.tobytes()
    fresh.close()
    for file in heads_folder().glob("our lab/*"):
        file.unlink()
    with Case.open(fresh.path, reviewer="Ada") as again:  # the case keeps what it predicts from
        assert again.predictions.probabilities.tobytes() == shown
        again.set_label(30, str(TRUTH[29]))
        again.learning.bring_up_to_date()
        assert again.learning.predicted_by == "starter+case"
        again.learning.choose_laboratory(None)
        assert again.learning.laboratory_name == ""


def test_it_is_extended_and_forgets(signed: list[Path]) -> None:
    first = remember_cases(signed[:1], "lab")
    assert (first.cases, first.left_out) == (1, None)
    assert "second case" in first.text
    assert remember_cases(signed[1:], "lab").cases == 3
    assert remember_cases(signed[:1], "lab").cases == 3  # known: learnt again, not twice
    assert forget_case(signed[1], "lab").cases == 2
    with pytest.raises(LearningError, match="has not learnt from case"):
        forget_case(signed[1], "lab")
    forget_case(signed[0], "lab")
    assert forget_case(signed[2], "lab").cases == 0
    assert heads() == ()


def test_no_name_of_a_slide_gets_into_it(signed: list[Path]) -> None:
    remember_cases(signed, "lab")
    written = b"".join(file.read_bytes() for file in heads_folder().glob("lab/*"))
    assert b"case 0" not in written
    assert b"Ada" not in written


def test_unsigned_and_nameless_are_refused(signed: list[Path], fresh: Case) -> None:
    with pytest.raises(LearningError, match="not signed"):
        remember_cases([fresh.path], "lab")
    for bad in ("", "../lab", "none", "a/b", " lab", "x" * 80):
        with pytest.raises(LearningError, match="no name for a head"):
            remember_cases(signed, bad)
    with pytest.raises(LearningError, match="no laboratory head 'lab': known are none"):
        load_head("lab")


def test_a_head_that_is_worse_than_the_bundle_is_refused(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.bmcase" for number in range(2)]
    for number, path in enumerate(paths):
        with marrow_case(path, right=1.0, seed=number) as case:
            wrong = np.roll(TRUTH, number + 1)
            for cell in range(1, 61):
                code = TRUTH[cell - 1] if number else wrong[cell - 1]
                case.set_label(cell, str(code))
            case.sign("Ada", "contradictory")
    with pytest.raises(LearningError, match="not used"):
        remember_cases(paths, "lab")
    assert heads() == ()


def test_a_damaged_head_is_told_and_does_no_harm(signed: list[Path], fresh: Case) -> None:
    remember_cases(signed, "lab")
    numbers = heads_folder() / "lab" / "head.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-7] + b"damaged")
    with pytest.raises(LearningError, match="not the file that its card names"):
        load_head("lab")
    (heads_folder() / "lab" / "card.json").write_text("{}", "utf-8")
    assert "is damaged" in heads()[0].problem


def test_another_bundle_is_refused(signed: list[Path], fresh: Case) -> None:
    from dataclasses import replace

    from napari_bonemarrow.cytology import ModelReference

    remember_cases(signed, "lab")
    predictions = replace(fresh.predictions, model=ModelReference("other", "b" * 64))
    fresh.model.record_predictions(predictions)
    with pytest.raises(CaseError, match="was made for starter"):
        begin_with(fresh, load_head("lab"))


def test_the_default_is_kept(signed: list[Path]) -> None:
    assert default_head() == ""
    remember_cases(signed, "lab")
    set_default_head("lab")
    assert default_head() == "lab"
    with pytest.raises(LearningError):
        set_default_head("other")
    set_default_head("")
    assert default_head() == ""
