"""The error of learning that a user reads."""

from __future__ import annotations

from napari_bonemarrow.cytology import BoneMarrowError


class LearningError(BoneMarrowError):
    """A laboratory head that is damaged, does not fit the bundle, or predicts worse than it."""
