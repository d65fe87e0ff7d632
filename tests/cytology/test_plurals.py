"""Numbers of things in words, and nobody else makes a plural."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_bonemarrow.cytology.plurals import count_of, plural

SOURCE = Path(__file__).parents[2] / "src" / "napari_bonemarrow"


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "cell", "0 cells"),
        (1, "cell", "1 cell"),
        (2, "plasma cell", "2 plasma cells"),
        (1, "plasma cell", "1 plasma cell"),
        (3, "class", "3 classes"),
        (3, "copy", "3 copies"),
        (2, "key", "2 keys"),
        (2, "patch", "2 patches"),
        (2, "epoch", "2 epochs"),
    ],
)
def test_a_noun_follows_its_number(number: int, noun: str, text: str) -> None:
    assert count_of(number, noun) == text


def test_of_a_part_the_noun_follows_the_whole() -> None:
    assert count_of(1, "cell", of=12) == "1 of 12 cells"
    assert count_of(0, "cell", of=1) == "0 of 1 cell"


def test_an_irregular_noun_is_given_its_plural() -> None:
    assert plural("nucleus", "nuclei") == "nuclei"
    assert count_of(1, "nucleus", "nuclei") == "1 nucleus"


_BY_HAND = re.compile(r"else ?['\"]s['\"]|['\"]1 \w+['\"] if .* == 1 else")


def test_no_plural_is_made_by_hand() -> None:
    found = [
        f"{path.relative_to(SOURCE)}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if _BY_HAND.search(line)
    ]
    assert found == []
