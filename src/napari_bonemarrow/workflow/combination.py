"""Several smears of one patient as one count."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_bonemarrow.cytology import BoneMarrowError, Differential, Support
from napari_bonemarrow.cytology.domain import DomainCheck
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.estimation.homogeneity import Homogeneity, homogeneity
from napari_bonemarrow.report.files import make_folder, write_text
from napari_bonemarrow.review import Case

_ORDER = (Support.NONE, Support.TRANSFERRED, Support.FEW, Support.TRAINED)
RESULT = "combined.json"


class CombinationError(BoneMarrowError):
    """Smears cannot be counted as one: which, why, what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One smear of a combined count."""

    path: Path
    slide: str
    fingerprint: str
    count: Differential
    signed: bool
    support: dict[str, Support]

    @property
    def state(self) -> str:
        """Return how far it was reviewed."""
        if self.signed:
            return "signed"
        if self.count.fully_reviewed:
            return "reviewed"
        return f"{self.count.reviewed} of {self.count.reviewed + self.count.unreviewed} cells reviewed"


@dataclass(frozen=True, slots=True)
class CombinedCount:
    """The count of several smears together.

    Attributes
    ----------
    parts : tuple of Part
    count : Differential
        Of all cells.
    homogeneity : Homogeneity or None
        Whether the smears differ; None with too few cells to tell.
    """

    parts: tuple[Part, ...]
    count: Differential
    homogeneity: Homogeneity | None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the notes on the combination."""
        unlike = [part for part in self.parts if part.count.unlike_text]
        return (*(f"{part.path.name}: {part.count.unlike_text}" for part in unlike), self._test)

    @property
    def _test(self) -> str:
        found = self.homogeneity
        if found is None:
            return "Too few cells to test whether the smears differ."
        together = f" ({', '.join(found.pooled)} taken together)" if found.pooled else ""
        test = f"chi-square test of homogeneity{together}, p = {found.p_value:.2g}"
        if found.differ:
            return f"The smears differ more than chance: {test}. Look at each before their sum is used."
        return f"The smears do not differ more than chance lets them: {test}."

    def to_dict(self) -> dict[str, Any]:
        """Return the combination as JSON values."""
        return {
            "schema": 1,
            "smears": [
                {
                    "case": part.path.name,
                    "slide": part.slide,
                    "fingerprint": part.fingerprint,
                    "counted": part.count.counted,
                    "reviewed": part.count.reviewed,
                    "unreviewed": part.count.unreviewed,
                    "signed": part.signed,
                    "classes": {row.code: row.count for row in part.count.classes if row.count},
                }
                for part in self.parts
            ],
            **self.count.to_dict(),
            "homogeneity": None if self.homogeneity is None else self.homogeneity.to_dict(),
            "combination_notes": list(self.notes),
            "use": RESEARCH_USE,
        }


def combine_cases(paths: Sequence[Path | str]) -> CombinedCount:
    """Count several smears of one patient as one.

    Parameters
    ----------
    paths : sequence of Path or str
        Their cases, which are only read.

    Raises
    ------
    CombinationError
        If there are fewer than two, one cannot be relied on, two are of one slide or are counted by different
        rules, or one is a sample review, whose estimate does not add up with counts.
    CaseError
        If one cannot be read.
    """
    if len(paths) < 2:
        raise CombinationError("one case alone cannot be combined: give two or more")
    parts = tuple(_read(Path(path)) for path in paths)
    _check(parts)
    profile = parts[0].count.profile
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update({row.code: row.count for row in part.count.classes})
        counts.update(part.count.excluded)
        counts[""] += part.count.unclassified
    count = Differential.of_counts(
        counts,
        sum(part.count.unreviewed for part in parts),
        _weakest(parts),
        profile,
        profile.target,
        imported=sum(part.count.imported for part in parts),
        domain=_domain([part.count.domain for part in parts if part.count.unreviewed]),
    )
    tables = [{row.code: row.count for row in part.count.classes} for part in parts]
    return CombinedCount(parts, count, homogeneity(tables))


def write_combined(paths: Sequence[Path | str], out: Path) -> CombinedCount:
    """Count several smears as one and write ``combined.json`` into a folder; errors as in `combine_cases`."""
    combined = combine_cases(paths)
    make_folder(out)
    text = json.dumps(combined.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(out / RESULT, text + "\n")
    return combined


def _read(path: Path) -> Part:
    with Case.open(path, read_only=True) as case:
        if case.distrust:
            raise CombinationError(f"{path}: {case.distrust}")
        count = case.differential()
        if case.sample.in_progress and not count.fully_reviewed:
            raise CombinationError(
                f"{path}: a random sample of it is under review, and its estimate does not add up with counts"
                ": review all its cells first"
            )
        if not count.counted:
            raise CombinationError(f"{path}: nothing has been counted in it: leave it out")
        predictions = case.predictions
        support = {} if predictions is None else dict(predictions.support)
        record = case.slide_record
        return Part(path, record.name, record.fingerprint, count, case.is_signed, support)


def _check(parts: Sequence[Part]) -> None:
    first = parts[0]
    seen: dict[str, Path] = {}
    for part in parts:
        if part.fingerprint in seen:
            raise CombinationError(
                f"{part.path} is of the same slide as {seen[part.fingerprint]}: leave one of them out"
            )
        seen[part.fingerprint] = part.path
        if part.count.profile != first.count.profile:
            raise CombinationError(
                f"{part.path} is counted by {part.count.profile.title}, {first.path} by "
                f"{first.count.profile.title}: count both by the same rules"
            )


def _domain(checks: Sequence[DomainCheck | None]) -> DomainCheck | None:
    """Return the comparison with the training data of all cells, None where a smear was not compared."""
    known = [check for check in checks if check is not None]
    if not known or len(known) < len(checks):
        return None
    doubtful = [check.doubtful for check in known if check.doubtful is not None]
    return DomainCheck(
        sum(check.cells for check in known),
        sum(check.strange for check in known),
        sum(doubtful) if len(doubtful) == len(known) else None,
    )


def _weakest(parts: Sequence[Part]) -> dict[str, Support]:
    """Return the poorest support of each class among the smears that still rest on a model."""
    waiting = [part.support for part in parts if part.count.unreviewed]
    codes = {code for support in waiting for code in support}
    return {
        code: min((support.get(code, Support.NONE) for support in waiting), key=_ORDER.index)
        for code in codes
    }
