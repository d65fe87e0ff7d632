"""A reviewer's signing key: made on first use, kept by the operating system or in a file, never copied.

Ed25519 (RFC 8032). The private key stays on the computer where it was made; a case, a report and the list of
known reviewers hold the public key or its fingerprint.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.system.home import home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICE = "napari-bonemarrow"
"""Service name of keys in the operating system's keyring."""
_FINGERPRINT_DIGITS = 32
"""Digits of SHA-256 that people compare: 128 bits, so that a second key cannot be found."""
_GROUP = 4
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

AskPassphrase = Callable[[str], str]
"""A function from the name on a key to its passphrase."""


class Keeping(StrEnum):
    """The place where a private key is kept."""

    KEYRING = "keyring"
    PASSPHRASE = "passphrase"
    FILE = "file"


WHERE = {
    Keeping.KEYRING: "kept by this computer's keyring",
    Keeping.PASSPHRASE: "kept in a file that its passphrase opens",
    Keeping.FILE: "kept in a file that only this user's account can read",
}
"""The place of a key, in words."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """The record of an own key, readable without the key itself.

    Attributes
    ----------
    name : str
        Name of the owner.
    public : str
        The public key, 64 hexadecimal digits.
    keeping : Keeping
        Place of the private key.
    path : Path
        The file of this record, in ``$NAPARI_BONEMARROW_HOME/keys``.
    """

    name: str
    public: str
    keeping: Keeping
    path: Path

    @property
    def where(self) -> str:
        """Return the place of the private key, in words."""
        return WHERE[self.keeping]

    @property
    def needs_passphrase(self) -> bool:
        """Return whether signing requires a passphrase."""
        return self.keeping is Keeping.PASSPHRASE


class SigningKey:
    """A private key, ready to sign. Get one with `open_key`.

    Parameters
    ----------
    private : Ed25519PrivateKey
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @property
    def public(self) -> str:
        """Return the public key, 64 hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, statement: bytes) -> str:
        """Return the signature of some bytes, 128 hexadecimal digits."""
        return self._private.sign(statement).hex()


def fingerprint_of(public: str) -> str:
    """Return a public key's fingerprint for people: SHA-256, 32 digits in groups of four."""
    digits = sha256(bytes.fromhex(public)).hexdigest()[:_FINGERPRINT_DIGITS]
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def holds(public: str, proof: str, statement: bytes) -> bool:
    """Return whether a signature of some bytes was made with the private key of a public one."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(proof), statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_record(name: str) -> KeyRecord | None:
    """Return the record of a person's own key on this computer, None before it is made.

    Raises
    ------
    CaseError
        If its record cannot be read.
    """
    path = _record_path(name)
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text("utf-8"))
        return KeyRecord(value["name"], str(value["public"]), Keeping(value["kept"]), path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaseError(f"the record of the signing key of {name} cannot be read: see {path}") from error


def open_key(name: str, ask: AskPassphrase | None = None) -> SigningKey:
    """Return a person's signing key, made on first use and kept as safely as this computer can.

    It is kept in the operating system's keyring if there is one, else in a file that only this user's account
    can read. A key is never moved to a weaker place, and never made a second time while its record exists.

    Parameters
    ----------
    name : str
        Whose key; upper and lower case are one.
    ask : callable, optional
        Asks for the passphrase of a key that has one.

    Raises
    ------
    CaseError
        If the key exists but is not available: the keyring does not answer, the passphrase is wrong, the
        file is missing, damaged or open to others.
    """
    record = key_record(name) or make_key(name)
    data = _from_keyring(record) if record.keeping is Keeping.KEYRING else _from_file(record)
    passphrase = None
    if record.needs_passphrase:
        if ask is None:
            raise CaseError(f"the signing key of {record.name} has a passphrase: give it")
        passphrase = ask(record.name).encode() or b"\0"
    key = SigningKey(_private(record, data, passphrase))
    if key.public != record.public:
        raise CaseError(f"the signing key of {record.name} is not the one of its record: see {record.path}")
    return key


def make_key(name: str, passphrase: str = "") -> KeyRecord:
    """Make a person's signing key on this computer.

    Parameters
    ----------
    name : str
    passphrase : str
        Encrypts the key's file; without one the key is kept in the keyring, else in a plain file.

    Raises
    ------
    CaseError
        If the name is empty, there is a key already, or it cannot be stored.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    name = name.strip()
    if not name:
        raise CaseError("a signing key needs a name: type it")
    path = _record_path(name)
    if path.exists():
        raise CaseError(f"{name} has a signing key already: see {path}")
    private = Ed25519PrivateKey.generate()
    record = KeyRecord(name, SigningKey(private).public, _best_keeping(passphrase), path)
    data = _serialised(private, passphrase)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if record.keeping is Keeping.KEYRING:
            _to_keyring(record, data)
        else:
            _write_private(_key_path(record), data)
        value = {"name": name, "public": record.public, "kept": str(record.keeping)}
        _write_private(path, json.dumps(value, indent=2, ensure_ascii=False).encode())
    except OSError as error:
        raise CaseError(f"cannot keep a signing key in {path.parent}: {error.strerror}") from error
    return record


