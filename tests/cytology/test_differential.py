"""The differential: denominators, what is held back, notes, and the contract's JSON."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_bonemarrow.cytology import (
    BMC21,
    CLASSES,
    UNNAMED_TEXT,
    UNRELIABLE_TEXT,
    CountingRules,
    Differential,
    Support,
)

TRAINED = dict.fromkeys(BMC21, Support.TRAINED)


def cells(**counts: int) -> list[str]:
    return [code for code, count in counts.items() for _ in range(count)]


def model_only(codes: list[str], support: dict[str, Support] = TRAINED, **kwargs: object) -> Differential:
    return Differential.compute(codes, [False] * len(codes), support, **kwargs)


def all_reviewed(codes: list[str], **kwargs: object) -> Differential:
    return Differential.compute(codes, [True] * len(codes), {}, **kwargs)


def flags(differential: Differential) -> dict[str, str]:
    return {flag.code: flag.text for flag in differential.flags}


def test_excluded_classes_leave_the_denominator_and_are_shown_apart() -> None:
    count = model_only(cells(LYT=60, NGS=40, ART=7, KSC=2, NIF=3, OTH=1))
    assert count.counted == 100
    assert count.excluded == {"OTH": 1, "NIF": 3, "KSC": 2, "ART": 7}
    assert count.row("LYT").percent == 60.0
    assert count.row("LYT").ci95 == pytest.approx((50.2, 69.1), abs=0.05)
    assert not {"ART", "KSC", "NIF", "OTH"} & {row.code for row in count.classes}


def test_reviewer_only_classes_count_by_the_rules() -> None:
    count = all_reviewed(cells(MAS=1, PRM=2, LYT=97, MEG=5, MAC=4, NHC=3))
    assert count.counted == 100
    assert count.row("PRM").percent == 2.0
    assert count.excluded == {"MEG": 5, "MAC": 4, "NHC": 3}
    assert count.row("blasts").count == 0


def test_a_class_the_model_has_not_learnt_prints_nothing_until_all_is_reviewed() -> None:
    support = {**TRAINED, "MYB": Support.TRANSFERRED, "HAC": Support.NONE}
    codes = cells(MYB=20, LYT=80)
    count = model_only(codes, support)
    for code in ("MYB", "HAC"):
        row = count.row(code)
        assert (row.percent, row.ci95, row.reliable) == (None, None, False)
        assert row.percent_text == UNRELIABLE_TEXT
    assert count.row("MYB").count == 20
    # Nor does any other class: cells of those that cannot be named lie among theirs.
    assert count.row("LYT").percent is None

    almost = Differential.compute(codes, [True] * 99 + [False], support)
    assert almost.row("MYB").percent is None
    done = Differential.compute(codes, [True] * 100, support)
    assert done.row("MYB").percent == 20.0
    assert done.row("HAC").percent_text == "0.0 %"
    assert done.fully_reviewed


def test_an_unreviewed_artefact_holds_a_class_back_too() -> None:
    # The model may have taken a blast for an artefact, so cells of excluded classes must be seen as well.
    codes = cells(BLA=10, ART=1)
    support = {**TRAINED, "BLA": Support.NONE}
    assert Differential.compute(codes, [True] * 10 + [False], support).row("BLA").percent is None
    assert Differential.compute(codes, [True] * 11, support).row("BLA").percent == 100.0


def test_without_a_model_nothing_is_printed_until_all_is_reviewed() -> None:
    count = Differential.compute(["LYT", "LYT", ""], [True, True, False], {})
    assert count.row("LYT").percent is None
    assert count.unclassified == 1
    assert count.counted == 2
    assert "unclassified" in flags(count)


def test_m_to_e_names_its_definition_and_has_an_interval() -> None:
    codes = cells(BLA=5, NGS=180, EOS=5, MON=10, EBO=90, PEB=10, LYT=100)
    ratio = model_only(codes).ratios["m_to_e"]
    assert ratio.value == pytest.approx(2.0)
    assert ratio.ci95 is not None
    assert ratio.ci95[0] < 2 < ratio.ci95[1]
    assert "with monocytes" in ratio.definition
    without = model_only(codes, rules=CountingRules(monocytes_in_me=False)).ratios["m_to_e"]
    assert without.value == pytest.approx(1.9)


def test_m_to_e_is_held_back_with_its_weakest_class() -> None:
    codes = cells(NGS=200, EBO=100)
    ratio = model_only(codes, {**TRAINED, "MMZ": Support.TRANSFERRED}).ratios["m_to_e"]
    assert (ratio.value, ratio.ci95, ratio.text) == (None, None, UNRELIABLE_TEXT)
    # Lymphocytes stand on neither side, but theirs may be called something that does.
    other = model_only(codes, {**TRAINED, "LYT": Support.NONE}).ratios["m_to_e"]
    assert (other.value, other.ci95, other.text) == (None, None, UNNAMED_TEXT)
    assert model_only(codes, {**TRAINED, "KSC": Support.NONE}).ratios["m_to_e"].value == 2.0


def test_m_to_e_without_erythroid_cells_is_no_number() -> None:
    ratio = model_only(cells(NGS=50)).ratios["m_to_e"]
    assert ratio.value is None
    assert ratio.ci95 is not None
    assert math.isinf(ratio.ci95[1])
    assert ratio.to_dict()["ci95"][1] is None
    assert model_only(cells(LYT=50)).ratios["m_to_e"].ci95 is None


def test_eosinophils_have_a_common_total_beside_their_own_rows() -> None:
    count = all_reviewed(cells(EOS=6, ABE=2, LYT=92))
    assert (count.row("EOS").percent, count.row("ABE").percent) == (6.0, 2.0)
    assert count.row("eosinophils").percent == 8.0
    assert count.row("erythroid").percent == 0.0


def test_a_common_total_of_a_reviewed_count_adds_up_as_printed() -> None:
    count = all_reviewed(cells(EOS=1, ABE=1, LYT=1))
    assert count.row("eosinophils").percent == round(count.row("EOS").percent + count.row("ABE").percent, 1)


@pytest.mark.parametrize(
    ("blasts", "total", "crossed"),
    [
        (100, 500, (20.0,)),
        (99, 500, (20.0,)),
        (25, 500, (5.0,)),
        (60, 500, (10.0,)),
        (0, 500, ()),
        (75, 500, ()),
        (250, 500, ()),
        (40, 500, (10.0,)),
        (3, 20, (10.0, 20.0)),
    ],
)
def test_blast_thresholds_that_sampling_may_cross_are_noted(
    blasts: int, total: int, crossed: tuple[float, ...]
) -> None:
    count = model_only(cells(BLA=blasts, LYT=total - blasts))
    found = [flag for flag in count.flags if flag.code == "blasts_straddle"]
    assert tuple(flag.thresholds for flag in found) == ((crossed,) if crossed else ())


def test_a_threshold_is_tested_on_the_count_not_on_the_rounded_percentage() -> None:
    # 1999 of 10,000 prints 20.0 %, but it is below 20 %.
    count = model_only(cells(BLA=1_999, LYT=8_001))
    assert count.row("BLA").percent == 20.0
    assert "20 % (below it as counted)" in flags(count)["blasts_straddle"]
    assert "m_to_e_blasts" not in flags(count)
    assert "m_to_e_blasts" in flags(model_only(cells(BLA=2_000, LYT=8_000)))


@given(tenths=st.integers(1, 999), times=st.sampled_from([1, 3, 7, 100]))
@settings(max_examples=60, deadline=None)
@example(tenths=11, times=3)
@example(tenths=200, times=100)
def test_a_share_exactly_at_a_threshold_is_at_it_and_one_cell_fewer_below(tenths: int, times: int) -> None:
    limit, total, at = tenths / 10, 1000 * times, tenths * times
    rules = CountingRules(blast_thresholds=(limit,), me_blast_limit=limit, unidentified_limit=limit)
    for count, side in ((at, "at or above it"), (at - 1, "below it")):
        counted = Differential.of_counts({"BLA": count, "NGS": total - count, "": 0}, 0, {}, rules)
        told = flags(counted)
        assert f"{limit:g} % ({side} as counted)" in told["blasts_straddle"]
        assert ("m_to_e_blasts" in told) == (count == at)
        assert "counting cannot settle it" in told["blasts_straddle"] or count < at
    for count in (at, at + 1):
        found = Differential.of_counts({"NIF": count, "NGS": total - count}, 0, {}, rules).flags
        assert any(flag.code == "unidentified" for flag in found) == (count > at)


@given(blasts=st.integers(0, 100_000), limit=st.sampled_from([5.0, 10.0, 20.0]))
@settings(max_examples=60, deadline=None)
@example(blasts=20_000, limit=20.0)
def test_of_a_hundred_thousand_cells_a_note_asks_for_more_than_were_counted(
    blasts: int, limit: float
) -> None:
    counted = Differential.of_counts({"BLA": blasts, "PRM": 500, "NGS": 100_000 - blasts}, 0, {})
    told = [flag for flag in counted.flags if flag.code == "blasts_straddle" and limit in flag.thresholds]
    low, high = counted.row("blasts").ci95  # type: ignore[misc]
    assert bool(told) == (low < limit < high)
    assert counted.row("blasts").count == blasts  # promonocytes are none
    assert not any(re.search(r"about (-\d|0 )", flag.text) for flag in told)


@pytest.mark.parametrize("code", [code for code in CLASSES if CLASSES[code].counted])
def test_a_count_of_one_cell_is_whole(code: str) -> None:
    counted = Differential.of_counts({code: 1}, 0, {})
    assert counted.row(code).percent == 100.0
    assert counted.row("blasts").count == (code == "BLA")
    ratio = counted.ratios["m_to_e"]
    assert ratio.value is None or math.isfinite(ratio.value)
    json.dumps(counted.to_dict(), allow_nan=False)


def test_plasma_cell_thresholds_are_noted() -> None:
    assert flags(model_only(cells(PLM=60, LYT=440)))["plasma_cells_straddle"]
    assert "plasma_cells_straddle" not in flags(model_only(cells(PLM=150, LYT=350)))


def test_notes_that_need_an_unlearnt_class_are_withheld_and_say_so() -> None:
    support = {**TRAINED, "BLA": Support.TRANSFERRED, "OTH": Support.NONE}
    count = model_only(cells(BLA=80, LYT=320, NIF=100), support)
    found = flags(count)
    assert {"blasts_withheld", "unidentified_withheld"} <= set(found)
    assert not {"blasts_straddle", "m_to_e_blasts", "unidentified"} & set(found)
    assert UNRELIABLE_TEXT in found["blasts_withheld"]
    assert "80" not in found["blasts_withheld"]
    reviewed = flags(all_reviewed(cells(BLA=80, LYT=320, NIF=100)))
    assert {"blasts_straddle", "unidentified"} <= set(reviewed)


def test_a_model_that_has_not_learnt_all_classes_is_said_to_swell_the_others() -> None:
    support = {**TRAINED, "PLM": Support.NONE}
    codes = cells(BLA=36, LYT=64)
    note = flags(model_only(codes, support))["unlearnt_classes"]
    assert "100 cells wait" in note
    assert "(PLM)" in note
    assert "unlearnt_classes" not in flags(model_only(codes, TRAINED))
    assert "unlearnt_classes" not in flags(Differential.compute(codes, [True] * 100, support))


STARTER_LIKE = {
    **dict.fromkeys(BMC21, Support.NONE),
    **dict.fromkeys(("ART", "BLA", "EOS", "LYT", "MON", "NGS", "NIF", "PMO"), Support.TRAINED),
}


def test_a_model_that_cannot_name_plasma_cells_gives_no_percentage_of_blasts() -> None:
    # 7 of 114 read "6.1 % (2.8-12.7)" though they were plasma cells.
    codes = cells(BLA=7, LYT=107)
    count = model_only(codes, STARTER_LIKE)
    blasts = count.row("BLA")
    assert (blasts.percent, blasts.ci95, blasts.ci_text) == (None, None, "")
    assert blasts.percent_text == "6 % of what the model can name"
    entry = next(row for row in count.to_dict()["classes"] if row["code"] == "BLA")
    assert (entry["percent"], entry["ci95"], entry["share_of_named"]) == (None, None, 6)
    assert count.row("blasts").percent_text == blasts.percent_text
    assert count.row("PLM").share_of_named is None
    assert {row.percent for row in (*count.classes, *count.groups)} == {None}
    assert "blasts_straddle" not in flags(count)
    assert UNNAMED_TEXT in flags(count)["blasts_withheld"]
    assert "of what the model can name" in flags(count)["unlearnt_classes"]


def test_shares_of_a_partly_reviewed_count_say_so_and_figures_stand_at_its_end() -> None:
    codes = cells(BLA=7, LYT=101, PLM=6)
    half = Differential.compute(codes, [True] * 57 + [False] * 57, STARTER_LIKE)
    assert half.row("BLA").percent_text == "6 % so far, partly reviewed"
    assert half.row("BLA").percent is None
    assert "partly reviewed count" in flags(half)["unlearnt_classes"]
    done = Differential.compute(codes, [True] * 114, STARTER_LIKE)
    assert done.row("BLA").percent_text == "6.1 %"
    assert done.row("BLA").ci95 is not None
    assert done.row("BLA").to_dict()["share_of_named"] is None
    assert "blasts_straddle" in flags(done)


@given(
    st.dictionaries(st.sampled_from(sorted(CLASSES)), st.integers(0, 40), min_size=1),
    st.sampled_from([code for code in BMC21 if code not in CountingRules().excluded]),
    st.data(),
)
def test_no_figure_stands_while_a_counted_class_cannot_be_named(
    counts: dict[str, int], lacking: str, data: st.DataObject
) -> None:
    codes = cells(**counts)
    waiting = data.draw(st.integers(1, max(1, len(codes))))
    if waiting > len(codes):
        return
    marks = [False] * waiting + [True] * (len(codes) - waiting)
    count = Differential.compute(codes, marks, {**TRAINED, lacking: Support.FEW})
    assert all(row.percent is None and row.ci95 is None for row in (*count.classes, *count.groups))
    assert count.ratios["m_to_e"].value is None
    assert not any(flag.thresholds for flag in count.flags)
    for row in count.classes:
        assert row.share_of_named is None or (row.share_of_named == 0) == (row.count == 0)


def test_faggot_cells_become_blasts_on_request() -> None:
    codes = cells(BLA=10, FGC=15, LYT=475)
    assert all_reviewed(codes).row("blasts").count == 10
    rules = CountingRules(fgc_as_blast=True)
    count = all_reviewed(codes, rules=rules)
    assert count.row("blasts").count == 25
    assert (5.0,) in [flag.thresholds for flag in count.flags]
    assert "BLA + FGC" in {note.code: note.text for note in count.notes}["blast_definition"]


def test_many_unidentified_cells_are_noted_above_five_per_cent_exactly() -> None:
    assert "unidentified" not in flags(model_only(cells(LYT=95, NIF=3, OTH=2)))
    assert "unidentified" in flags(model_only(cells(LYT=94, NIF=3, OTH=3)))
    strict = CountingRules(unidentified_limit=1.0)
    assert "unidentified" in flags(model_only(cells(LYT=95, NIF=3), rules=strict))


def test_a_count_below_its_target_says_how_many_are_missing() -> None:
    assert "12 fewer" in flags(model_only(cells(LYT=488), target=500))["below_target"]
    assert "below_target" not in flags(model_only(cells(LYT=500), target=500))


def test_every_count_says_what_intervals_cover_and_what_a_blast_is() -> None:
    notes = {note.code: note.text for note in model_only([]).notes}
    assert "only sampling error" in notes["sampling_only"]
    assert "promonocytes are not counted as blasts" in notes["blast_definition"]


def test_nothing_counted_prints_no_percentage() -> None:
    count = model_only([])
    assert count.counted == 0
    assert all(row.percent is None and row.ci95 is None for row in count.classes)
    assert count.row("LYT").percent_text == "–"
    assert not count.fully_reviewed
    json.dumps(count.to_dict(), allow_nan=False)
    only_artefacts = all_reviewed(cells(ART=5))
    assert only_artefacts.counted == 0
    assert only_artefacts.row("BLA").percent is None


def test_a_class_that_was_seen_never_reads_zero() -> None:
    count = model_only(cells(BLA=1, LYT=49_999))
    assert count.row("BLA").percent == 0.0
    assert count.row("BLA").percent_text == "< 0.1 %"


def test_tags_have_a_percentage_a_lineage_once_all_is_reviewed() -> None:
    codes = cells(EBO=8, PEB=2, NGS=10, ART=1)
    tags = {0: {"dysplastic"}, 9: {"dysplastic", "mitosis"}, 20: {"dysplastic"}}
    unreviewed = model_only(codes, tags=tags)
    assert [row.percent for row in unreviewed.tags] == [None, None]
    (dysplastic, mitosis) = all_reviewed(codes, tags=tags).tags
    assert (dysplastic.tag, dysplastic.lineage, dysplastic.count, dysplastic.of) == (
        "dysplastic",
        "erythroid",
        2,
        10,
    )
    assert dysplastic.percent == 20.0
    assert mitosis.count == 1


def test_unknown_codes_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="XYZ"):
        model_only(["XYZ"])
    with pytest.raises(ValueError, match="2 codes for 1"):
        Differential.compute(["LYT", "LYT"], [True], TRAINED)


def test_json_is_the_contracts() -> None:
    count = all_reviewed(cells(BLA=10, EBO=20, NGS=70, ART=3), target=300)
    document = json.loads(json.dumps(count.to_dict(), allow_nan=False))
    expected = {"counted", "target", "excluded", "classes", "ratios", "flags", "reviewed", "unreviewed"}
    assert expected <= set(document)
    row = document["classes"][0]
    first = ["code", "name", "count", "percent", "ci95", "ci_method", "support", "share_of_named"]
    assert list(row)[: len(first)] == first
    assert {name: row[name] for name in first} == {
        "code": "BLA",
        "name": "blast",
        "count": 10,
        "percent": 10.0,
        "ci95": [5.52, 17.44],
        "ci_method": "wilson",
        "support": "none",
        "share_of_named": None,
    }
    assert set(document["ratios"]["m_to_e"]) >= {"value", "ci95", "definition"}
    assert (document["reviewed"], document["unreviewed"], document["counted"]) == (103, 0, 100)


code = st.sampled_from([*CLASSES, ""])
smear = st.lists(st.tuples(code, st.booleans()), max_size=300)
some_support = st.dictionaries(st.sampled_from(BMC21), st.sampled_from(list(Support)))


@given(smear, some_support)
def test_every_cell_is_in_exactly_one_place(
    drawn: list[tuple[str, bool]], support: dict[str, Support]
) -> None:
    codes, reviewed = [code for code, _ in drawn], [done for _, done in drawn]
    count = Differential.compute(codes, reviewed, support)
    assert count.counted + sum(count.excluded.values()) + count.unclassified == len(drawn)
    assert count.counted == sum(row.count for row in count.classes)
    assert count.reviewed + count.unreviewed == len(drawn)
    assert {row.code: row.count for row in count.classes if row.count} == {
        code: n for code, n in Counter(codes).items() if code and code not in count.rules.excluded
    }


@given(smear, some_support)
def test_no_figure_rests_on_a_model_that_lacks_a_class(
    drawn: list[tuple[str, bool]], support: dict[str, Support]
) -> None:
    codes, reviewed = [code for code, _ in drawn], [done for _, done in drawn]
    count = Differential.compute(codes, reviewed, support)
    for row in (*count.classes, *count.groups):
        counted = [code for code in BMC21 if code not in count.rules.excluded]
        learnt = all(support.get(member) is Support.TRAINED for member in (*counted, *row.codes))
        if not learnt and not all(reviewed):
            assert row.percent is None
            assert row.ci95 is None
            assert not row.reliable
        elif count.counted:
            assert row.ci95 is not None
            assert row.ci95[0] <= 100 * row.count / count.counted <= row.ci95[1]


@given(st.lists(st.sampled_from(list(CLASSES)), min_size=1, max_size=400))
def test_a_reviewed_column_adds_up_to_one_hundred(codes: list[str]) -> None:
    count = all_reviewed(codes)
    if count.counted:
        assert round(sum(row.percent or 0.0 for row in count.classes), 6) == 100.0


@given(smear, st.randoms())
def test_order_and_container_do_not_matter(drawn: list[tuple[str, bool]], random: object) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    as_lists = Differential.compute([c for c, _ in drawn], [r for _, r in drawn], TRAINED)
    as_arrays = Differential.compute(
        np.array([c for c, _ in shuffled], dtype="<U3"), np.array([r for _, r in shuffled], bool), TRAINED
    )
    assert as_lists == as_arrays


def test_cells_below_the_models_confidence_are_noted() -> None:
    codes = cells(BLA=36, LYT=64)
    waiting = Differential.compute(codes, [False] * 100, TRAINED, doubtful=12)
    assert "12 cells of the 100" in flags(waiting)["below_confidence"]
    assert "below_confidence" not in flags(Differential.compute(codes, [False] * 100, TRAINED))


def test_a_straddle_says_how_many_more_cells_would_tell() -> None:
    text = flags(all_reviewed(cells(BLA=90, LYT=410)))["blasts_straddle"]
    # ((1.95996 * sqrt(.2 * .8) + 0.84162 * sqrt(.18 * .82)) / .02)^2 = 3066 cells in all
    assert text.endswith(
        "If the share stays 18.0 %, about 2570 more cells would tell it from 20 % (in 4 of 5 smears, at "
        "95 %)."
    )
    text = flags(all_reviewed(cells(BLA=99, LYT=401)))["blasts_straddle"]
    assert text.endswith(
        "At a share of 19.8 % not even 10000 cells would tell it from 20 %: counting cannot settle it."
    )
    assert "counting cannot settle it" in flags(all_reviewed(cells(BLA=100, LYT=400)))["blasts_straddle"]
    two = flags(all_reviewed(cells(BLA=7, LYT=93)))["blasts_straddle"]
    assert two.count("If the share stays 7.0 %") == 2


def test_simultaneous_intervals_are_wider_and_of_classes_alone() -> None:
    count = all_reviewed(cells(BLA=100, EBO=400))
    alone, together = count.row("BLA").ci95, count.row("BLA").simultaneous_ci95
    assert alone is not None
    assert together is not None
    assert together[0] < alone[0] < alone[1] < together[1]
    assert count.row("BLA").to_dict()["simultaneous_ci95"] == [15.17, 25.89]
    assert count.row("blasts").simultaneous_ci95 is None
    assert model_only(cells(BLA=9), {"BLA": Support.TRAINED}).row("BLA").simultaneous_ci95 is None


def test_each_number_names_its_rule() -> None:
    excluded = "OTH, NIF, KSC, ART, MEG, MAC, NHC"
    count = all_reviewed(cells(BLA=60, PLM=30, EBO=210, NIF=40))
    assert count.row("BLA").rule == f"ICSH 2008: per cent of all nucleated cells but {excluded}"
    assert count.row("erythroid").rule.startswith("ICSH 2008: PEB + EBO, per cent of all nucleated cells")
    assert count.ratios["m_to_e"].rule == f"ICSH 2008: M:E is {count.rules.me_definition}"
    rules = {flag.code: flag.rule for flag in count.flags}
    assert rules["blasts_straddle"] == "ICSH 2008: BLA at 5 %, 10 %, 20 %"
    assert rules["plasma_cells_straddle"] == "ICSH 2008: PLM at 10 %, 60 %"
    assert rules["unidentified"] == "ICSH 2008: NIF + OTH at 5 %"
    document = count.to_dict()
    assert all(row["rule"] for row in (*document["classes"], *document["groups"]))
    assert document["profile"]["version"] == "1"


def test_a_profile_prints_its_reference_ranges_and_bare_rules_none() -> None:
    count = all_reviewed(cells(BLA=10, EBO=90))
    assert count.row("erythroid").references[0].source == "University of Iowa, adult"
    assert count.ratios["m_to_e"].to_dict()["reference_ranges"][0] == {
        "low": 2.0,
        "high": 4.0,
        "unit": ": 1",
        "source": "University of Iowa, adult",
    }
    assert count.row("HAC").references == ()
    assert all_reviewed(cells(EBO=9), rules=CountingRules(name="ours")).row("erythroid").references == ()


def test_tagged_auer_rods_have_a_note_of_their_own() -> None:
    tags = {0: ["auer_rod"], 1: ["auer_rod", "dysplastic"], 99: ["auer_rod"]}
    count = all_reviewed([*cells(BLA=8, LYT=91), "ART"], tags=tags)
    text = flags(count)["auer_rods"]
    assert text.startswith("2 counted cells carry the tag Auer rod: where blasts are below 10 %")
    assert "diagnos" not in text
    assert "auer_rods" not in flags(all_reviewed(cells(BLA=8, LYT=92), tags={0: ["dysplastic"]}))
