"""Reviewed cases as training data: cells with a reviewer's label, and their crops (no torch)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, BoneMarrowError
from napari_bonemarrow.review import SUFFIX, Case, CaseError, was_set_aside
from napari_bonemarrow.slides import Scale, cut_crops, open_slide
from napari_bonemarrow.training.config import TrainingError

MINIMUM_REVIEWED = 20
"""Fewest reviewed cells for a fine-tune: a fifth of fewer would be too small a held-out part."""

_AT_ONCE = 256  # crops per batch


@dataclass(frozen=True, slots=True)
class CaseCells:
    """The cells of one case with a reviewer's label.

    Attributes
    ----------
    path : Path
        The case's file.
    slide : Path
        The present path of its slide.
    slide_fingerprint : str
        Identifies the slide: cells of one slide stay in one part of a split.
    state : str
        Hash of the journal's last line, which identifies the labels.
    scale : Scale
    cell_id : ndarray of int64, shape (n,)
    x, y : ndarray of float64, shape (n,)
        Centres, level-0 px.
    codes : tuple of str
        The reviewer's class of each cell, one of the 21.
    waiting : ndarray of float64, shape (m, 2)
        Centres (x, y) of the unreviewed cells.
    other : mapping of str to int
        Labels outside the 21 classes, left out.
    reviewers : frozenset of str
    """

    path: Path
    slide: Path
    slide_fingerprint: str
    state: str
    scale: Scale
    cell_id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    codes: tuple[str, ...]
    waiting: NDArray[np.float64]
    other: Counter[str]
    reviewers: frozenset[str]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class CaseSet:
    """Usable cases, and skipped ones with the reason.

    Attributes
    ----------
    cases : tuple of CaseCells
        Each with at least one reviewed cell.
    skipped : tuple of str
        ``name: why``, one line each.
    """

    cases: tuple[CaseCells, ...]
    skipped: tuple[str, ...] = field(default=())

    def counts(self) -> Counter[str]:
        """Return the number of reviewed cells by class."""
        return Counter(code for case in self.cases for code in case.codes)

    def cases_with(self) -> Counter[str]:
        """Return the number of cases with reviewed cells by class."""
        return Counter(code for case in self.cases for code in set(case.codes))

    def other(self) -> Counter[str]:
        """Return the number of labels outside the 21 classes."""
        return sum((case.other for case in self.cases), Counter())

    def __len__(self) -> int:
        return sum(len(case) for case in self.cases)


def find_cases(given: Sequence[str | Path]) -> list[Path]:
    """Return case files, also from folders at any depth, except cases that were started over.

    Raises
    ------
    TrainingError
        If a path is missing or not a case, or nothing is found.
    """
    found: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            cases = (each for each in path.rglob(f"*{SUFFIX}") if each.is_file())
            found += sorted(each for each in cases if not was_set_aside(each))
        elif not path.exists():
            raise TrainingError(f"{path}: no such file or folder; give a folder of {SUFFIX} files")
        elif path.suffix.lower() != SUFFIX:
            raise TrainingError(f"{path}: is not a case; give {SUFFIX} files or a folder of them")
        else:
            found.append(path)
    if not found:
        raise TrainingError(f"{', '.join(map(str, given))}: no {SUFFIX} file there; review a smear first")
    return list(dict.fromkeys(path.resolve() for path in found))


def read_cases(given: Sequence[str | Path]) -> CaseSet:
    """Return the reviewed cells of cases. Pixels are not read, but each slide must exist.

    A label counts if a reviewer set or confirmed it, not if a rule or an import made it. Of several
    copies of one case the longest journal is used.

    Parameters
    ----------
    given : sequence of str or Path
        Cases, and folders of them.

    Returns
    -------
    CaseSet

    Raises
    ------
    TrainingError
        If a path is wrong. A case that cannot be read is skipped and named.
    """
    newest: dict[str, tuple[int, CaseCells]] = {}
    skipped: list[str] = []
    for path in find_cases(given):
        try:
            identity, length, cells = _read(path)
        except BoneMarrowError as error:
            skipped.append(f"{path.name}: {error}")
            continue
        if not len(cells):
            skipped.append(f"{path.name}: no cell has been reviewed")
            continue
        known = newest.get(identity)
        if known is not None:
            older = path if known[0] >= length else known[1].path
            skipped.append(f"{older.name}: is an older copy of another case here")
        if known is None or known[0] < length:
            newest[identity] = (length, cells)
    return CaseSet(tuple(cells for _, cells in newest.values()), tuple(skipped))


def _read(path: Path) -> tuple[str, int, CaseCells]:
    """Return the cells of a case, its identity and the length of its journal."""
    with Case.open(path, read_only=True) as case:
        if not case.verification.ok:
            raise CaseError(f"was changed by hand ({case.verification.text}); restore it from a copy")
        if case.scale is None:
            raise CaseError("its scale was never confirmed; open it and confirm the µm per pixel")
        slide, events, every = case.slide_file.require(), case.history.events(), case.cells
        labels = {cell: each for cell, each in case.labels.items() if each.source == "reviewer"}
        ours = [cell for cell, each in labels.items() if each.code in BMC21]
        cells = every.select(np.isin(every.cell_id, ours))
        waiting = every.select(~case.reviewed())
        taken = [labels[cell] for cell in cells.cell_id.tolist()]
        return (
            str(events[0].new["case"]),
            len(events),
            CaseCells(
                path=path,
                slide=slide,
                slide_fingerprint=case.slide_record.fingerprint,
                state=events[-1].hash,
                scale=case.scale,
                cell_id=cells.cell_id,
                x=cells.x,
                y=cells.y,
                codes=tuple(each.code for each in taken),
                waiting=np.column_stack([waiting.x, waiting.y]),
                other=Counter(each.code for each in labels.values() if each.code not in BMC21),
                reviewers=frozenset(each.by for each in taken),
            ),
        )


def cut_reviewed(
    case: CaseCells, *, microns_per_pixel: float, size: int, waiting: NDArray[np.intp] | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the crops of a case, a few hundred at a time.

    Parameters
    ----------
    case : CaseCells
    microns_per_pixel : float
        Scale of the crops.
    size : int
        Side of a crop, px.
    waiting : ndarray of intp, optional
        Rows of ``case.waiting`` to cut instead of the reviewed cells.

    Yields
    ------
    ndarray of uint8, shape (n, size, size, 3)
        In the order of ``case.codes``.

    Raises
    ------
    SlideError
        If the slide cannot be read.
    """
    x, y = (case.x, case.y) if waiting is None else case.waiting[waiting].T
    slide = open_slide(case.slide).with_scale(case.scale)
    for start in range(0, len(x), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield cut_crops(slide, x[part], y[part], microns_per_pixel=microns_per_pixel, size=size)
