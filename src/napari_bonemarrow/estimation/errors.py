"""The error of this layer."""

from __future__ import annotations

from napari_bonemarrow.cytology import BoneMarrowError


class EstimateError(BoneMarrowError):
    """The error where a sample cannot begin or nothing can be estimated yet; one line for the user."""
