"""Cells that are dragged onto a class."""

from __future__ import annotations

import json
from collections.abc import Iterable

from qtpy.QtCore import QMimeData
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget

MIME = "application/x-bonemarrow-cells"
"""JSON list of cell numbers of the open case."""


def cells_as_mime(cell_ids: Iterable[int]) -> QMimeData:
    """Pack cell numbers to be dragged."""
    data = QMimeData()
    data.setData(MIME, json.dumps([int(cell) for cell in cell_ids]).encode())
    return data


def cells_of(data: QMimeData | None) -> tuple[int, ...]:
    """Return the cell numbers that are dragged; none where something else is."""
    if data is None or not data.hasFormat(MIME):
        return ()
    try:
        given = json.loads(data.data(MIME).data())
    except ValueError:  # another program may use the same name
        return ()
    return tuple(cell for cell in given if type(cell) is int) if isinstance(given, list) else ()


def cells_dropped(event: QDropEvent, onto: QWidget) -> tuple[int, ...]:
    """Return the cells that are dragged onto a widget; none from another window: its case is another."""
    source = event.source()
    if not isinstance(source, QWidget) or source.window() is not onto.window():
        return ()
    return cells_of(event.mimeData())
