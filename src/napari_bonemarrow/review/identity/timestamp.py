"""Timestamps by a third party: RFC 3161, over a signature, if the user has named a server.

The only network request of a review, and never made unless a server was named. It sends only the
SHA-256 of the signature's bytes: nothing of the case.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from napari_bonemarrow.cytology.messages import message
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.system.home import home

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

_WAIT_S = 10.0
"""Longest pause without a byte, and time from the first byte of an answer to its last, in seconds."""
_LONGEST = 100_000
"""Largest response in bytes: a few certificates."""
_INSTALL = "pip install 'napari-bonemarrow[timestamp]'"


class TimestampTrust(StrEnum):
    """The result of a timestamp's check."""

    NONE = "none"
    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    UNCHECKED = "unchecked"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A checked timestamp.

    Attributes
    ----------
    trust : TimestampTrust
    at : datetime or None
        UTC; None without a valid timestamp.
    text : str
        One line; empty without a timestamp.
    """

    trust: TimestampTrust
    at: datetime | None
    text: str


def timestamp_server() -> str:
    """Return the address of the timestamp server that the user has named, empty if none.

    Raises
    ------
    CaseError
        If the setting cannot be read.
    """
    path = _setting()
    if not path.exists():
        return ""
    try:
        return _checked_url(json.loads(path.read_text("utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CaseError(f"{path} cannot be read: delete it, or name the timestamp server again") from error


def set_timestamp_server(url: str, roots: Path | None = None) -> None:
    """Store the address of the timestamp server, or none with an empty text.

    Parameters
    ----------
    url : str
        ``https://`` or ``http://``: either is safe, since the response is signed.
    roots : Path, optional
        Certificates in PEM that the server's own must lead to; they are copied.

    Raises
    ------
    CaseError
        If the address or the certificates are invalid, or the setting cannot be written.
    """
    path = _setting()
    try:
        if not url:
            path.unlink(missing_ok=True)
            return
        url = _checked_url(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        if roots is not None:
            data = roots.read_bytes()
            _certificates(data)
            _roots_file().write_bytes(data)
        path.write_text(json.dumps({"url": url}), "utf-8")
    except OSError as error:
        raise CaseError(f"cannot set the timestamp server: {error.filename}: {error.strerror}") from error


def ask_timestamp(url: str, data: bytes) -> bytes:
    """Request a timestamp over some bytes from a server.

    Parameters
    ----------
    url : str
    data : bytes
        Only their SHA-256 is sent.

    Returns
    -------
    bytes
        The response (DER), checked against the bytes and the request.

    Raises
    ------
    CaseError
        If the server does not answer, refuses, or gives an invalid answer.
    """
    try:
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response
    except ImportError as error:
        raise CaseError(f"timestamps need another package: {_INSTALL}") from error
    asked = (
        TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True).build()
    )
    request = Request(url, asked.as_bytes(), {"Content-Type": "application/timestamp-query"})
    host = urlsplit(url).hostname
    try:
        with urlopen(request, timeout=_WAIT_S) as answer:
            response = _body(answer)
        decoded = decode_timestamp_response(response)
        nonce = decoded.tst_info.nonce
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
        raise CaseError(f"the timestamp server {host} does not answer ({why})") from error
    except ValueError as error:
        raise CaseError(f"the timestamp server {host} gave no timestamp") from error
    wanted = (TimestampTrust.TRUSTED,) if _known_roots() else (TimestampTrust.TRUSTED, TimestampTrust.UNKNOWN)
    if nonce != asked.nonce or _found(decoded, data).trust not in wanted:
        raise CaseError(f"the timestamp of {host} does not fit what was asked")
    return response


def _body(answer: HTTPResponse) -> bytes:
    """Read an answer within the limits of time and length."""
    end, body = time.monotonic() + _WAIT_S, b""
    while piece := answer.read1(_LONGEST):
        body += piece
        if len(body) > _LONGEST:
            raise ValueError("too long")
        if time.monotonic() > end:
            raise TimeoutError
    return body


def timestamp_of(encoded: str, data: bytes) -> Timestamp:
    """Check a timestamp without a network.

    Parameters
    ----------
    encoded : str
        The response, base64; empty if none.
    data : bytes
        The timestamped bytes.
    """
    if not encoded:
        return Timestamp(TimestampTrust.NONE, None, "")
    try:
        from rfc3161_client import decode_timestamp_response
    except ImportError:
        return Timestamp(
            TimestampTrust.UNCHECKED,
            None,
            message("its timestamp was not checked: {advice}", advice=_INSTALL),
        )
    try:
        return _found(decode_timestamp_response(b64decode(encoded, validate=True)), data)
    except ValueError:
        return Timestamp(TimestampTrust.BROKEN, None, message("its timestamp is damaged"))


def _found(response: TimeStampResponse, data: bytes) -> Timestamp:
    """Return the authority and time of a timestamp; proof needs the authority's certificate."""
    from rfc3161_client import VerificationError, VerifierBuilder

    token = response.tst_info
    if bytes(token.message_imprint.message) != sha256(data).digest():
        return Timestamp(TimestampTrust.BROKEN, None, message("its timestamp is over something else"))
    by = message(
        "timestamped {at} UTC by {authority}",
        at=token.gen_time.strftime("%Y-%m-%d %H:%M:%S"),
        authority=_named(_carried(response)),
    )
    roots = _known_roots()
    try:
        if roots and VerifierBuilder(roots=roots).build().verify_message(response, data):
            return Timestamp(TimestampTrust.TRUSTED, token.gen_time, by)
    except (VerificationError, ValueError):
        return Timestamp(
            TimestampTrust.UNKNOWN,
            token.gen_time,
            message("{stamp}, which leads to no certificate known here", stamp=by),
        )
    return Timestamp(
        TimestampTrust.UNKNOWN,
        token.gen_time,
        message("{stamp}, not checked: its certificate is not known here", stamp=by),
    )


def _carried(response: TimeStampResponse) -> list[Certificate]:
    """Return the certificates in a response."""
    from cryptography.x509 import load_der_x509_certificate

    return [load_der_x509_certificate(bytes(each)) for each in response.signed_data.certificates]


def _named(certificates: list[Certificate]) -> str:
    """Return the printable part of the name of the certificate that signs timestamps."""
    from cryptography.x509.oid import NameOID

    for certificate in certificates:
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            return "".join(letter for letter in str(attribute.value) if letter.isprintable())[:80]
    return "a server without a name"


def _known_roots() -> list[Certificate]:
    path = _roots_file()
    return _certificates(path.read_bytes()) if path.exists() else []


def _certificates(data: bytes) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(data)
    except ValueError as error:
        raise CaseError("the certificates of the timestamp server are none: give a PEM file") from error


def _checked_url(url: Any) -> str:
    if (
        not isinstance(url, str)
        or urlsplit(url).scheme not in ("http", "https")
        or not urlsplit(url).hostname
    ):
        raise CaseError("the address of a timestamp server begins with https:// or http://")
    return url


def _setting() -> Path:
    return home() / "timestamp.json"


def _roots_file() -> Path:
    return home() / "timestamp-roots.pem"
