"""The domain: classes, schemes, tags, counting rules, differential statistics and shared containers."""

from napari_bonemarrow.cytology.arrays import Cells, Frame, ModelReference, Predictions, Region
from napari_bonemarrow.cytology.classes import (
    BMC21,
    CLASSES,
    REVIEWER_ONLY,
    TAGS,
    CellClass,
    Lineage,
    Support,
)
from napari_bonemarrow.cytology.errors import BoneMarrowError, ScaleError

__all__ = [
    "BMC21",
    "CLASSES",
    "REVIEWER_ONLY",
    "TAGS",
    "BoneMarrowError",
    "CellClass",
    "Cells",
    "Frame",
    "Lineage",
    "ModelReference",
    "Predictions",
    "Region",
    "ScaleError",
    "Support",
]
