"""Recently opened cases, kept on this computer with the settings (no Qt).

Only cases that the user opened are kept: the place of the smear, the day, and the progress of its review.
Switching the setting off deletes the list and keeps it empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide

MOST = 12
_NAME = "recent"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    opened: date
    reviewed: int = 0
    cells: int = 0


def recent() -> tuple[RecentCase, ...]:
    """Return the recent cases, the newest first, without access to their files."""
    return tuple(_shown(each) for each in _kept())


def note(slide: Slide, case: Case, today: date | None = None) -> None:
    """Put an open case first in the list, with its progress."""
    if not settings.load().remembers_cases:
        forget_all()
        return
    path = str(Path(slide.path).absolute())
    counts = case.cells.in_frame
    entry = _Kept(
        path=path,
        opened=today or date.today(),
        reviewed=int((counts & case.reviewed()).sum()),
        cells=int(counts.sum()),
    )
    _keep([entry, *(each for each in _kept() if each.path != path)])


def forget_all() -> None:
    """Clear the list."""
    if settings.kept(_NAME):
        _keep([])


def with_missing(cases: Sequence[RecentCase]) -> tuple[RecentCase, ...]:
    """Return the cases with whether each smear exists; a sleeping drive may take seconds to answer."""
    return tuple(replace(each, missing=not Path(each.path).exists()) for each in cases)


def _shown(kept: _Kept) -> RecentCase:
    day = f"{kept.opened.day} {kept.opened:%b %Y}"
    return RecentCase(kept.path, Path(kept.path).name, day, kept.reviewed, kept.cells)


def _kept() -> list[_Kept]:
    saved = settings.kept(_NAME)
    found = []
    for each in saved if isinstance(saved, list) else []:
        try:
            found.append(_Kept.model_validate(each))
        except ValidationError:  # of another version, or corrupt: the rest is still useful
            continue
    return found if settings.load().remembers_cases else []


def _keep(entries: Sequence[_Kept]) -> None:
    settings.keep(_NAME, [each.model_dump(mode="json") for each in entries[:MOST]])


@dataclass(frozen=True, slots=True)
class RecentCase:
    """A recently opened case; ``missing`` once its smear is known to be missing."""

    path: str
    name: str
    opened: str
    reviewed: int
    cells: int
    missing: bool = False

    @property
    def text(self) -> str:
        """Return name, day and progress, in one line."""
        parts = [self.name, self.opened]
        if self.cells:
            parts.append(f"{self.reviewed} of {self.cells} reviewed")
        if self.missing:
            parts.append("not found")
        return " · ".join(parts)
