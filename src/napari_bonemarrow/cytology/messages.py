"""Sentences that can be translated: English text that keeps its template and the values in it.

A sentence is written once, in English, where its figures are known; a report in another language translates
it later. ``pybabel extract`` finds the templates by the names `message` and `counted_message`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, Self


class Catalogue(Protocol):
    """The translations of a language, such as `babel.support.Translations`."""

    def gettext(self, message: str) -> str:
        """Return the translation of a template, itself where it has none."""
        ...

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return the translation of the template for a number."""
        ...


class Message(str):
    """An English text with its template and values.

    Attributes
    ----------
    template : str
        In the style of `str.format`, with names: ``"{cells} counted"``.
    many : str
        The template for other numbers than 1; empty where no number decides.
    number : int
    values : mapping of str to object
        Numbers, texts, and other messages, which are translated in their turn.
    separator : str or None
        That of a list, whose members are the values.
    """

    template: str
    many: str
    number: int
    values: Mapping[str, object]
    separator: str | None

    @classmethod
    def of(
        cls,
        template: str,
        values: Mapping[str, object],
        many: str = "",
        number: int = 1,
        separator: str | None = None,
    ) -> Self:
        """Make a message; see `message`, `counted_message` and `listed`."""
        if separator is not None:
            text = separator.join(map(str, values.values()))
        else:
            text = (many if many and number != 1 else template).format_map(values)
        made = cls(text)
        made.template, made.many, made.number = template, many, number
        made.values, made.separator = MappingProxyType(dict(values)), separator
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Return the parts that make it again in another process."""
        return type(self).of, (self.template, dict(self.values), self.many, self.number, self.separator)

    def translated(self, catalogue: Catalogue, decimal: str = ".", group: str = ",") -> str:
        """Return the text in another language.

        Parameters
        ----------
        catalogue : Catalogue
            A template that it lacks stays English.
        decimal, group : str
            The language's decimal sign, and what it has between thousands where the template asks for it
            (``{cells:,}``).
        """
        values = {name: _local(value, catalogue, decimal, group) for name, value in self.values.items()}
        if self.separator is not None:
            return self.separator.join(map(str, values.values()))
        if self.many:
            return catalogue.ngettext(self.template, self.many, self.number).format_map(values)
        return catalogue.gettext(self.template).format_map(values)


class _LocalFloat(float):
    """A number that is formatted with another language's signs."""

    signs: Mapping[int, str] = MappingProxyType({})

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).translate(self.signs)


class _LocalInt(int):
    """A whole number that is formatted with another language's signs."""

    signs: Mapping[int, str] = MappingProxyType({})

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).translate(self.signs)


def message(template: str, /, **values: object) -> Message:
    """Return a text made from a template.

    Parameters
    ----------
    template : str
        English, a literal, so that it is found for translation.
    **values : object
        The values in it.
    """
    return Message.of(template, values)


def counted_message(one: str, many: str, number: int, /, **values: object) -> Message:
    """Return a text whose form depends on a number, which both templates have as ``{n}``."""
    return Message.of(one, {"n": number, **values}, many, number)


def listed(parts: Iterable[str], separator: str = ", ") -> Message:
    """Return texts as one, each translated by itself."""
    return Message.of("", {str(at): part for at, part in enumerate(parts)}, separator=separator)


def translated(text: str, catalogue: Catalogue, decimal: str = ".", group: str = ",") -> str:
    """Return a text in another language: a message as such, another text by its whole."""
    if isinstance(text, Message):
        return text.translated(catalogue, decimal, group)
    return catalogue.gettext(text) if text else text


def _local(value: object, catalogue: Catalogue, decimal: str, group: str) -> object:
    if isinstance(value, str):
        return translated(value, catalogue, decimal, group)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    local = _LocalFloat(value) if isinstance(value, float) else _LocalInt(value)
    local.signs = {ord("."): decimal, ord(","): group}
    return local
