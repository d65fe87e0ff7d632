"""The error of this layer."""

from __future__ import annotations

from napari_bonemarrow.cytology import BoneMarrowError


class CaseError(BoneMarrowError):
    """The error for a case that cannot be opened or written, or refuses an act; one line for the user."""
