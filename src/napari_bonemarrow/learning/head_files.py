"""Laboratory heads on disk: a folder with ``head.safetensors`` and ``card.json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_bonemarrow.cytology import ModelReference
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.laboratory_fit import LaboratoryFit, TaughtCase
from napari_bonemarrow.learning.laboratory_head import Accuracies, LaboratoryHead, summary
from napari_bonemarrow.system.files import why, write_bytes, write_text

NUMBERS = "head.safetensors"
CARD = "card.json"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
_ARRAYS = ("values", "axes", "mean", "centre", "bundle")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseEntry(_Part):
    """One case that was learnt from: its number, the day, and its labels by class."""

    case_id: str = Field(min_length=1)
    date: str
    labels: Mapping[str, int]


class LeftOut(_Part):
    """Accuracy of bundle and head on cases left out one by one."""

    cases: int = Field(ge=2)
    cells: int = Field(ge=1)
    classes: int = Field(ge=1)
    bundle: Share
    head: Share
    bundle_balanced: Share
    head_balanced: Share


class HeadCard(_Part):
    """Card of a laboratory head.

    Attributes
    ----------
    model, model_sha256 : str
        The bundle that it belongs to.
    bundle_classes, classes : tuple of str
        The bundle's classes, and the head's.
    features : int
        Length of the network's features.
    cases : tuple of CaseEntry
    left_out : LeftOut or None
        None with a single case.
    notes : mapping of str to str
        What the user says of stain, scanner and the like.
    sha256 : str
        Digest of the file of numbers.
    """

    schema_version: Literal[1] = 1
    kind: Literal["laboratory head"] = "laboratory head"
    model: str = Field(min_length=1)
    model_sha256: str
    bundle_classes: tuple[str, ...] = Field(min_length=1)
    classes: tuple[str, ...] = Field(min_length=1)
    features: int = Field(ge=1)
    cases: tuple[CaseEntry, ...] = Field(min_length=1)
    left_out: LeftOut | None
    notes: Mapping[str, str] = Field(default_factory=dict)
    sha256: str


def list_heads(folder: Path) -> tuple[Path, ...]:
    """Return the folders of heads in a folder, sorted by name; none if it does not exist."""
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(card.parent for card in folder.glob(f"*/{CARD}") if (card.parent / NUMBERS).is_file())
    )


def read_card(folder: Path) -> HeadCard:
    """Return a head's card without its numbers.

    Raises
    ------
    LearningError
        If it is missing or damaged.
    """
    path = folder / CARD
    try:
        return HeadCard.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LearningError(f"{path}: cannot be read ({why(error)})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LearningError(
            f"{path}: is damaged ({where}: {first['msg']}); restore it, or make the head again"
        ) from error


def save_head(head: LaboratoryHead, folder: Path) -> None:
    """Write a head into a folder, which is made; an earlier head there is replaced.

    The numbers are written first. A card whose digest is not theirs is refused by `load_head`, so that a
    power cut between the two files cannot join a head with the card of another.

    Raises
    ------
    LearningError
        If the files cannot be written.
    """
    from safetensors.numpy import save

    arrays: dict[str, Any] = {"coefficients": head.fit.coefficients, "constant": head.fit.constant}
    for number, case in enumerate(head.cases):
        arrays |= {f"case{number}.{name}": getattr(case, name) for name in _ARRAYS}
        kinds = np.array([head.fit.codes.index(code) for code in case.codes], np.int32)
        arrays[f"case{number}.codes"] = kinds
    data: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    card = HeadCard(
        model=head.model.name,
        model_sha256=head.model.sha256,
        bundle_classes=head.bundle_classes,
        classes=head.fit.codes,
        features=len(head.fit.coefficients),
        notes=head.notes,
        sha256=hashlib.sha256(data).hexdigest(),
        **summary(head),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / NUMBERS, data)
        write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise LearningError(f"{folder}: the head cannot be written ({why(error)})") from error


def load_head(
    folder: Path, model: ModelReference | None = None, features: int | None = None
) -> LaboratoryHead:
    """Return a head from its folder.

    Parameters
    ----------
    folder : Path
    model : ModelReference, optional
        The bundle that it is to serve with.
    features : int, optional
        Length of that bundle's features.

    Raises
    ------
    LearningError
        If it is damaged, belongs to another bundle, or is worse than the bundle by its own card.
    """
    card = read_card(folder)
    arrays = _numbers(folder / NUMBERS, card)
    left = card.left_out
    if left is not None and Accuracies(**left.model_dump()).worse:
        raise LearningError(f"{folder}: by its card this head is worse than the model alone; it is not used")
    try:
        head = LaboratoryHead(
            ModelReference(card.model, card.model_sha256),
            card.bundle_classes,
            tuple(_case(number, entry, card, arrays) for number, entry in enumerate(card.cases)),
            LaboratoryFit(card.classes, arrays["coefficients"], arrays["constant"]),
            None if left is None else Accuracies(**left.model_dump()),
            card.notes,
        )
    except (KeyError, IndexError, TypeError) as error:
        raise LearningError(
            f"{folder}: numbers and card do not belong together; make the head again"
        ) from error
    shape = (card.features, len(card.classes))
    fit = head.fit
    finite = np.isfinite(fit.coefficients).all() and np.isfinite(fit.constant).all()
    if fit.coefficients.shape != shape or fit.constant.shape != shape[1:] or not finite:
        raise LearningError(f"{folder}: numbers and card do not belong together; make the head again")
    if model is not None:
        head.serving().check_bundle(model, card.features if features is None else features)
    return head


def _numbers(path: Path, card: HeadCard) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != card.sha256:
            raise LearningError(
                f"{path}: is not the file that its card names; restore it, or make the head again"
            )
        found: dict[str, Any] = load(data)
        return found
    except OSError as error:
        raise LearningError(f"{path}: cannot be read ({why(error)})") from error
    except SafetensorError as error:
        raise LearningError(f"{path}: is damaged ({error}); restore it, or make the head again") from error


def _case(number: int, entry: CaseEntry, card: HeadCard, arrays: Mapping[str, Any]) -> TaughtCase:
    codes = tuple(card.classes[at] for at in arrays[f"case{number}.codes"].tolist())
    parts = {name: arrays[f"case{number}.{name}"] for name in _ARRAYS}
    return TaughtCase(entry.case_id, entry.date, codes=codes, **parts)
