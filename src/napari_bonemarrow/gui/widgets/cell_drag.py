"""Dragging of cells onto a class."""

from __future__ import annotations

import json
from collections.abc import Iterable

from qtpy.QtCore import QMimeData
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QWidget

MIME = "application/x-bonemarrow-cells"
"""JSON list of cell numbers of the open case."""


def cells_as_mime(cell_ids: Iterable[int]) -> QMimeData:
    """Return cell numbers as data for dragging."""
    data = QMimeData()
    data.setData(MIME, json.dumps([int(cell) for cell in cell_ids]).encode())
    return data


def cells_of(data: QMimeData | None) -> tuple[int, ...]:
    """Return the dragged cell numbers; none for other data."""
    if data is None or not data.hasFormat(MIME):
        return ()
    try:
        given = json.loads(data.data(MIME).data())
    except ValueError:  # another program may use the same name
        return ()
    return tuple(cell for cell in given if type(cell) is int) if isinstance(given, list) else ()


def cells_dropped(event: QDropEvent, onto: QWidget) -> tuple[int, ...]:
    """Return the cells dragged onto a widget; none from another window, which has another case."""
    source = event.source()
    if not isinstance(source, QWidget) or source.window() is not onto.window():
        return ()
    return cells_of(event.mimeData())
