"""The reviewers whose keys this computer knows, and the authentication of signatures by them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.identity.names import same_person
from napari_bonemarrow.review.identity.signing_key import fingerprint_of, own_keys
from napari_bonemarrow.review.journal.signature import Signature
from napari_bonemarrow.system.files import write_text
from napari_bonemarrow.system.home import home

_PUBLIC_DIGITS = 64
_LONGEST_FILE = 1_000_000
FORM = "napari-bonemarrow reviewers 1"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person whose key is known.

    Attributes
    ----------
    name : str
        Owner of the key, according to the person who added it.
    public : str
        The public key, 64 hexadecimal digits.
    own : bool
        Whether the private key was made on this computer.
    """

    name: str
    public: str
    own: bool = False

    @property
    def fingerprint(self) -> str:
        """Return the key's fingerprint, in the form that people compare."""
        return fingerprint_of(self.public)


class Authentication(StrEnum):
    """The knowledge about the author of a signature."""

    KNOWN = "known"
    OTHER = "other"
    UNKNOWN = "unknown"
    NONE = "none"


def known_reviewers() -> list[Reviewer]:
    """Return the reviewers whose keys this computer knows: its own and those that were added, by name.

    Raises
    ------
    CaseError
        If the list cannot be read.
    """
    found = {record.public: Reviewer(record.name, record.public, own=True) for record in own_keys()}
    path = _path()
    if path.exists():
        for each in read_reviewers(path):
            found.setdefault(each.public, each)
    return sorted(found.values(), key=lambda each: each.name.casefold())


def add_reviewer(name: str, public: str) -> Reviewer:
    """Keep a reviewer's public key, after comparing its fingerprint with that person.

    Raises
    ------
    CaseError
        If the name or the key is invalid, the key has another name, or the list cannot be written.
    """
    reviewer = _checked(name, public)
    for known in known_reviewers():
        if known.public == reviewer.public:
            if known.name != reviewer.name:
                raise CaseError(f"this key is known as that of {known.name}: remove it first")
            return known
    _write([each for each in known_reviewers() if not each.own] + [reviewer])
    return reviewer


def remove_reviewer(wanted: str) -> list[Reviewer]:
    """Remove reviewers' keys, by name or by fingerprint.

    Raises
    ------
    CaseError
        If no key matches, or the key was made here: it is not in the list but in ``keys``.
    """
    digits = "".join(wanted.split()).lower()
    known = known_reviewers()
    gone = [
        each
        for each in known
        if same_person(each.name, wanted) or digits in (each.public, "".join(each.fingerprint.split()))
    ]
    if not gone:
        raise CaseError(f"no reviewer is known as {wanted!r}: see `reviewers list`")
    if any(each.own for each in gone):
        raise CaseError(
            f"the key of {gone[0].name} was made on this computer: it is kept in {home() / 'keys'}"
        )
    _write([each for each in known if not each.own and each not in gone])
    return gone


def reviewers_text(reviewers: Sequence[Reviewer]) -> str:
    """Return public keys as the text of a file that `read_reviewers` reads on another computer."""
    rows = [{"name": each.name, "public": each.public, "fingerprint": each.fingerprint} for each in reviewers]
    return json.dumps({"form": FORM, "reviewers": rows}, indent=2, ensure_ascii=False) + "\n"


def read_reviewers(path: Path) -> list[Reviewer]:
    """Read public keys from a file.

    Raises
    ------
    CaseError
        If it cannot be read or is not a list of reviewers.
    """
    try:
        if path.stat().st_size > _LONGEST_FILE:
            raise ValueError("too long")
        value: Any = json.loads(path.read_bytes())
        if value["form"] != FORM:
            raise ValueError("another form")
        return [_checked(each["name"], each["public"]) for each in value["reviewers"]]
    except OSError as error:
        raise CaseError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CaseError(f"{path.name} is not a list of reviewers: use `reviewers export`") from error


def authentication(signature: Signature) -> tuple[Authentication, str]:
    """Return how far a signature's author is known, as a word and as a line for people.

    Opening a case checks that the key made the signature: a case that fails must not be relied on.
    """
    if not signature.public:
        return Authentication.NONE, message("not authenticated: signed without a key")
    digits = fingerprint_of(signature.public)
    for known in known_reviewers():
        if known.public != signature.public:
            continue
        if same_person(known.name, signature.name):
            return (
                Authentication.KNOWN,
                message(
                    "signed by the key of {name} ({digits}), known to this computer",
                    name=known.name,
                    digits=digits,
                ),
            )
        return (
            Authentication.OTHER,
            message(
                "signed by the key of {name} ({digits}), which is not that of {signer}",
                name=known.name,
                digits=digits,
                signer=signature.name,
            ),
        )
    return (
        Authentication.UNKNOWN,
        message(
            "signed by a key that this computer does not know ({digits}): compare it with {signer}",
            digits=digits,
            signer=signature.name,
        ),
    )


def _checked(name: Any, public: Any) -> Reviewer:
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > 200:
        raise CaseError("a reviewer needs a name of printable characters")
    if not isinstance(public, str) or len(public) != _PUBLIC_DIGITS or set(public) - set("0123456789abcdef"):
        raise CaseError(f"the key of {name} is none: it has {_PUBLIC_DIGITS} hexadecimal digits")
    return Reviewer(name.strip(), public)


def _path() -> Path:
    return home() / "reviewers.json"


def _write(reviewers: Sequence[Reviewer]) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, reviewers_text(reviewers))
    except OSError as error:
        raise CaseError(f"cannot write {path}: {error.strerror}") from error
