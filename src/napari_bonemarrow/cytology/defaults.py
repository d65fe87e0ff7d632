"""Defaults of a count, without imports, so that ``--help`` is fast."""

from __future__ import annotations

from typing import Final

TARGET: Final = 500
"""Number of cells to count (ICSH 2008, where a precise percentage matters)."""

TARGET_TEXT: Final = "500 where a percentage matters, else 300 (ICSH 2008)"
"""Recommendation of ICSH 2008 (Lee et al., Int J Lab Hematol 30:349)."""

TARGET_STEPS: Final = (300, 500)
"""The two numbers of cells in ICSH 2008."""

MOST_CELLS: Final = 100_000
"""The highest target."""

MARGIN_UM: Final = 5.0
"""Width of the margin at the image's border, µm; cells with their centre in it are not counted."""

WIDEST_MARGIN_UM: Final = 100.0

CROP_SIZE: Final = 250
"""Side of a cell's crop, px."""

CROP_MICRONS_PER_PIXEL: Final = 0.1
"""Scale of a cell's crop: its 250 px are 25 µm, the largest marrow cells and some of their surroundings."""
