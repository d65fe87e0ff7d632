"""Cells of a running detection, shown with those of the case (no Qt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.gui.canvas.rings.features_table import features
from napari_bonemarrow.review import Case

_BLANK = {"confidence": float("nan"), "reviewed": False, "flagged": False, "in_frame": True}


def with_preview(case: Case, found: Sequence[Cells]) -> tuple[Cells, list[str], dict[str, list[Any]]]:
    """Return cells, codes and features of a case with those of a running detection.

    The new ones have negative numbers, unlike cells of a case: they are visible but cannot be selected yet.
    """
    parts = Cells.joined(found)
    new = len(parts)
    cells = Cells.joined([case.cells, replace(parts, cell_id=-np.arange(1, new + 1))])
    more = {name: [*values, *[_BLANK.get(name, "")] * new] for name, values in features(case).items()}
    return cells, [*case.effective_codes(), *[""] * new], more