def planned_keeping() -> Keeping:
    """Return the place for a new key without a passphrase."""
    return _best_keeping("")


def own_keys() -> list[KeyRecord]:
    """Return the records of keys made on this computer, by name, except damaged ones."""
    found = []
    for path in sorted((home() / "keys").glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            value = json.loads(path.read_text("utf-8"))
            found.append(KeyRecord(str(value["name"]), str(value["public"]), Keeping(value["kept"]), path))
    return sorted(found, key=lambda record: record.name.casefold())


def _record_path(name: str) -> Path:
    """Return the path of a record; it does not contain the name, which can hold any character."""
    return home() / "keys" / f"{sha256(name.strip().casefold().encode()).hexdigest()[:16]}.json"


def _key_path(record: KeyRecord) -> Path:
    return record.path.with_suffix(".pem")


def _best_keeping(passphrase: str) -> Keeping:
    if passphrase:
        return Keeping.PASSPHRASE
    return Keeping.FILE if _keyring() is None else Keeping.KEYRING


def _serialised(private: Ed25519PrivateKey, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )

    lock: KeySerializationEncryption = NoEncryption()
    if passphrase:
        lock = BestAvailableEncryption(passphrase.encode())
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def _private(record: KeyRecord, data: bytes, passphrase: bytes | None) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        why = "the passphrase is wrong" if passphrase else "it is damaged"
        raise CaseError(f"the signing key of {record.name} cannot be opened: {why}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise CaseError(
            f"the signing key of {record.name} is of another kind than Ed25519: see {record.path}"
        )
    return private


def _from_file(record: KeyRecord) -> bytes:
    path = _key_path(record)
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise CaseError(f"the signing key of {record.name} can be read by others: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise CaseError(
            f"the signing key of {record.name} cannot be read ({error.strerror}): put {path} back, or delete "
            f"{record.path.name} next to it to make a new key"
        ) from error


def _write_private(path: Path, data: bytes) -> None:
    """Write a file that only this user's account can ever read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _keyring() -> Any | None:
    """Return the keyring if there is one that locks its content, else None."""
    try:
        import keyring
        from keyring.backends import chainer
    except ImportError:
        return None
    try:
        # In a thread of its own: keyring keeps the errors of missing services, and with their tracebacks
        # every caller's variables, such as a smear's window.
        with ThreadPoolExecutor(1) as looking:
            backend = looking.submit(keyring.get_keyring).result()
        parts = backend.backends if isinstance(backend, chainer.ChainerBackend) else [backend]
        # keyring's own measure: from 1 on a backend is one of the operating system's.
        return keyring if any(part.priority >= 1 for part in parts) else None
    except Exception:  # any error of a desktop service that is only partly installed
        return None


def _to_keyring(record: KeyRecord, data: bytes) -> None:
    keyring = _keyring()
    try:
        assert keyring is not None
        keyring.set_password(SERVICE, record.public, data.decode())
    except Exception as error:
        raise CaseError(
            f"this computer's keyring did not take the signing key ({type(error).__name__})"
        ) from error


def _from_keyring(record: KeyRecord) -> bytes:
    keyring, kept, why = _keyring(), None, "it is not there"
    if keyring is not None:
        try:
            kept = keyring.get_password(SERVICE, record.public)
            why = "it holds no such key"
        except Exception as error:
            why = type(error).__name__
    if kept is None:
        raise CaseError(
            f"this computer's keyring does not give the signing key of {record.name} ({why}): unlock it and "
            f"try again, or delete {record.path} to make a new key"
        )
    return str(kept).encode()
