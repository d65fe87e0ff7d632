"""Choices for one printed report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ReportOptions:
    """The choices for one printed report; nothing here is kept in the case.

    Attributes
    ----------
    language : str
        Code of a catalogue, such as ``de``; empty for the layout's.
    layout : str
        Name or path of a laboratory's layout; empty for the plain one.
    montage : bool or None
        Whether pictures of cells are printed; None for the layout's choice.
    fields : mapping of str to str
        Values of identity fields, and of findings that replace the case's for this report only.
    heatmaps : mapping of int to ndarray of uint8, shape (s, s, 3)
        By cell id: the heatmap over the crop, printed next to it in the montage.
    made : datetime or None
        Time of the report; None for now.
    """

    language: str = ""
    layout: str = ""
    montage: bool | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    heatmaps: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    made: datetime | None = None
