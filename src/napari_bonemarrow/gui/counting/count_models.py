"""What the Count tab is given to show beside the differential: plain, frozen (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_bonemarrow.cytology.defaults import TARGET


@dataclass(frozen=True)
class KeyInfo:
    """With which key somebody would sign.

    Attributes
    ----------
    text : str
        Whose key it is, its fingerprint and where it is kept; or that one will be made, and where.
    needs_passphrase : bool
    """

    text: str = ""
    needs_passphrase: bool = False


@dataclass(frozen=True)
class SignInfo:
    """The sign-off of a case.

    Attributes
    ----------
    text : str
        What is missing, or who signed.
    detail : str
        A quiet second line.
    head : str
        The journal's head hash that the signature names, whole; empty where there is none.
    signer : str
        The name that a signature would bear.
    counts : tuple of (str, str)
        What a signature would freeze, by name.
    caution : str
        What the signer should know first, such as cells that are still flagged; empty where nothing is.
    needs_reason : bool
        Whether cells are not reviewed, so that the report must print why.
    can_sign, can_amend : bool
    """

    text: str = ""
    detail: str = ""
    head: str = ""
    signer: str = ""
    counts: tuple[tuple[str, str], ...] = ()
    caution: str = ""
    needs_reason: bool = False
    can_sign: bool = False
    can_amend: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether a signature is in force."""
        return bool(self.head)


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """How two readers agree on one class."""

    code: str
    name: str
    first: int
    second: int
    both: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class AgreementInfo:
    """What two readers agree on.

    Attributes
    ----------
    first, second : str
        The readers.
    headline : str
    rows : tuple of ClassAgreement
    codes : tuple of str
        Classes that either reader gave, in reading order.
    confusion : tuple of tuple of int
        Cells by the first reader's class (rows) and the second's (columns), in the order of ``codes``.
    disagreements : int
        Cells that are still to be settled.
    """

    first: str
    second: str
    headline: str
    rows: tuple[ClassAgreement, ...]
    codes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    disagreements: int


@dataclass(frozen=True, slots=True)
class ReadersInfo:
    """Who reads, and what comes next.

    Attributes
    ----------
    text : str
        One or two lines; empty where there is nothing to read yet.
    advice : str
        A quiet word on when a second reader is asked for.
    banner : str
        What stands over every tab while a second reader reads.
    readers : tuple of str
        Who has read so far: a second reader is another one.
    can_begin, can_end, can_resume, can_compare : bool
    to_settle : int
        Disagreements that wait.
    """

    text: str = ""
    advice: str = ""
    banner: str = ""
    readers: tuple[str, ...] = ()
    can_begin: bool = False
    can_end: bool = False
    can_resume: bool = False
    can_compare: bool = False
    to_settle: int = 0


@dataclass(frozen=True, slots=True)
class TallyInfo:
    """A count by eye, field by field.

    Attributes
    ----------
    field_number : int
        The field at hand, from 1.
    in_field, total : mapping of str to int
        Cells by class in this field and in all of them.
    counted, target : int
        Cells in the denominator of all fields, and how many are wanted.
    percents : mapping of str to str
        As printed, of the counted classes.
    keys : mapping of str to str
        The key of each class.
    next_key, undo_key : str
    last : str
        The class that was counted last.
    can_count, can_undo : bool
    """

    field_number: int = 1
    in_field: Mapping[str, int] = field(default_factory=dict)
    total: Mapping[str, int] = field(default_factory=dict)
    counted: int = 0
    target: int = TARGET
    percents: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    next_key: str = ""
    undo_key: str = ""
    last: str = ""
    can_count: bool = True
    can_undo: bool = False
