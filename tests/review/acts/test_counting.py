"""The counting profile of a case: chosen, undone, kept in the journal, signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_bonemarrow.cytology import Predictions
from napari_bonemarrow.cytology.profiles import CountingProfile, default_profile, profile, read_profile
from napari_bonemarrow.review import Case, CaseError, EventKind


@pytest.fixture
def ours(tmp_path: Path) -> CountingProfile:
    """Return a laboratory's profile: faggot cells are blasts, 400 cells."""
    path = tmp_path / "ours.yaml"
    path.write_text("extends: ICSH 2008\nname: Ours\nversion: 3\ntarget: 400\nrules: {fgc_as_blast: true}\n")
    made = read_profile(path)
    path.unlink()  # a count needs no file
    return made


def test_a_case_counts_by_icsh_2008_until_another_profile_is_chosen(
    case: Case, ours: CountingProfile, say: Callable[..., Predictions]
) -> None:
    assert case.counting.profile == default_profile()
    case.model.record_predictions(say(case.cells.cell_id, "FGC"))
    assert case.differential().row("blasts").count == 0
    case.counting.use(ours)
    assert case.differential().row("blasts").count == 30
    assert case.statistics.model_differential().rules == ours.rules
    assert case.differential(default_profile()).row("blasts").count == 0
    for _ in range(2):
        case.tally.count("FGC")
    assert case.tally.differential().row("blasts").count == 2


def test_the_journal_keeps_the_whole_profile(case: Case, ours: CountingProfile) -> None:
    case.counting.use(ours)
    case.close()
    with Case.open(case.path, reviewer="Ada") as again:
        assert again.counting.profile == ours
        assert again.differential().to_dict()["profile"]["version"] == "3"
        assert again.verify().ok


def test_it_is_undone_and_repeated_also_after_reopening(case: Case, ours: CountingProfile) -> None:
    case.counting.use(ours)
    case.counting.use(profile("ICSH 2008, M:E without monocytes"))
    case.undo()
    assert case.counting.profile == ours
    case.close()
    with Case.open(case.path, reviewer="Ada") as again:
        again.undo()
        assert again.counting.profile == default_profile()
        again.redo()
        assert again.counting.profile == ours
        assert again.counting.use(ours) is None


def test_the_target_follows_the_profile_where_it_was_that_of_the_profile(
    case: Case, ours: CountingProfile
) -> None:
    case.counting.use(ours)
    assert case.target == 100  # the reviewer's own
    case.undo()
    frame = case.frame
    assert frame is not None
    case.sampling.set_frame(frame, 500)
    case.counting.use(ours)
    assert case.target == 400
    case.undo()
    assert case.target == 500
    case.redo()
    case.sampling.set_frame(frame, 450)
    case.undo()
    assert case.target == 450


def test_a_profile_does_not_lower_the_target_once_classes_were_seen(
    case: Case, ours: CountingProfile, say: Callable[..., Predictions]
) -> None:
    frame = case.frame
    assert frame is not None
    case.counting.use(ours)
    case.sampling.set_frame(frame, 400)
    case.model.record_predictions(say(case.cells.cell_id))
    assert case.sampling.least_target == 400
    case.counting.use(default_profile())
    assert case.target == 500
    case.counting.use(ours)
    assert case.target == 500


def test_a_target_from_a_profile_is_the_least_once_classes_were_seen(
    case: Case, ours: CountingProfile, say: Callable[..., Predictions]
) -> None:
    frame = case.frame
    assert frame is not None
    case.sampling.set_frame(frame, 500)
    case.counting.use(ours)
    case.undo()
    case.redo()
    case.model.record_predictions(say(case.cells.cell_id))
    assert case.sampling.least_target == 400
    with pytest.raises(CaseError, match="a target of 400"):
        case.sampling.set_frame(frame, 399)


def test_a_signature_names_the_rules_and_their_version_and_freezes_them(
    case: Case, ours: CountingProfile
) -> None:
    case.counting.use(ours)
    case.set_label(case.cells.cell_id, "NGS")
    case.sign("Ada")
    signature = case.signature
    assert signature is not None
    assert signature.rules == "Ours, version 3"
    with pytest.raises(CaseError, match="signed by Ada"):
        case.counting.use(default_profile())
    assert "signed by Ada" in case.counting.refusal
    case.close()
    with Case.open(case.path, read_only=True) as again:
        assert again.distrust == ""
        assert "look at only" in again.counting.refusal


def test_a_sample_is_estimated_by_the_rules_of_the_case(case: Case, ours: CountingProfile) -> None:
    case.counting.use(ours)
    case.sample.begin(seed=1)
    case.set_label(case.sample.next(100), "FGC")
    found = case.sample.estimate()
    assert found is not None
    assert found.row("blasts").percent == 100.0
    assert case.differential().row("blasts").percent == 100.0


def test_two_readers_count_by_the_same_rules(case: Case, ours: CountingProfile) -> None:
    case.counting.use(ours)
    case.set_label(case.cells.cell_id, "NGS")
    case.readings.end()
    assert case.counting.refusal == ""
    case.readings.begin_second("Ben")
    assert case.counting.refusal.startswith("both readers count by the same rules")
    with pytest.raises(CaseError, match="same rules"):
        case.counting.use(default_profile())


def test_a_profile_that_is_none_in_a_journal_is_refused_at_its_line(case: Case) -> None:
    from napari_bonemarrow.review.journal.events import Draft

    old = {"profile": default_profile().to_json(), "target": 100}
    wrong = {"profile": {"name": "Ours", "rules": {"blasts": ["PRM"]}}, "target": 100}
    seq = case.history.last.seq + 1
    with pytest.raises(ValueError, match="PRM"):
        case._core.act(Draft(EventKind.COUNTING_RULES_SET, old=old, new=wrong))
    case.close()
    with pytest.raises(CaseError, match=f"line {seq} of the journal makes no sense"):
        Case.open(case.path)
