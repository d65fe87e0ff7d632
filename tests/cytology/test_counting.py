"""Counting rules: what a laboratory may change and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_bonemarrow.cytology import CLASSES, CountingRules


def test_default_rules_give_every_class_a_place() -> None:
    rules = CountingRules()
    assert set(rules.excluded) == {"ART", "KSC", "NIF", "OTH", "MEG", "MAC", "NHC"}
    assert rules.erythroid == ("PEB", "EBO")
    assert {"EOS", "ABE"} == set(rules.eosinophils)
    assert set(rules.me_numerator) & set(rules.excluded) == set()


def test_faggot_cells_are_blasts_on_request_only() -> None:
    assert CountingRules().blast_codes == ("BLA",)
    assert CountingRules(fgc_as_blast=True).blast_codes == ("BLA", "FGC")


def test_definitions_say_which_convention_was_used() -> None:
    assert "with monocytes" in CountingRules().me_definition
    without = CountingRules(monocytes_in_me=False)
    assert "without monocytes" in without.me_definition
    assert "MON" not in without.me_definition
    assert "promonocytes are not counted as blasts" in CountingRules().blast_definition


@pytest.mark.parametrize(
    "wrong",
    [
        {"erythroid": ("XYZ",)},
        {"blasts": ("BLA", "PRM")},
        {"blasts": ("NIF",)},
        {"myeloid": ("BLA", "EBO")},
        {"unidentified_limit": 120.0},
        {"no_such_rule": 1},
        {"blasts": ("BLA", "BLA")},
        {"myeloid": ("BLA", "NGS", "NGS")},
        {"excluded": ("ART", "ART")},
        {"myeloid": ("BLA", "MON")},
        {"plasma": ("PLM", "BLA")},
        {"eosinophils": ("EOS", "EBO")},
        {"unidentified": ("NIF", "NGS")},
        {"unidentified_limit": float("nan")},
        {"me_blast_limit": float("inf")},
        {"blast_thresholds": (5.0, float("nan"))},
        {"blast_thresholds": (5.0, 150.0)},
        {"plasma_thresholds": (-10.0,)},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CountingRules(**wrong)


def test_rules_survive_json() -> None:
    rules = CountingRules(name="our laboratory", fgc_as_blast=True, blast_thresholds=(5, 20))
    assert CountingRules.model_validate_json(rules.model_dump_json()) == rules


def test_every_code_in_the_rules_is_a_class() -> None:
    rules = CountingRules()
    assert set(rules.excluded + rules.me_numerator + rules.erythroid + rules.plasma) <= set(CLASSES)


def test_which_code_and_which_groups_do_not_fit_is_told() -> None:
    with pytest.raises(ValidationError, match="blasts: BLA occurs twice"):
        CountingRules(blasts=("BLA", "BLA"))
    with pytest.raises(ValidationError, match="myeloid and monocytic: MON stands in both groups"):
        CountingRules(myeloid=("BLA", "MON"))
