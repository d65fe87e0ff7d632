"""Text from files and people, made safe for one line of a terminal or panel."""

from __future__ import annotations

import re

LONGEST = 300
"""Longest error line, in characters: room for what is wrong, what to do and a path."""

_SPACE = re.compile(r"[ \t\r\n\f\v\u2028\u2029\x85]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that change the writing direction, and bytes that are not text."""

_GAP = " … "


def one_line(text: str, longest: int | None = LONGEST) -> str:
    r"""Return a text as one line without control characters.

    Parameters
    ----------
    text : str
    longest : int, optional
        Characters; a longer text loses its middle, since the reason is at the end. None is no limit.

    Returns
    -------
    str
        White space is one space, a control character is shown as ``\x1b``.
    """
    line = _UNSEEN.sub(_shown, _SPACE.sub(" ", text).strip(" "))
    if longest is None or len(line) <= longest:
        return line
    end = (longest - len(_GAP)) * 3 // 5
    return line[: longest - len(_GAP) - end] + _GAP + line[-end:]


def _shown(found: re.Match[str]) -> str:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a file name that is not UTF-8, as Python keeps it
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]
