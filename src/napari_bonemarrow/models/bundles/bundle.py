"""A model bundle: a folder with ``weights.safetensors`` and ``card.json``, checked without torch.

A third file, ``domain.safetensors``, holds statistics of the training data. The card has its hash, so the
digest over weights and card covers it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from napari_bonemarrow.cytology import BoneMarrowError, ModelReference, Support
from napari_bonemarrow.models.bundles.card import Card
from napari_bonemarrow.models.bundles.catalogue import choices, find_architecture
from napari_bonemarrow.system.home import home

WEIGHTS = "weights.safetensors"
CARD = "card.json"
DOMAIN = "domain.safetensors"
"""Optional statistics of the bundle's training data."""
STARTER = "starter"

_LONGEST_HEADER = 100_000_000
"""Longest header in bytes, the limit of the safetensors library."""

_PICKLE_HINT = "run 'napari-bonemarrow models import' on it, which refuses code"


class BundleError(BoneMarrowError):
    """A model bundle that is missing, broken or contradicts its card."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle.

    Attributes
    ----------
    path : Path
        Its folder.
    card : Card
    sha256 : str
        Hex digest over the weights and the card.
    """

    path: Path
    card: Card
    sha256: str

    @classmethod
    def open(cls, name_or_path: str | Path | Bundle) -> Bundle:
        """Return a bundle by name or folder, checked as far as possible without torch.

        Raises
        ------
        BundleError
            If it is missing, not a safetensors file, or contradicts its card.
        """
        if isinstance(name_or_path, Bundle):
            return name_or_path
        folder = _find(name_or_path)
        for name in (CARD, WEIGHTS):
            if not (folder / name).is_file():
                raise BundleError(f"{folder}: no {name}; a bundle holds {WEIGHTS} and {CARD}")
        card = _read_card(folder / CARD)
        _check_header(folder / WEIGHTS, card)
        if card.domain is not None and not (folder / DOMAIN).is_file():
            raise BundleError(f"{folder}: no {DOMAIN}, which its card names; copy the whole folder again")
        return cls(folder, card, _digest(folder))

    @property
    def reference(self) -> ModelReference:
        """Return the name and digest for results."""
        return ModelReference(self.card.name, self.sha256)

    @property
    def support(self) -> Mapping[str, Support]:
        """Return how well each class was learnt."""
        return self.card.support

    @property
    def weights(self) -> Path:
        """Return the file of weights."""
        return self.path / WEIGHTS


_NAME = re.compile(r"\w(?:[\w.-]{0,62}\w)?")


def check_name(name: str) -> str:
    """Return a name if it is valid for a user's bundle and its folder.

    Raises
    ------
    BundleError
        If it is the shipped bundle's, or has characters other than letters, digits, dots and hyphens.
    """
    if not _NAME.fullmatch(name) or name == STARTER:
        shown = ascii(name)[1:-1][:80]
        raise BundleError(f"'{shown}' cannot be a model's name: take letters, digits, dots and hyphens")
    return name


def user_models() -> Path:
    """Return the folder of the user's own bundles, which need not exist."""
    return home() / "models"


def list_bundles() -> list[str]:
    """Return the names for `Bundle.open`: the shipped bundle, then the user's, sorted."""
    own = user_models()
    names = sorted(p.parent.name for p in own.glob(f"*/{CARD}")) if own.is_dir() else []
    shipped = [STARTER] if (Path(__file__).parents[1] / STARTER / CARD).is_file() else []
    return shipped + [name for name in names if name not in shipped]


def read_header(path: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return names, types and shapes in a safetensors file without its numbers.

    The layout follows the safetensors specification: eight bytes with the header's length, the header as
    JSON that begins with ``{``, then the tensors without gaps. The length may have any first byte, including
    those of a pickle or a zip archive.

    Returns
    -------
    dict
        Tensor name to (type, shape).

    Raises
    ------
    BundleError
        If the file is a pickle, cut short or something else.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        raw = file.read(length) if len(start) == 8 and length <= min(size - 8, _LONGEST_HEADER) else b""
    if not raw.startswith(b"{"):  # every header begins so, and no pickle can: it has opcodes there
        if start.startswith((b"PK", b"\x80")):
            raise BundleError(f"{path}: is a pickled PyTorch file, which can carry code; {_PICKLE_HINT}")
        raise BundleError(f"{path}: is cut short or no safetensors file; fetch or export it again")
    try:
        header = json.loads(raw)
        entries = {k: v for k, v in header.items() if k != "__metadata__"}
        spans = sorted((int(v["data_offsets"][0]), int(v["data_offsets"][1])) for v in entries.values())
        tensors = {k: (str(v["dtype"]), tuple(int(n) for n in v["shape"])) for k, v in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise BundleError(f"{path}: is not a safetensors file; fetch or export it again") from error
    ends = [0, *(end for _start, end in spans)]
    if ends[-1] != size - 8 - length:
        raise BundleError(f"{path}: is cut short; fetch or export it again")
    if [start for start, _end in spans] != ends[:-1]:
        raise BundleError(f"{path}: its tensors overlap or leave gaps; fetch or export it again")
    return tensors


def _find(name_or_path: str | Path) -> Path:
    name = str(name_or_path)
    if name == STARTER:  # takes precedence over a folder of that name in the current folder
        return Path(__file__).parents[1] / STARTER
    own = user_models() / name
    if Path(name).name == name and own.is_dir():
        return own
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise BundleError(f"{folder}: is a file; name a bundle's folder, or {_PICKLE_HINT}")
    known = ", ".join(list_bundles()) or "none"
    raise BundleError(f"no model {name!r}: give a bundle's folder or one of: {known}")


def _read_card(path: Path) -> Card:
    try:
        return Card.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BundleError(f"{path}: {card_fault(error)}; correct the card") from error


def card_fault(error: ValidationError) -> str:
    """Return the first error of a card in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _check_header(path: Path, card: Card) -> None:
    known = find_architecture(card.architecture)
    if known is None:
        raise BundleError(f"{path.parent}: unknown architecture {card.architecture!r}; known are {choices()}")
    if card.network_size % known.multiple:
        raise BundleError(
            f"{path.parent}: network_size: {card.architecture} takes multiples of {known.multiple} px, "
            f"not {card.network_size}; correct the card"
        )
    header, head = read_header(path), known.head or card.head
    if not head:
        raise BundleError(
            f"{path.parent}: head: the card must name {card.architecture}'s last layer; correct it"
        )
    if head not in header or (known.stem and known.stem not in header):
        raise BundleError(f"{path}: holds no weights of {card.architecture}; the card names another network")
    rows = header[head][1][0] if header[head][1] else 0
    if rows != len(card.classes):
        raise BundleError(
            f"{path.parent}: the weights have {rows} classes, the card {len(card.classes)}; "
            "weights and card do not belong together"
        )


def _digest(folder: Path) -> str:
    stats = tuple((folder / name).stat() for name in (WEIGHTS, CARD))
    return _digest_of(folder, tuple((s.st_size, s.st_mtime_ns) for s in stats))


@cache
def _digest_of(folder: Path, _state: tuple[tuple[int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name in (WEIGHTS, CARD):
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
