"""The orders of a work list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, CODES, Lineage
from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.cytology.classes import CRITICAL

if TYPE_CHECKING:
    from napari_bonemarrow.review.case.case import Case
    from napari_bonemarrow.review.state.cell_columns import CaseColumns

ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "uncertain": "most uncertain first",
        "entropy": "most undecided first (entropy)",
        "critical": "blasts and rare classes first",
        "class": "class by class",
        "confidence": "most confident first",
        "position": "by position on the smear",
        "time": "last reviewed first",
        "imported": "labels that came with the data first",
        "sample": "the random sample, as it is handed out",
    }
)
"""The orders: value to text."""

SAMPLE = "sample"
"""The order of a sample review; it holds only the cells that are handed out so far."""

GROUPED_ORDERS = frozenset({"critical", "class"})
"""Orders that are by class in any case."""

GUESSED_ORDERS = frozenset({"uncertain", "entropy", "confidence", "imported"})
"""Orders without headings that follow what is predicted."""

_LANE_UM = 40.0
"""Height of a lane in which a smear is read: a few cells, as in one sweep of the stage."""
_LANE_PX = 400.0
"""Height of a lane if the scale is unknown."""


class Arranger:
    """The ordering of a case's cells; slow parts that no review changes are computed once.

    Parameters
    ----------
    case : Case
    columns : CaseColumns
    """

    def __init__(self, case: Case, columns: CaseColumns) -> None:
        self._case, self._columns = case, columns
        self._kept: dict[str, NDArray[np.uint32]] = {}

    def follow(self, columns: CaseColumns, *, guesses: bool = False) -> None:
        """Update the reviewer's labels, and with ``guesses`` what is predicted; cells are unchanged."""
        self._columns = columns
        if guesses:
            self._kept = {name: key for name, key in self._kept.items() if name == "position"}

    def arranged(self, rows: NDArray[np.intp], order: str, grouped: bool) -> NDArray[np.intp]:
        """Return some rows in an order; equal ones are ordered by cell number.

        Parameters
        ----------
        rows : ndarray of intp, shape (m,)
            Ascending.
        order : str
            One of `ORDERS`.
        grouped : bool
            Whether the order applies within each class.

        Returns
        -------
        ndarray of intp, shape (m,)
        """
        columns = self._columns
        if order == "time":
            since = np.where(columns.reviewed[rows], columns.reviewed_at[rows], 0.0)
            rows = rows[np.argsort(-since, kind="stable")]
        else:
            rows = rows[_ascending(self._key(order)[rows])]
        if order == "imported":  # a queue of doubtful crops is numbered by rank
            queued = columns.imported[rows]
            rows = np.concatenate([np.sort(rows[queued]), rows[~queued]])
        if grouped or order in GROUPED_ORDERS:
            codes = columns.code[rows]
            rows = rows[np.argsort(_class_ranks(codes, order == "critical")[codes], kind="stable")]
        return rows

    def _key(self, order: str) -> NDArray[np.uint32]:
        name = order if order in {"entropy", "confidence", "position"} else "margin"
        if name not in self._kept:
            makers: dict[str, Callable[[], NDArray[np.uint32]]] = {
                "entropy": self._by_entropy,
                "confidence": lambda: _bits(1 - self._columns.confidence),
                "position": self._by_position,
                "margin": lambda: _bits(self._columns.margin),
            }
            self._kept[name] = makers[name]()
        return self._kept[name]

    def _by_entropy(self) -> NDArray[np.uint32]:
        """Return an order by Shannon's entropy of calibrated probabilities, highest and unknown first."""
        predictions, columns = self._case.predictions, self._columns
        decided = np.zeros(len(columns), np.float32)
        if predictions is not None and len(predictions):
            p = np.clip(predictions.probabilities, 1e-12, 1)
            entropy = -(p * np.log(p)).sum(axis=1)
            highest = np.float32(np.log(max(p.shape[1], 2)))
            decided[rows_of(columns.cell_id, predictions.cell_id)] = np.clip(highest - entropy, 0, None)
        return _bits(decided)

    def _by_position(self) -> NDArray[np.uint32]:
        """Return the place of each cell when the smear is read as a page.

        By region (on a whole slide the best first, in a folder field by field), within it by lanes
        of 40 µm, within a lane from left to right. Cells outside every region come last.
        """
        case, columns = self._case, self._columns
        regions = () if case.frame is None else case.frame.regions
        microns = case.microns_per_pixel
        lane = _LANE_PX if microns is None else _LANE_UM / microns
        n = len(columns)
        region, top = np.full(n, len(regions), np.int32), np.zeros(n)
        for at in reversed(range(len(regions))):
            inside = regions[at].contains(columns.x, columns.y)
            region[inside], top[inside] = at, regions[at].y
        order = np.lexsort((columns.x, np.floor((columns.y - top) / lane), region))
        places = np.empty(n, np.uint32)
        places[order] = np.arange(n)
        return places


def _bits(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return integers in the order of these floats, none of which is negative."""
    # 0.0 is added because negative zero has the highest bit set.
    return (np.ascontiguousarray(values, dtype=np.float32) + np.float32(0)).view(np.uint32)


def _ascending(key: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Sort stably by two halves: numpy's radix sort for 16 bits takes a third of the time for 32 bits."""
    low = np.argsort((key & 0xFFFF).astype(np.uint16), kind="stable")
    return low[np.argsort((key >> 16).astype(np.uint16)[low], kind="stable")]


def _class_ranks(codes: NDArray[np.int8], critical: bool) -> NDArray[np.int16]:
    """Return the place of each of `CODES` in the order of headings.

    If critical classes come first, the others follow from rare to frequent among these cells, and those
    that are not counted come last. Cells without a class lead, since their class is unknown.
    """
    ranks = np.arange(len(CODES), dtype=np.int16)
    if not critical:
        return ranks
    frequent = np.bincount(codes, minlength=len(CODES))

    def place(at: int) -> tuple[bool, int, bool, int, int]:
        code = CODES[at]
        alarming = CRITICAL.index(code) if code in CRITICAL else len(CRITICAL)
        left_out = bool(code) and CLASSES[code].lineage is Lineage.NOT_COUNTED
        return bool(code), alarming, left_out, int(frequent[at]), at

    for rank, at in enumerate(sorted(range(len(CODES)), key=place)):
        ranks[at] = rank
    return ranks
