"""The language of a report: its texts, numbers and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bonemarrow.cytology.messages import message, translated
from napari_bonemarrow.report.files import ReportError

if TYPE_CHECKING:
    from babel import Locale
    from babel.messages.catalog import Catalog

ENGLISH = "en"
NO_BREAK = "\N{NO-BREAK SPACE}"
_UNBROKEN = re.compile(r"(?<=\d) (?=%)|(?<=\d) : (?=\d)")
Texts = str | tuple[str, ...] | list[str]
"""A text, or its singular and plurals."""
_REFERENCE = "de"
"""A shipped language, whose catalogue has every text of a report; a test holds that."""
_LOCALES = files("napari_bonemarrow.report") / "locale"


class Language:
    """A language with its catalogue.

    Parameters
    ----------
    locale : Locale
    catalogue : Catalog or None
        None for English, in which the texts are written.

    Attributes
    ----------
    code : str
        Such as ``de`` or ``de-CH``.
    decimal, group : str
        The decimal sign, and what stands between thousands.
    """

    def __init__(self, locale: Locale, catalogue: Catalog | None = None) -> None:
        from babel.numbers import get_decimal_symbol, get_group_symbol

        self._locale, self._catalogue = locale, catalogue
        self.code = str(locale).replace("_", "-")
        self.decimal, self.group = get_decimal_symbol(locale), get_group_symbol(locale)
        self._missed: set[str] = set()

    @property
    def missed(self) -> tuple[str, ...]:
        """Return the texts that were asked for and have no translation."""
        return tuple(sorted(self._missed))

    def say(self, text: str) -> str:
        """Return a text in this language, `unbroken`; one without a translation stays English."""
        return unbroken(translated(text, self, self.decimal, self.group))

    def whole(self, value: int) -> str:
        """Return a whole number with its thousands set apart."""
        return f"{value:,}".replace(",", self.group)

    def number(self, value: float, digits: int = 1) -> str:
        """Return a number with some digits after the decimal sign."""
        return f"{value:.{digits}f}".replace(".", self.decimal)

    def time(self, at: str | datetime) -> str:
        """Return a time in UTC; text is that of the journal."""
        from babel.dates import format_datetime

        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        pattern = self.say(message("yyyy-MM-dd HH:mm"))
        return f"{format_datetime(moment.astimezone(UTC), pattern, locale=self._locale)} UTC"

    def gettext(self, text: str) -> str:
        """Return the translation of a template, itself where it has none."""
        return self._found(text) or text

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return the translation of the template for a number."""
        return self._found(singular, n) or (singular if n == 1 else plural)

    def _found(self, text: str, n: int | None = None) -> str:
        """Return the translation, empty without one."""
        if self._catalogue is None or not text:
            return ""
        entry = self._catalogue.get(text)
        forms = "" if entry is None or entry.fuzzy else entry.string
        if isinstance(forms, tuple | list):
            at = 0 if n is None else self._form(n)
            forms = forms[at] if at < len(forms) else ""
        if not forms and text in _known():
            self._missed.add(text)
        return str(forms)

    def _form(self, n: int) -> int:
        """Return which plural form a number takes, by the catalogue's own rule."""
        from gettext import c2py

        rule = "(n != 1)" if self._catalogue is None else self._catalogue.plural_expr
        return int(c2py(rule)(n))


def language(code: str = ENGLISH, own: Path | None = None) -> Language:
    """Return a language.

    Parameters
    ----------
    code : str
        A shipped one, or any if a catalogue is given.
    own : Path, optional
        A laboratory's catalogue, a ``.po`` file.

    Raises
    ------
    ReportError
        If there is no such language, or the catalogue cannot be read.
    """
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(code.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError) as error:
        raise ReportError(f"{code!r} is no language: write its code, such as {_listed()}") from error
    if own is not None:
        return Language(locale, read_catalogue(own))
    if locale.language == ENGLISH:
        return Language(locale)
    if locale.language not in shipped():
        raise ReportError(
            f"{code}: no texts in this language: choose {_listed()}, or name a catalogue in the layout"
        )
    return Language(locale, _shipped(locale.language))


def shipped() -> Mapping[str, str]:
    """Return the languages of the program, by code, each by its own name."""
    return {ENGLISH: "English", "de": "Deutsch"}


def read_catalogue(path: Path) -> Catalog:
    """Read a catalogue of translations.

    Raises
    ------
    ReportError
        If it is no ``.po`` file, or a translation has other placeholders than its text.
    """
    from babel.messages.pofile import PoFileError, read_po

    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
    except OSError as error:
        raise ReportError(f"{path}: the catalogue cannot be read ({error.strerror})") from error
    except (PoFileError, ValueError) as error:
        raise ReportError(f"{path}: no catalogue of translations ({error}): write a .po file") from error
    for entry in catalogue:
        if entry.id and entry.string and placeholders_differ(entry.id, entry.string):
            line = f", line {entry.lineno}" if entry.lineno else ""
            raise ReportError(
                f"{path}{line}: a translation has other placeholders than its text: {first_of(entry.id)!r}"
            )
    return catalogue


def unbroken(text: str) -> str:
    """Return a text whose numbers stay on the line of their signs: blanks before "%" and around ":"."""
    return _UNBROKEN.sub(lambda found: found.group().replace(" ", NO_BREAK), text)


def placeholders_differ(texts: Texts, said: Texts) -> bool:
    """Return whether a translation names other values than its template, or names them wrongly."""
    allowed = {name for text in _all(texts) for name in _names(text)}
    try:
        return any(not set(_names(text)) <= allowed for text in _all(said) if text)
    except ValueError:
        return True


def first_of(texts: Texts) -> str:
    """Return a text, the singular of two."""
    return _all(texts)[0]


def _all(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def _names(template: str) -> list[str]:
    """Return the values that a template names, with their formats."""
    from string import Formatter

    return [f"{name}:{spec}" for _text, name, spec, _how in Formatter().parse(template) if name is not None]


@cache
def _shipped(code: str) -> Catalog:
    from babel.messages.pofile import read_po

    with (_LOCALES / code / "LC_MESSAGES" / "report.po").open("rb") as file:
        return read_po(file)


@cache
def _known() -> frozenset[str]:
    """Return every text of a report; others, such as names of people, are never translated."""
    return frozenset(first_of(entry.id) for entry in _shipped(_REFERENCE) if entry.id)


def _listed() -> str:
    return " or ".join(shipped())
