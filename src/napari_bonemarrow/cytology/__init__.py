"""The domain: classes, schemes, tags, counting rules, differential statistics and shared containers."""

from napari_bonemarrow.cytology.agreement import Agreement, ClassAgreement
from napari_bonemarrow.cytology.arrays import (
    Cells,
    Features,
    Field,
    Frame,
    ModelReference,
    Predictions,
    Region,
    RegionRanking,
    covered_area,
    images_at,
)
from napari_bonemarrow.cytology.classes import (
    BMC21,
    CLASSES,
    CODES,
    REVIEWER_ONLY,
    TAGS,
    CellClass,
    Lineage,
    Support,
)
from napari_bonemarrow.cytology.counting import CountingRules
from napari_bonemarrow.cytology.differential import Differential
from napari_bonemarrow.cytology.domain import DomainCheck
from napari_bonemarrow.cytology.errors import BoneMarrowError, ScaleError
from napari_bonemarrow.cytology.notes import SAMPLING_TEXT
from napari_bonemarrow.cytology.rows import (
    UNNAMED_TEXT,
    UNRELIABLE_TEXT,
    ClassCount,
    Flag,
    Ratio,
    TagCount,
)

__all__ = [
    "BMC21",
    "CLASSES",
    "CODES",
    "REVIEWER_ONLY",
    "SAMPLING_TEXT",
    "TAGS",
    "UNNAMED_TEXT",
    "UNRELIABLE_TEXT",
    "Agreement",
    "BoneMarrowError",
    "CellClass",
    "Cells",
    "ClassAgreement",
    "ClassCount",
    "CountingRules",
    "Differential",
    "DomainCheck",
    "Features",
    "Field",
    "Flag",
    "Frame",
    "Lineage",
    "ModelReference",
    "Predictions",
    "Ratio",
    "Region",
    "RegionRanking",
    "ScaleError",
    "Support",
    "TagCount",
    "covered_area",
    "images_at",
]
