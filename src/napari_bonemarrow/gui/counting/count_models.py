"""Models of the Count tab other than the differential, plain and frozen (no Qt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_bonemarrow.cytology.defaults import TARGET


@dataclass(frozen=True)
class KeyInfo:
    """The signing key of a signer.

    Attributes
    ----------
    text : str
        Owner, fingerprint and place of the key, or of a new one.
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
        The full head hash of the journal in the signature; empty without one.
    signer : str
        The name for a signature.
    counts : tuple of (str, str)
        The counts that a signature would freeze, by name.
    caution : str
        A warning before signing, such as flagged cells; empty if none.
    needs_reason : bool
        Whether cells are unreviewed, so that the report must print a reason.
    can_sign, can_amend : bool
    can_remember : bool
        Whether a laboratory head can learn from it.
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
    can_remember: bool = False

    @property
    def is_signed(self) -> bool:
        """Return whether a signature is in force."""
        return bool(self.head)


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """Agreement of two readers on one class."""

    code: str
    name: str
    first: int
    second: int
    both: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class AgreementInfo:
    """Agreement of two readers.

    Attributes
    ----------
    first, second : str
        The readers.
    headline : str
    rows : tuple of ClassAgreement
    codes : tuple of str
        Classes of either reader, in reading order.
    confusion : tuple of tuple of int
        Cells by the first reader's class (rows) and the second's (columns), in the order of ``codes``.
    disagreements : int
        Cells still to be settled.
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
    """The readers and the next step.

    Attributes
    ----------
    text : str
        One or two lines; empty if there is nothing to read yet.
    advice : str
        A hint when a second reader is recommended.
    banner : str
        Banner above every tab during a second reading.
    readers : tuple of str
        Readers so far; a second reader must be another person.
    can_begin, can_end, can_resume, can_compare : bool
    to_settle : int
        Disagreements to settle.
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
    """A manual tally, field by field.

    Attributes
    ----------
    field_number : int
        The present field, from 1.
    in_field, total : mapping of str to int
        Cells by class in this field and in all fields.
    counted, target : int
        Cells in the denominator of all fields, and the target.
    percents : mapping of str to str
        Printed percentages of the counted classes.
    keys : mapping of str to str
        The key of each class.
    next_key, undo_key : str
    last : str
        The last counted class.
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
