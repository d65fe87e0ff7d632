"""The error of this layer."""

from __future__ import annotations

from napari_bonemarrow.cytology import BoneMarrowError


class CaseError(BoneMarrowError):
    """A case that cannot be opened or written, or an act it refuses; one line for the user."""
