"""Syntax of keys: those that napari and Qt both read and every keyboard has (no Qt)."""

from __future__ import annotations

import string

from napari_bonemarrow.cytology import BoneMarrowError


class KeyTableError(BoneMarrowError):
    """An invalid key or file of keys."""


MODIFIERS = ("Ctrl", "Alt", "Shift")
"""Modifiers in the order of the notation."""

_NAMED = ("Space", "Enter", "Backspace", "Insert", "Delete", *(f"F{number}" for number in range(1, 13)))
_SIGNS = ("-", "=", "[", "]", "\\", ";", "'", ",", ".", "/", "`", "?")
_CHARACTERS = {*string.digits, *_SIGNS}

_MOVING = ("Tab", "Escape", "Left", "Right", "Up", "Down", "PageUp", "PageDown", "Home", "End")
"""Keys that move between controls and within lists, which keyboard users need."""

# Keys of napari 0.9's menus, and the letters that open them.
_NAPARIS = frozenset(
    {f"Ctrl+{key}" for key in ("N", "O", "S", "W", "Q", "M", "U", "0", "=", "-", ",", "/", "F11")}
    | {f"Ctrl+Shift+{key}" for key in "OP"}
    | {f"Alt+{key}" for key in ("F", "V", "L", "P", "W", "H", "S", "C", "F4", "Space")}
    | {f"Alt+Shift+{key}" for key in "SC"}
)
_EDITING = frozenset({"Ctrl+C", "Ctrl+V", "Ctrl+X"})


def canonical(key: str) -> str:
    """Return a key in the table's notation: ``shift+ctrl+z`` is ``Ctrl+Shift+Z``.

    Raises
    ------
    KeyTableError
        If it is not a key, belongs to napari or the system, or differs between keyboards.
    """
    *before, last = [part.strip() for part in key.strip().split("+")]
    found = {part.capitalize() for part in before}
    last = _one_key(last)
    if last in _MOVING:
        raise KeyTableError(f"{last}: it moves between controls and within lists: choose another key")
    known = last in _NAMED or last in _CHARACTERS or (len(last) == 1 and last in string.ascii_uppercase)
    if not known or not found <= set(MODIFIERS) or len(found) != len(before):
        raise KeyTableError(
            f"{key!r}: no key that napari and Qt both read: choose a letter, a digit, F1 to F12, Space, "
            "Enter, Backspace, Insert, Delete or a plain sign, alone or with Ctrl, Alt or Shift"
        )
    if {"Ctrl", "Alt"} <= found:
        raise KeyTableError(f"{key}: Ctrl+Alt writes signs on many keyboards (AltGr): choose another key")
    if last in _CHARACTERS and ("Shift" in found or (last == "?" and found)):
        raise KeyTableError(
            f"{key}: what Shift makes of it differs from keyboard to keyboard: choose a letter"
        )
    made = "+".join([*(each for each in MODIFIERS if each in found), last])
    if made in _NAPARIS:
        raise KeyTableError(f"{made}: it is napari's own, in its menus: choose another key")
    if made in _EDITING:
        raise KeyTableError(f"{made}: it copies and pastes text: choose another key")
    return made


def _one_key(last: str) -> str:
    if len(last) == 1:
        return last.upper()
    other = {
        "return": "Enter",
        "del": "Delete",
        "ins": "Insert",
        "esc": "Escape",
        "pgup": "PageUp",
        "pgdown": "PageDown",
    }
    return other.get(last.lower()) or next(
        (name for name in (*_NAMED, *_MOVING) if name.lower() == last.lower()), last
    )
