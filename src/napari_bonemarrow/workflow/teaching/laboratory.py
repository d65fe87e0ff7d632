"""Laboratory heads of this user: made from signed cases, kept in the program's folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.head_files import HeadCard, list_heads, read_card, save_head
from napari_bonemarrow.learning.head_files import load_head as read_head
from napari_bonemarrow.learning.laboratory_fit import TaughtCase
from napari_bonemarrow.learning.laboratory_head import Accuracies, LaboratoryHead
from napari_bonemarrow.learning.serving_head import ServingHead
from napari_bonemarrow.review import Case, CaseError
from napari_bonemarrow.system.files import why, write_text
from napari_bonemarrow.system.home import home

_DEFAULT = "default.txt"
_NAME = re.compile(r"\w[\w .-]{0,60}")


@dataclass(frozen=True, slots=True)
class HeadInfo:
    """A laboratory head.

    Attributes
    ----------
    name : str
    model, model_sha256 : str
        The bundle that it belongs to.
    cases : int
    taught : dict of str to int
        Cells that taught it by class.
    left_out : Accuracies or None
        Bundle and head on cases left out one by one; None with a single case.
    notes : str
    problem : str
        Why it cannot be used, in one line; empty if it can.
    """

    name: str
    model: str = ""
    model_sha256: str = ""
    cases: int = 0
    taught: dict[str, int] | None = None
    left_out: Accuracies | None = None
    notes: str = ""
    problem: str = ""

    @property
    def text(self) -> str:
        """Return it in one line."""
        if self.problem:
            return self.problem
        cells = sum((self.taught or {}).values())
        what = f"{self.name}: {count_of(self.cases, 'case')}, {count_of(cells, 'cell')}"
        if self.left_out is None:
            return f"{what}; a second case shows whether it helps"
        each = self.left_out
        return (
            f"{what}; on cases left out one by one the model alone names {each.bundle:.0%} of "
            f"{each.cells:,} cells rightly, with this head {each.head:.0%}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "model": self.model,
            "cases": self.cases,
            "taught": self.taught or {},
            "left_out": None if self.left_out is None else asdict(self.left_out),
            "notes": self.notes,
        }


def heads_folder() -> Path:
    """Return the folder of the heads; it is not created here."""
    return home() / "heads"


def heads() -> tuple[HeadInfo, ...]:
    """Return the heads of this user by name, also those that cannot be used, with the reason."""
    found = []
    for folder in list_heads(heads_folder()):
        try:
            found.append(_info(folder.name, read_card(folder)))
        except LearningError as error:
            found.append(HeadInfo(folder.name, problem=str(error)))
    return tuple(found)


def load_head(name: str) -> ServingHead:
    """Return a head, ready to predict.

    Raises
    ------
    LearningError
        If there is none of that name, or it is damaged or worse than its bundle.
    """
    folder = _folder(name)
    if not folder.is_dir():
        known = ", ".join(each.name for each in heads()) or "none"
        raise LearningError(f"there is no laboratory head {name!r}: known are {known}")
    return read_head(folder).serving(name)


def default_head() -> str:
    """Return the name of the head that new cases of the window begin with, empty for none."""
    try:
        name = (heads_folder() / _DEFAULT).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if _NAME.fullmatch(name) and (heads_folder() / name).is_dir() else ""


def set_default_head(name: str) -> None:
    """Set the head that new cases of the window begin with; empty for none.

    Raises
    ------
    LearningError
        If there is none of that name, or it cannot be noted.
    """
    if name:
        load_head(name)
    try:
        heads_folder().mkdir(parents=True, exist_ok=True)
        write_text(heads_folder() / _DEFAULT, f"{name}\n")
    except OSError as error:
        raise LearningError(f"{heads_folder()}: cannot be written ({why(error)})") from error


def remember_cases(paths: Sequence[Path], name: str, note: str = "") -> HeadInfo:
    """Make a laboratory head from signed cases, or extend it; a case that it knows is learnt again.

    Parameters
    ----------
    paths : sequence of Path
        Signed cases, classified by one bundle.
    name : str
    note : str
        Of stain or scanner, for its card; an earlier note stays if empty.

    Raises
    ------
    CaseError
        If a case cannot be read.
    LearningError
        If a case is not signed or has nothing to teach, or the head would be worse than the bundle.
    """
    folder = _folder(name)
    head = read_head(folder) if folder.is_dir() else None
    learnt = {} if head is None else {case.case_id: case for case in head.cases}
    model, classes = (None, None) if head is None else (head.model, head.bundle_classes)
    for path in paths:
        taught, of, of_classes = _taught(path)
        if model is not None and of.sha256 != model.sha256:
            raise LearningError(
                f"{path.name} was classified by another model than the head {name}: classify it again, or "
                "choose another name"
            )
        model, classes = of, of_classes
        learnt[taught.case_id] = taught
    if model is None or classes is None:
        raise LearningError("no case was given to learn from")
    notes = {"note": note} if note.strip() else dict(head.notes if head is not None else {})
    made = LaboratoryHead.make(tuple(learnt.values()), model, classes, notes)
    save_head(made, folder)
    return _info(name, read_card(folder))


def forget_case(path: Path, name: str) -> HeadInfo:
    """Take what a case taught out of a head; the last case takes the head with it.

    Raises
    ------
    CaseError, LearningError
        If the case cannot be read, the head does not know it, or would be worse than the bundle without it.
    """
    folder = _folder(name)
    head = read_head(folder) if folder.is_dir() else None
    if head is None:
        raise LearningError(f"there is no laboratory head {name!r}")
    with Case.open(path, read_only=True) as case:
        case_id = case.case_id
    left = head.forget(case_id)
    if left is None:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        return HeadInfo(name, head.model.name, head.model.sha256, 0, {})
    save_head(left, folder)
    return _info(name, read_card(folder))


def begin_with(case: Case, head: ServingHead) -> None:
    """Let a case begin with a laboratory head, and predict with it.

    Raises
    ------
    CaseError
        If it belongs to another bundle, or the case cannot be written.
    LearningError
        If the cells have no features to predict from.
    """
    if case.is_signed:
        return
    case.learning.choose_laboratory(head)
    if case.learning.given() is None:
        raise LearningError(f"{case.path.name}: its cells have no features for the head {head.name}")
    case.learning.bring_up_to_date()


def _taught(path: Path) -> tuple[TaughtCase, Any, tuple[str, ...]]:
    """Return what a signed case taught, its bundle and the bundle's classes."""
    with Case.open(path, read_only=True) as case:
        if case.distrust:
            raise CaseError(f"{path.name}: {case.distrust}")
        if case.signature is None:
            raise LearningError(
                f"{path.name} is not signed: a laboratory head learns from signed cases alone"
            )
        given = case.learning.given()
        if given is None:
            raise LearningError(f"{path.name}: its cells have no features to learn from: classify them again")
        if not given.codes:
            raise LearningError(f"{path.name} has no reviewed cells to learn from")
        taught = TaughtCase.of(
            case.case_id, case.signature.at[:10], given.features, given.bundle, given.cell_id, given.codes
        )
        return taught, given.bundle.model, given.bundle.classes


def _folder(name: str) -> Path:
    if not _NAME.fullmatch(name) or name.strip(" .") != name or name.casefold() == "none":
        raise LearningError(
            f"{name!r} is no name for a head: use letters, digits, spaces, points and dashes, 61 at most"
        )
    return heads_folder() / name


def _info(name: str, card: HeadCard) -> HeadInfo:
    taught: Counter[str] = Counter()
    for case in card.cases:
        taught.update(case.labels)
    left = card.left_out
    return HeadInfo(
        name,
        card.model,
        card.model_sha256,
        len(card.cases),
        dict(sorted(taught.items())),
        None if left is None else Accuracies(**left.model_dump()),
        "; ".join(card.notes.values()),
    )
