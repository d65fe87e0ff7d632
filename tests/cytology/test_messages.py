"""Texts that can be translated."""

from __future__ import annotations

import pickle

from napari_bonemarrow.cytology import BMC21, Differential, DomainCheck, Support
from napari_bonemarrow.cytology.messages import Message, counted_message, listed, message, translated


class German:
    """A few translations."""

    WORDS = {  # noqa: RUF012
        "{cells} counted: {missing} fewer than the target.": "{cells} gezählt: {missing} zu wenig.",
        "{n} cell": "{n} Zelle",
        "{n} cells": "{n} Zellen",
        "{share:.1f} % blasts": "{share:.1f} % Blasten",
        "blast": "Blast",
    }

    def gettext(self, message: str) -> str:
        return self.WORDS.get(message, message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self.gettext(singular if n == 1 else plural)


def test_a_message_is_its_english_text() -> None:
    text = message("{share:.1f} % blasts", share=12.34)
    assert text == "12.3 % blasts"
    assert isinstance(text, str)


def test_messages_inside_messages_are_translated_with_their_numbers() -> None:
    for number, german in ((1, "1 Zelle gezählt: 4 zu wenig."), (5, "5 Zellen gezählt: 4 zu wenig.")):
        cells = counted_message("{n} cell", "{n} cells", number)
        text = message("{cells} counted: {missing} fewer than the target.", cells=cells, missing=4)
        assert translated(text, German()) == german
    assert str(counted_message("{n} cell", "{n} cells", 0)) == "0 cells"


def test_decimal_sign_and_lists() -> None:
    text = message("{share:.1f} % blasts", share=12.34)
    assert translated(text, German(), ",") == "12,3 % Blasten"
    assert translated(listed(["blast", text]), German(), ",") == "Blast, 12,3 % Blasten"


def test_thousands_are_set_apart_where_the_template_says_so() -> None:
    text = message("{cells:,} of {seed}", cells=12345, seed=12345)
    assert text == "12,345 of 12345"
    assert translated(text, German(), ",", ".") == "12.345 of 12345"


def test_a_text_without_translation_stays_english_and_braces_in_values_are_kept() -> None:
    assert translated("no such text", German()) == "no such text"
    text = message("from {file}", file="{odd} name {0}")
    assert translated(text, German()) == "from {odd} name {0}"


def test_a_message_keeps_its_template_in_another_process() -> None:
    text = pickle.loads(pickle.dumps(counted_message("{n} cell", "{n} cells", 3)))
    assert text == "3 cells"
    assert translated(text, German()) == "3 Zellen"


def test_every_sentence_of_a_count_can_be_translated() -> None:
    counts = {"BLA": 100, "EBO": 60, "PLM": 49, "LYT": 291, "NIF": 40, "": 3}
    support = {**dict.fromkeys(BMC21, Support.TRAINED), "KSC": Support.FEW}
    domain = DomainCheck(200, 190, 90)
    count = Differential.of_counts(counts, 9, support, None, 900, None, 2, 1, 3, domain)
    for note in (*count.flags, *count.notes):
        assert isinstance(note.text, Message), note
    for row in (*count.classes, *count.groups):
        assert isinstance(row.percent_text, Message), row
    assert isinstance(count.ratios["m_to_e"].text, Message)
    assert {flag.code for flag in count.flags} == {
        "unlike_training",
        "below_target",
        "unread_tiles",
        "unclassified",
        "imported",
        "unlearnt_classes",
        "below_confidence",
        "unidentified",
        "blasts_straddle",
        "plasma_cells_straddle",
        "m_to_e_blasts",
    }
