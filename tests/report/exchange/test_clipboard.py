from __future__ import annotations

from collections.abc import Callable

from napari_bonemarrow.report.exchange.clipboard import clipboard_table
from napari_bonemarrow.review import Case
from tests.report.test_record import review_all


def lines(text: str) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t") for line in text.splitlines()}


def test_a_count_is_a_table_of_tabs(case: Case) -> None:
    found = lines(clipboard_table(case.differential()))
    assert found["PLM"][:4] == ["PLM", "plasma cell", "2", "not reliably recognised by this model"]
    review_all(case)
    found, count = lines(clipboard_table(case.differential())), case.differential()
    assert found["code"] == ["code", "class", "cells", "percent", "95 % interval"]
    assert found["BLA"] == ["BLA", "blast", "10", f"{count.row('BLA').percent:.1f}", count.row("BLA").ci_text]
    assert found["ART"] == ["ART", "left out of the count", "3"]
    assert found["M:E"][3].startswith("no erythroid cells counted")
    assert found[""] == ["", "counted", "55"]


def test_nothing_counted_and_a_doubtful_case_are_told(make_case: Callable[..., Case]) -> None:
    text = clipboard_table(make_case([]).differential(), "=Do not\trely\non this")
    assert text.startswith("'=Do not rely on this\ncode\t")
    assert lines(text)["BLA"][3] == "–"
