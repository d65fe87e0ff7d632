"""The printed report as one document: every text ready to print, for each renderer alike.

Texts are in the report's language, figures are formatted, bars are fractions of their axis, and pictures are
files in memory. A renderer only arranges them, and adds no word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file in memory.

    Attributes
    ----------
    data : bytes
    kind : {"png", "jpg", "svg"}
    alt : str
        Text for those who cannot see it.
    """

    data: bytes
    kind: Literal["png", "jpg", "svg"]
    alt: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A label and its text; the text may have several lines."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The head of the page."""

    name: str = ""
    address: tuple[str, ...] = ()
    logo: Picture | None = None


class BannerKind(StrEnum):
    """The reason for a banner."""

    DISTRUST = "distrust"
    UNLIKE = "unlike"
    SAMPLE = "sample"
    BLIND = "blind"
    UNTRANSLATED = "untranslated"


@dataclass(frozen=True, slots=True)
class Banner:
    """A statement that comes before any number."""

    kind: BannerKind
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A large figure with its meaning."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A percentage with its interval, as fractions of the axis, 0 to 1.

    Attributes
    ----------
    share, low, high : float
    reference : tuple of float or None
        The reference range.
    color : str
        ``#rrggbb`` of the class; the outline and the code in front make it readable without.
    alt : str
    """

    share: float
    low: float
    high: float
    reference: tuple[float, float] | None
    color: str
    alt: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """A class or a group in the table of the count.

    Attributes
    ----------
    code : str
        Empty for a group.
    name, codes : str
        ``codes`` are the classes of a group.
    model, cells, sample : str
        The model's own count, the cells, and those in the sample.
    percent, interval : str
        ``percent`` holds the reason where `reliable` is false.
    adjusted : str
        The percentage corrected for the model's errors, with its interval; empty without one.
    reference : str
        The reference range.
    reliable : bool
    bar : Bar or None
    """

    code: str
    name: str
    codes: str
    model: str
    cells: str
    sample: str
    percent: str
    interval: str
    adjusted: str
    reference: str
    reliable: bool
    bar: Bar | None

    @property
    def is_group(self) -> bool:
        """Return whether it is the total of several classes."""
        return not self.code


@dataclass(frozen=True, slots=True)
class CountHeadings:
    """The headings of the table of the count; an empty one has no column."""

    code: str
    name: str
    model: str
    cells: str
    sample: str
    percent: str
    interval: str
    adjusted: str
    reference: str
    axis: str


@dataclass(frozen=True, slots=True)
class CountTable:
    """The differential."""

    headings: CountHeadings
    rows: tuple[CountRow, ...]
    groups: tuple[CountRow, ...]
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A plain table.

    Attributes
    ----------
    headings : tuple of str
        Empty for a table without.
    rows : tuple of tuple of str
    words : int
        Number of first columns that hold words; the others hold numbers.
    caption : str
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 2
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its lines and tables."""

    title: str
    lines: tuple[str, ...] = ()
    text: str = ""
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A note on the count; quiet if it stands on every count."""

    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class SignedText:
    """A signature.

    Attributes
    ----------
    title, text : str
        Who, then when and what.
    lines : tuple of str
        Reason, amendment, key.
    head : str
        The journal head that is signed, and how far it is authenticated.
    in_force : bool
    """

    title: str
    text: str
    lines: tuple[str, ...]
    head: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class MontageCell:
    """A cell in the montage, with its heatmap if one was given."""

    caption: str
    crop: Picture
    heatmap: Picture | None = None


@dataclass(frozen=True, slots=True)
class MontageClass:
    """The cells of a class in the montage."""

    code: str
    name: str
    number: str
    cells: tuple[MontageCell, ...]


@dataclass(frozen=True, slots=True)
class Montage:
    """Pictures of cells, or the reason why there is none."""

    title: str
    text: str
    classes: tuple[MontageClass, ...] = ()


@dataclass(frozen=True, slots=True)
class JournalCode:
    """The last hash of the journal, as text and as a QR code."""

    label: str
    head: str
    text: str
    code: Picture


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Everything that a report prints.

    Attributes
    ----------
    language : str
        Code of the language, such as ``de``.
    made_at : datetime
    heading, slide, made : str
        What it is, of which slide, when it was made.
    research_use : str
    laboratory : Laboratory
    banners : tuple of Banner
    basis : str
        Which count this is.
    figures : tuple of Figure
    identity, findings : tuple of Entry
        What a person filled in.
    signatures : tuple of SignedText
    unsigned : str
        That it is not signed; empty if it is.
    table : CountTable
    excluded, tags : Section
    notes_title : str
    notes : tuple of Note
    readers, tally : Section or None
    montage : Montage or None
    model : Section
        The model card.
    method : Section
    method_entries : tuple of Entry
        How it was counted.
    journal : JournalCode
    page_of : str
        ``"page {page} of {pages}"`` in this language.
    """

    language: str
    made_at: datetime
    heading: str
    slide: str
    made: str
    research_use: str
    laboratory: Laboratory
    banners: tuple[Banner, ...]
    basis: str
    figures: tuple[Figure, ...]
    identity: tuple[Entry, ...]
    findings: tuple[Entry, ...]
    signatures: tuple[SignedText, ...]
    unsigned: str
    table: CountTable
    excluded: Section
    tags: Section | None
    notes_title: str
    notes: tuple[Note, ...]
    readers: Section | None
    tally: Section | None
    montage: Montage | None
    model: Section
    method_title: str
    method: tuple[Entry, ...]
    journal: JournalCode
    page_of: str
