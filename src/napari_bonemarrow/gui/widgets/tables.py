"""Tables and grids of the panel."""

from __future__ import annotations

from qtpy.QtWidgets import QHeaderView, QLayout, QTableView

from napari_bonemarrow.gui.core.qt_objects import existing


def low_rows(table: QTableView, high: int) -> QHeaderView:
    """Give a table rows of one height without row headings; return the column headings.

    Parameters
    ----------
    table : QTableView
    high : int
        Height of a row, px.
    """
    beside, above = existing(table.verticalHeader()), existing(table.horizontalHeader())
    beside.hide()
    beside.setMinimumSectionSize(12)
    beside.setDefaultSectionSize(high)
    above.setMinimumSectionSize(20)
    return above


def heading_height(table: QTableView) -> int:
    """Return the height of the headings above a table, px."""
    return existing(table.horizontalHeader()).sizeHint().height()


def clear(layout: QLayout) -> None:
    """Delete every widget of a layout."""
    while layout.count():
        existing(existing(layout.takeAt(0)).widget()).deleteLater()
