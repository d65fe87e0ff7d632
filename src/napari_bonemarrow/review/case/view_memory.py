"""What the window showed of a case, kept in its file for the next time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.journal.events import canonical


class ViewMemory:
    """What the window showed to a reviewer.

    It lies in the case file but outside the journal and its chain of hashes: it says nothing about cells, a
    signed case takes it too, and nothing is written read-only.
    """

    def __init__(self, core: CaseCore) -> None:
        self._core = core

    def remember(self, view: Mapping[str, Any]) -> None:
        """Keep what the window shows, for this reviewer, instead of what was kept before.

        Parameters
        ----------
        view : mapping
            JSON values.

        Raises
        ------
        CaseError
            Where it could not be written.
        """
        self._core.journal.remember(self._core.reviewer, canonical(dict(view)))

    @property
    def remembered(self) -> dict[str, Any]:
        """What `remember` kept for this reviewer, empty where nothing was."""
        text = self._core.journal.remembered(self._core.reviewer)
        try:
            view = from_json(text or "{}")
        except ValueError:  # somebody wrote there by hand; nothing hangs on it
            return {}
        return view if isinstance(view, dict) else {}
