"""Qt model of a differential's rows, with the model's own count next to the reviewed one."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QFont, QIcon

from napari_bonemarrow.cytology import CLASSES, UNRELIABLE_TEXT, ClassCount, Ratio
from napari_bonemarrow.cytology.rows import ADJUSTED_FROM, AdjustedCount, adjusted_text
from napari_bonemarrow.gui.widgets.controls import swatch_icon
from napari_bonemarrow.gui.widgets.plain_text import tip

NAME, MODEL, COUNT, PERCENT, BAR, ADJUSTED = range(6)
"""The columns."""
NUMBERS = (MODEL, COUNT)
"""Columns of whole numbers, as wide as their digits."""

SHORT_UNRELIABLE = UNRELIABLE_TEXT.partition(" by ")[0]
"""Short headings; the line below the table and the tooltips explain them."""


class DifferentialModel(QAbstractTableModel):
    """Rows of a differential, with the model's own count of the same classes."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[ClassCount, ...] = ()
        self.model_counts: tuple[int | None, ...] = ()
        self.adjusted: AdjustedCount | None = None
        self.complete = self.sampled = False
        self.largest = 1.0
        self.quiet = QColor("gray")
        self.font: QFont | None = None
        self.small: QFont | None = None
        """Colour of texts in place of a percentage."""
        self._signs: dict[str, QIcon] = {}

    def show_rows(
        self, rows: Sequence[ClassCount], model_counts: Sequence[int | None], complete: bool
    ) -> bool:
        """Set the figures; return whether the classes have changed too."""
        before = self.rows, self.model_counts, self.largest
        same = [row.code for row in rows] == [row.code for row in self.rows]
        if not same:
            self.beginResetModel()
        sampled = any(row.seen is not None for row in rows)
        if (complete, sampled) != (self.complete, self.sampled):
            self.complete, self.sampled = complete, sampled
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, MODEL, COUNT)
        self.rows, self.model_counts = tuple(rows), tuple(model_counts)
        self.largest = max((row.ci95[1] for row in rows if row.ci95), default=0.0) or 1.0
        if same:
            self._tell_changed(*before)
        else:
            self.endResetModel()
        return not same

    def _tell_changed(
        self, rows: tuple[ClassCount, ...], counts: tuple[int | None, ...], largest: float
    ) -> None:
        """Signal only changed rows: for a key two of 19."""
        for at, (row, was) in enumerate(zip(self.rows, rows, strict=True)):
            if row != was or self.model_counts[at] != counts[at]:
                self.dataChanged.emit(self.index(at, NAME), self.index(at, BAR))
        if self.largest != largest and self.rows:  # the bars' common scale
            self.dataChanged.emit(self.index(0, BAR), self.index(len(self.rows) - 1, BAR))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes."""
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return ADJUSTED + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a heading."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            first = "sample" if self.sampled else "model"
            now = "reviewed" if self.complete else "now"
            return ("Class", first, now, "%", "  95 %", "adjusted")[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(self._heading_tip(section))
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (*NUMBERS, PERCENT):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _heading_tip(self, section: int) -> str:
        if section == MODEL and self.sampled:
            return "Cells of the random sample that enter the estimate, as the reviewer named them"
        if section == MODEL:
            return "What the model counted, whatever a reviewer said since"
        if section == COUNT and self.complete:
            return "What reviewers counted: every cell has been reviewed"
        if section == ADJUSTED:
            return f"What the model's errors make likely, with its 95 % interval, {ADJUSTED_FROM}"
        if section == COUNT:
            return "As the cells are classed now: by a reviewer where one has, else by the model"
        return ""

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the data of a table cell."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(index.row(), column)
        if role == Qt.ItemDataRole.ForegroundRole and (
            column == ADJUSTED
            or (column == MODEL and not self.sampled)
            or (column == COUNT and self.sampled)
            or (column == PERCENT and row.seen == 0)
            or (not row.reliable and column != NAME)
        ):
            return self.quiet
        if role == Qt.ItemDataRole.FontRole:
            other = column == ADJUSTED or (column == PERCENT and not row.reliable)
            return self.small if other else self.font
        if role == Qt.ItemDataRole.DecorationRole and column == NAME:
            return self._sign(row.code)
        if role == Qt.ItemDataRole.TextAlignmentRole and (
            column in NUMBERS or (column == PERCENT and row.reliable)
        ):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(f"{self._in_words(index.row())}\n{in_words(row)}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._in_words(index.row())
        return None

    def _sign(self, code: str) -> QIcon:
        if code not in self._signs:
            self._signs[code] = swatch_icon(code)
        return self._signs[code]

    def text(self, at: int, column: int) -> str:
        """Return the text of a table cell."""
        row = self.rows[at]
        if column == NAME:
            return f"{row.code}  {row.name}"
        if column == MODEL:
            return self._model_text(at)
        if column == COUNT:
            return row.count_text
        if column == ADJUSTED:
            return self._adjusted_text(row.code)
        if column == PERCENT and row.seen == 0 and row.ci95 is not None:
            return f"≤ {row.ci95[1]:.1f}"
        if column == PERCENT:
            return (
                row.percent_text.removesuffix(" %")
                if row.reliable
                else row.short_share_text or SHORT_UNRELIABLE
            )
        return row.ci_text

    def show_adjusted(self, adjusted: AdjustedCount | None) -> None:
        """Set the adjusted count, or that there is none."""
        self.adjusted = adjusted
        if self.rows:
            self.dataChanged.emit(self.index(0, ADJUSTED), self.index(len(self.rows) - 1, ADJUSTED))

    def _adjusted_text(self, code: str) -> str:
        share = None if self.adjusted is None else self.adjusted.row(code)
        if share is None:
            return ""
        return f"{share.percent:.1f} ({share.ci95[0]:.1f}–{share.ci95[1]:.1f})"

    def _model_text(self, at: int) -> str:
        seen = self.rows[at].seen
        if seen is not None:
            return str(seen)
        count = self.model_counts[at]
        return "–" if count is None else str(count)

    def _in_words(self, at: int) -> str:
        row = self.rows[at]
        if row.seen is not None:
            limit = f", at most {row.ci95[1]:.1f} %" if row.ci95 and not row.seen else f" {row.ci_text}"
            return f"{row.name}: {row.seen} in the sample, {row.percent_text}{limit}"
        text = f"{row.name}: {row.count} of the counted cells, {row.percent_text} {row.ci_text}".strip()
        count = self.model_counts[at]
        text = text if count is None else f"{text}; the model alone counted {count}"
        share = None if self.adjusted is None else self.adjusted.row(row.code)
        return text if share is None else f"{text}; {adjusted_text(share)}, {ADJUSTED_FROM}"


def in_words(figure: ClassCount | Ratio) -> str:
    """Return the rule of a figure and its reference ranges, a line each."""
    ranges = [f"reference range {each.text}" for each in figure.references]
    return "\n".join([figure.rule, *ranges])


def counts_by_model(
    rows: Sequence[ClassCount], model_rows: Sequence[ClassCount] | None
) -> tuple[int | None, ...]:
    """Return the model's count by class, None without predictions or instead of a false zero."""
    if model_rows is None:
        return (None,) * len(rows)
    counted = {row.code: row for row in model_rows}
    return tuple(_model_count(counted.get(row.code)) for row in rows)


def _model_count(row: ClassCount | None) -> int | None:
    if row is None or not CLASSES[row.code].predicted:
        return None
    return row.known_count
