"""Download of published weights into the user's models: the only use of the internet in this program.

Only the request for the file is sent. A download goes into a draft that a later call continues; its digest
is checked before it gets its name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from types import MappingProxyType
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from napari_bonemarrow.models.bundles.bundle import BundleError, user_models
from napari_bonemarrow.system.files import why

BLOCK = 1 << 20  # bytes
TIMEOUT = 30.0  # seconds without a byte

Progress = Callable[[int, int], None]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (?P<first>\d{1,18})-(?P<last>\d{1,18})/(?P<whole>\d{1,18}|\*)", re.ASCII)
_PAGE = re.compile(rb"\s*<(!doctype|html|head|\?xml)", re.IGNORECASE)


def _opener() -> OpenerDirector:
    """Return an opener for web addresses only: redirections to files and FTP servers fail."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


_DINOBLOOM = "DinoBloom (Koch et al., MICCAI 2024, arXiv:2404.05022, doi 10.5281/zenodo.10908163)"
_DINOV2 = "DINOv2 (Oquab et al., TMLR 2024, arXiv:2304.07193)"


@dataclass(frozen=True, slots=True)
class Published:
    """A published file of weights.

    Attributes
    ----------
    name : str
        Its name for `fetch` and ``--init``; also its architecture.
    url : str
    attribution, licence : str
        For the card of bundles trained from it.
    sha256 : str
        Hex digest; empty where none is published. Then the user gives it, or chooses to trust the first
        download.
    """

    name: str
    url: str
    attribution: str
    licence: str
    sha256: str = ""


def _dinobloom(size: str, sha256: str = "") -> Published:
    url = f"https://zenodo.org/records/10908163/files/DinoBloom-{size.upper()}.pth?download=1"
    return Published(f"dinobloom_{size}", url, _DINOBLOOM, "Apache-2.0", sha256)


def _dinov2(size: str, sha256: str) -> Published:
    stem = f"dinov2_vit{size}14"
    url = f"https://dl.fbaipublicfiles.com/dinov2/{stem}/{stem}_pretrain.pth"
    return Published(f"dinov2_{size}", url, _DINOV2, "Apache-2.0", sha256)


# Digests: of DinoBloom-S from KatherLab's STAMP, of DINOv2 from finegrain's Refiners. None was found for the
# larger DinoBlooms in any public source.
_ALL = (
    _dinobloom("s", "c2f7990b003e89bcece80e379fb8fe0ba2ec392ce19b286e8a294abd99568e44"),
    _dinobloom("b"),
    _dinobloom("l"),
    _dinobloom("g"),
    _dinov2("s", "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"),
    _dinov2("b", "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"),
    _dinov2("l", "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"),
    _dinov2("g", "baf8467e50af277596bbbafa06887c177ee899ab46033649c383577d7e9309d3"),
)

PUBLISHED: Mapping[str, Published] = MappingProxyType({each.name: each for each in _ALL})
"""Every published file, by name."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file and its digest."""

    published: Published
    path: Path
    sha256: str


