"""The last view of the window on a case, kept in its file for the next session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.journal.events import canonical


class ViewMemory:
    """The window's last view for a reviewer.

    It is in the case file but outside the journal and its chain of hashes: it holds nothing about cells, a
    signed case accepts it too, and a read-only case does not.
    """

    def __init__(self, core: CaseCore) -> None:
        self._core = core

    def remember(self, view: Mapping[str, Any]) -> None:
        """Store the window's view for this reviewer, replacing the earlier one.

        Parameters
        ----------
        view : mapping
            JSON values.

        Raises
        ------
        CaseError
            If it could not be written.
        """
        self._core.journal.remember(self._core.reviewer, canonical(dict(view)))

    @property
    def remembered(self) -> dict[str, Any]:
        """Return the view that `remember` stored for this reviewer, empty if none."""
        text = self._core.journal.remembered(self._core.reviewer)
        try:
            view = from_json(text or "{}")
        except ValueError:  # edited by hand; nothing depends on it
            return {}
        return view if isinstance(view, dict) else {}
