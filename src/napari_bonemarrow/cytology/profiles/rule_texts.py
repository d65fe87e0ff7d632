"""The rule of each printed number, in one line."""

from __future__ import annotations

from napari_bonemarrow.cytology.counting import Codes, CountingRules
from napari_bonemarrow.cytology.messages import Message, listed, message


def class_rule(rules: CountingRules) -> Message:
    """Return the rule of a class's percentage."""
    return message(
        "{rules}: per cent of all nucleated cells but {codes}",
        rules=rules.name,
        codes=", ".join(rules.excluded),
    )


def group_rule(rules: CountingRules, codes: Codes) -> Message:
    """Return the rule of the percentage of several classes."""
    return message(
        "{rules}: {members}, per cent of all nucleated cells but {codes}",
        rules=rules.name,
        members=" + ".join(codes),
        codes=", ".join(rules.excluded),
    )


def ratio_rule(rules: CountingRules) -> Message:
    """Return the rule of M:E."""
    return message("{rules}: M:E is {definition}", rules=rules.name, definition=rules.me_definition)


def note_rule(rules: CountingRules, code: str) -> str:
    """Return the rule that a note follows from; empty where it follows from none.

    Parameters
    ----------
    rules : CountingRules
    code : str
        Of the note, see `Flag`.
    """
    if code.startswith("blasts_"):
        return _thresholds(rules, rules.blast_codes, rules.blast_thresholds)
    if code.startswith("plasma_cells_"):
        return _thresholds(rules, rules.plasma, rules.plasma_thresholds)
    if code.startswith("unidentified"):
        return _thresholds(rules, rules.unidentified, (rules.unidentified_limit,))
    if code == "m_to_e_blasts":
        return _thresholds(rules, rules.blast_codes, (rules.me_blast_limit,))
    if code == "auer_rods":
        return _thresholds(rules, rules.blast_codes, (rules.auer_rod_limit,))
    return ""


def _thresholds(rules: CountingRules, codes: Codes, limits: tuple[float, ...]) -> Message:
    return message(
        "{rules}: {members} at {limits}",
        rules=rules.name,
        members=" + ".join(codes),
        limits=listed(message("{limit:g} %", limit=limit) for limit in limits),
    )