def fetch(
    name: str,
    *,
    url: str | None = None,
    sha256: str | None = None,
    trust_first: bool = False,
    progress: Progress | None = None,
) -> Fetched:
    """Return a published file, downloaded unless it exists.

    Parameters
    ----------
    name : str
        A name in `PUBLISHED`.
    url : str, optional
        Another source of the same file, such as a hospital's mirror.
    sha256 : str, optional
        Hex digest of the file. It or `trust_first` is required for files without a known one.
    trust_first : bool
        Accept the first download and require its digest of later ones. This is recorded.
    progress : callable, optional
        Called with the bytes so far and the total (0 if unknown).

    Raises
    ------
    BundleError
        If the name is unknown, no digest is known, the address is invalid, the server cannot be reached, has
        no such file or answers with a web page or a wrong part, the file is truncated or has another digest,
        or the disk is full. The draft stays, and a later call continues it.
    """
    if name not in PUBLISHED:
        raise BundleError(f"no published weights {name!r}: choose one of {', '.join(PUBLISHED)}")
    published, place = PUBLISHED[name], _place(name)
    expected, known_by = _expected(published, sha256, trust_first)
    if place.is_file():
        return find_fetched(name)
    source = url or published.url
    _check_address(source)
    draft = place.with_suffix(".part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _download(source, draft, progress)
        digest = _digest(draft)
        _check_digest(published, expected, digest, draft, source)
        size = draft.stat().st_size
        note = {"url": source, "sha256": digest, "bytes": size, "known_by": known_by or "the first download"}
        _note(name).write_text(json.dumps(note, indent=2) + "\n", "utf-8")
        draft.replace(place)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        said = "the disk is full; free some space and run it again" if full else why(error)
        raise BundleError(f"{place.parent}: cannot keep {name} there ({said})") from error
    return Fetched(published, place, digest)


def find_fetched(name: str) -> Fetched:
    """Return a file downloaded before, its digest checked.

    Raises
    ------
    BundleError
        If it is missing or has changed.
    """
    published, place = PUBLISHED[name], _place(name)
    if not place.is_file():
        raise BundleError(f"{name} is not here yet; run: napari-bonemarrow models fetch {name}")
    digest = _digest(place)
    expected = published.sha256 or _first_digest(name)
    if expected and digest != expected:
        raise BundleError(f"{place}: has changed since it was fetched; delete it and fetch {name} again")
    return Fetched(published, place, digest)


def _place(name: str) -> Path:
    return user_models() / "published" / f"{name}.weights"


def _note(name: str) -> Path:
    return _place(name).with_suffix(".json")


def _first_digest(name: str) -> str:
    """Return the digest of the first download, which outlives the file itself."""
    try:
        return str(json.loads(_note(name).read_text("utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _expected(published: Published, given: str | None, trust_first: bool) -> tuple[str, str]:
    """Return the required digest of a file, empty for any, and its source."""
    if given is not None and not _DIGEST.fullmatch(given.lower()):
        raise BundleError(f"sha256 {given!r}: is not a digest; give 64 digits and letters a to f")
    known = published.sha256 or _first_digest(published.name)
    if known and given is not None and given.lower() != known:
        raise BundleError(
            f"{published.name}: has the digest {known[:12]}…, not {given[:12]}…; leave --sha256 out"
        )
    if known:
        return known, "this program" if published.sha256 else "the first download"
    if given is not None:
        return given.lower(), "who fetched it"
    if not trust_first:
        raise BundleError(
            f"{published.name}: no digest of it is known here that could be checked; pass --sha256 HEX, or "
            "--trust-first to take the first download and hold later ones to it"
        )
    return "", ""


def _check_address(source: str) -> None:
    """Raise a one-line error for anything but a web address."""
    try:
        parts = urlsplit(source)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises if it is not a number
    except ValueError:
        good = False
    if not good or not source.isascii() or not source.isprintable() or " " in source:
        shown = ascii(source)[1:-1][:120]
        raise BundleError(f"{shown}: is not an address that begins with https:// or http://; correct --url")


def _check_digest(published: Published, expected: str, digest: str, draft: Path, source: str) -> None:
    if expected and digest != expected:
        draft.unlink()
        raise BundleError(
            f"{source}: sent another file than {published.name} (sha256 {digest[:12]}…, expected "
            f"{expected[:12]}…) and it was not kept; try again or another mirror"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(source: str, draft: Path, progress: Progress | None) -> None:
    """Complete the draft, continuing an earlier call."""
    mark = draft.with_suffix(".part-mark")
    for attempt in ("go on", "anew"):
        have = draft.stat().st_size if draft.is_file() and mark.is_file() and attempt == "go on" else 0
        headers = {"User-Agent": "napari-bonemarrow", "Accept-Encoding": "identity"}
        if have:  # the ETag tells the server which version of the file the draft belongs to
            headers |= {"Range": f"bytes={have}-", "If-Range": mark.read_text("utf-8")}
        try:
            with _opener().open(Request(source, headers=headers), timeout=TIMEOUT) as answer:
                if not _goes_on(answer, have):
                    draft.unlink(missing_ok=True)  # an unrequested part is useless
                    continue
                _receive(answer, source, draft, mark, have, progress)
            mark.unlink(missing_ok=True)
            return
        except HTTPError as error:
            if error.code == 416 and have:  # the draft does not match that file
                continue
            raise BundleError(
                f"{source}: the server answers {error.code} ({error.reason}); "
                "give another address by --url, or the file itself to train by --init"
            ) from error
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            raise BundleError(
                f"{source}: cannot be reached ({getattr(error, 'reason', None) or error!r}); without a "
                "network fetch the file elsewhere and give it to train by --init"
            ) from error
        except ValueError as error:  # a header or an address that urllib rejects
            raise BundleError(
                f"{source}: gave an answer that makes no sense ({error}); give another address by --url"
            ) from error
    raise BundleError(f"{source}: sends other parts than it is asked for; give another address by --url")


def _receive(
    answer: HTTPResponse, source: str, draft: Path, mark: Path, have: int, progress: Progress | None
) -> None:
    if answer.status != 206:
        have = 0
    length = _length(answer, source)
    total = have + length if length else 0
    first = answer.read(BLOCK)
    if not have:
        _check_no_page(answer, first, source)
    _check_room(draft.parent, total - have, source)
    version = answer.headers.get("ETag", "")
    if version and not version.startswith("W/"):
        mark.write_text(version, "utf-8")
    else:
        mark.unlink(missing_ok=True)
    with draft.open("r+b" if have else "wb") as file:
        file.seek(have)
        block = first
        while block:
            file.write(block)
            have += len(block)
            if progress is not None:
                progress(have, total)
            block = answer.read(BLOCK)
        file.truncate()
    if total and have < total:
        raise BundleError(
            f"{source}: the connection ended after {have} of {total} bytes; run it again to continue"
        )


def _goes_on(answer: HTTPResponse, have: int) -> bool:
    """Return whether an answer is the whole file, or the part after the draft."""
    if answer.status != 206:
        return True
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None or int(found["first"]) != have:
        return False
    length = answer.headers.get("Content-Length")
    span = int(found["last"]) - have + 1
    whole = found["whole"] == "*" or int(found["last"]) + 1 == int(found["whole"])
    return whole and (length is None or length == str(span))


def _length(answer: HTTPResponse, source: str) -> int:
    """Return the bytes to come, 0 if unknown."""
    length = answer.headers.get("Content-Length")
    if length is None:
        return 0
    if not length.isascii() or not length.isdigit():
        raise BundleError(
            f"{source}: states a length that is not a number ({length[:20]!r}); give another address by --url"
        )
    return int(length)


def _check_no_page(answer: HTTPResponse, first: bytes, source: str) -> None:
    """Raise an error for a web page, such as a network's login page, before anything is written."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") or _PAGE.match(first):
        raise BundleError(
            f"{source}: answers with a web page, not with the file; does this network ask for a login? "
            "Open a browser, or give another address by --url"
        )


def _check_room(folder: Path, needed: int, source: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise BundleError(
            f"{folder}: has {free / 1e6:.0f} MB free and {source} needs {needed / 1e6:.0f} MB; free some"
        )
