"""Choices for one printed report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DataFacts:
    """A training data set: its name, licence and attribution."""

    name: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a bundle's card says of its model, for the report.

    Attributes
    ----------
    sha256 : str
        Digest of the bundle; facts of another bundle than the case's are not printed.
    data : tuple of DataFacts
    accuracy, balanced_accuracy : float or None
        On held-out cells, 0 to 1.
    held_out : int
        Their number.
    held_out_source : str
    """

    sha256: str
    data: tuple[DataFacts, ...] = ()
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    held_out: int = 0
    held_out_source: str = ""


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
    model : ModelFacts or None
        The card of the case's model.
    made : datetime or None
        Time of the report; None for now.
    """

    language: str = ""
    layout: str = ""
    montage: bool | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    heatmaps: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)
    model: ModelFacts | None = None
    made: datetime | None = None

    def with_time(self, made: datetime) -> Self:
        """Return the same choices for a report of another time."""
        return replace(self, made=made)
