"""What holds where nobody says otherwise; light, so that ``--help`` answers at once."""

from __future__ import annotations

from typing import Final

TARGET: Final = 500
"""Cells to count (ICSH 2008, where a precise percentage matters)."""

TARGET_TEXT: Final = "500 where a percentage matters, else 300 (ICSH 2008)"
"""What ICSH 2008 asks for (Lee et al., Int J Lab Hematol 30:349)."""

TARGET_STEPS: Final = (300, 500)
"""The two numbers of cells that ICSH 2008 names."""

MOST_CELLS: Final = 100_000
"""The highest target."""

MARGIN_UM: Final = 5.0
"""Cells whose centre lies nearer to the image's border are not counted, µm."""

WIDEST_MARGIN_UM: Final = 100.0

CROP_SIZE: Final = 250
"""Side of a cell's crop, px."""

CROP_MICRONS_PER_PIXEL: Final = 0.1
"""Scale of a cell's crop: its 250 px are 25 µm, the largest marrow cells and some of what is round them."""
