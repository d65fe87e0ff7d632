"""The one table of keys, and the help page printed from it."""

from __future__ import annotations

import re

import pytest

from napari_bonemarrow.cytology import BMC21, CLASSES, REVIEWER_ONLY, TAGS
from napari_bonemarrow.gui.keys import DEFAULTS, help_html, key_of


def test_no_key_does_two_things():
    keys = [binding.key for binding in DEFAULTS]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("code", BMC21)
def test_each_of_the_21_has_one_plain_letter(code):
    assert re.fullmatch("[A-Z]", key_of("label", code))
    assert key_of("label", code) not in {"E", "F", "U", "W", "J"}


@pytest.mark.parametrize("code", REVIEWER_ONLY)
def test_reviewers_own_classes_are_on_shift(code):
    assert re.fullmatch("Shift\\+[A-Z]", key_of("label", code))


def test_every_class_tag_and_rank_has_its_key():
    done = {(binding.act, binding.argument) for binding in DEFAULTS}
    assert {("label", code) for code in CLASSES} <= done
    assert {("tag", tag) for tag in TAGS} <= done
    assert {("guess", str(rank)) for rank in range(1, 6)} <= done


def test_the_help_page_prints_every_key_and_its_text():
    page = help_html()
    for binding in DEFAULTS:
        assert binding.key in page
        assert binding.text in page


def test_napari_understands_every_key():
    from napari.utils.key_bindings import coerce_keybinding

    keys = [binding.key for binding in DEFAULTS if binding.key != "?"]  # a Qt shortcut over the smear
    read = [coerce_keybinding(key) for key in keys]
    assert len({str(key) for key in read}) == len(keys) == len(DEFAULTS) - 1
    assert all(str(key) for key in read)


def test_an_act_without_a_key_is_said_so():
    with pytest.raises(KeyError):
        key_of("label", "XYZ")
