"""The rings on the smear: one Points layer that shows the case and cannot be edited by other means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from napari.utils.events import Event
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.cytology.arrays import rows_of
from napari_bonemarrow.gui.canvas.rings import code_layout, code_plates, ring_style
from napari_bonemarrow.gui.canvas.rings.features_table import FeaturesTable
from napari_bonemarrow.gui.canvas.rings.ring_layer import RingLayer
from napari_bonemarrow.gui.canvas.rings.ring_marks import RingMarks

LAYER_NAME = "cells"
RING_OVER_NUCLEUS, SMALLEST_RING_UM = 1.45, 10.0
"""A ring lies around the whole cell, not on its nucleus, whose chromatin it must not hide."""
SELECTED_WIDER_PX = 3.0
TEXT_FROM_SCREEN_PX = 30.0
MOST_TEXTS = 400
"""Least width of a ring on the screen for its code to be written, and largest number of codes."""
_FLAG_PITCH_PX = 18.0
"""Side of a square in which only one flag without a code is drawn."""
_BEYOND = 0.15
"""Margin around the view, as a share of it, in which codes are also written, ready for a move."""


class CellRings:
    """The rings in a Points layer, which follow the case.

    Parameters
    ----------
    on_outside_edit : callable
        Called after an edit from outside (napari's own tools, a script) was taken back.
    on_outside_selection : callable
        Called when points were selected by other means, such as napari's features table.
    """

    def __init__(
        self, on_outside_edit: Callable[[], None], on_outside_selection: Callable[[], None] = lambda: None
    ) -> None:
        self._on_outside_edit, self._on_outside_selection = on_outside_edit, on_outside_selection
        self._writing = False
        self.cells = Cells.empty()
        self.codes: NDArray[Any] = np.empty(0, object)
        self._classes: NDArray[np.intp] = np.empty(0, np.intp)
        self._ring_um: NDArray[np.float64] = np.empty(0)
        self._reviewed: NDArray[np.bool_] = np.empty(0, bool)
        self._flagged: NDArray[np.bool_] = np.empty(0, bool)
        self._table = FeaturesTable()
        self._selected: NDArray[np.int64] = np.empty(0, np.int64)
        self._marked: NDArray[np.intp] = np.empty(0, np.intp)
        self._current: int | None = None
        self._microns_per_pixel = 1.0
        self._zoom = 1.0
        self._corners: NDArray[np.float64] = np.zeros((2, 2))
        self._written: NDArray[np.intp] = np.empty(0, np.intp)
        self._sides: NDArray[np.intp] = np.empty(0, np.intp)
        self.marks = RingMarks(lambda: self.layer.node())

    @cached_property
    def layer(self) -> RingLayer:
        """Return the layer, made for the first smear, since napari imports pandas for it."""
        layer = RingLayer(
            np.empty((0, 2)),
            name=LAYER_NAME,
            ndim=2,
            face_color="transparent",
            border_width_is_relative=True,
            opacity=1.0,
            blending="translucent_no_depth",
        )
        layer.editable = False
        layer.events.data.connect(self._on_data)
        layer.events.features.connect(self._on_features)
        layer.events.editable.connect(self._on_editable)
        layer.selected_data.events.items_changed.connect(self._on_selected_data)
        return layer

    @property
    def exists(self) -> bool:
        """Return whether the layer was made."""
        return "layer" in self.__dict__

    @contextmanager
    def _own(self) -> Iterator[None]:
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before

    def set_scale(self, microns_per_pixel: float | None) -> None:
        """Set the scale of the smear; None for a smear without one."""
        self._microns_per_pixel = microns_per_pixel or 1.0
        with self._own():
            self.layer.scale = np.full(2, self._microns_per_pixel)
            self.layer.units = ("um", "um") if microns_per_pixel else ("pixel", "pixel")

    # showing --------------------------------------------------------------------------------------

    def show(
        self, cells: Cells, codes: Sequence[str], features: Mapping[str, Sequence[Any] | NDArray[Any]]
    ) -> None:
        """Show these cells.

        Parameters
        ----------
        cells : Cells
            By ascending number, except those of a preview.
        codes : sequence of str, length n
            Effective class of each; ``""`` for none.
        features : mapping of str to sequence of length n
            Further columns of the features table.
        """
        self.cells = cells
        self._set_codes(codes)
        self._set_done(features)
        self._ring_um = np.maximum(cells.diameter_um * RING_OVER_NUCLEUS, SMALLEST_RING_UM).astype(float)
        layer = self.layer
        with self._own():
            layer.selected_data.clear()
            with layer.drawn_once():
                layer.data = np.stack([cells.y, cells.x], axis=1) if len(cells) else np.empty((0, 2))
                layer.features = self._table.build(cells.cell_id, features)
                layer.editable = False
                self._marked = self._places(self._selected)
                if len(cells):
                    layer.size = self._ring_um / self._microns_per_pixel
                    layer.face_color = np.zeros((len(cells), 4), np.float32)
                    self._write_looks()
        self._select_places()
        self._place_codes()

    def recolour(self, codes: Sequence[str], features: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
        """Show other classes of the same cells."""
        self._set_codes(codes)
        self._set_done(features)
        with self._own():
            self.layer.features = self._table.build(self.cells.cell_id, features)
            if len(self.cells):
                self._write_looks()
                self.layer.redraw()
        self._place_codes()

    def update(
        self,
        cell_ids: Sequence[int] | NDArray[np.int64],
        codes: Sequence[str],
        features: Mapping[str, Sequence[Any] | NDArray[Any]],
    ) -> None:
        """Show other classes of a few cells, at a cost that grows only with their number.

        Parameters
        ----------
        cell_ids : sequence of int, length m
            Cells that are not shown are skipped.
        codes : sequence of str, length m
        features : mapping of str to sequence of length m
            Columns of the features table that may have changed.
        """
        rows = self._take(cell_ids, codes, features)
        if not len(rows):
            return
        with self._own():
            self.layer.redraw(rows)
        if len(rows) > len(self._written) or not np.isin(rows, self._written).all():
            self._place_codes()  # a cell without a class may now have one
        else:
            self._write_codes()

    def stage(
        self,
        cell_ids: NDArray[np.int64],
        codes: Sequence[str],
        features: Mapping[str, Sequence[Any]],
    ) -> None:
        """Take over other classes of some cells, as `update` does, to be drawn by `draw_staged`."""
        self.layer.stage(self._take(cell_ids, codes, features))

    def draw_staged(self) -> None:
        """Draw everything that was staged, at once."""
        with self._own():
            self.layer.draw_staged()
        self._place_codes()

    def _take(
        self,
        cell_ids: Sequence[int] | NDArray[np.int64],
        codes: Sequence[str],
        features: Mapping[str, Sequence[Any] | NDArray[Any]],
    ) -> NDArray[np.intp]:
        """Write other classes of some cells without drawing them; return the rows of those that are shown."""
        rows = self._rows(cell_ids)
        known = np.flatnonzero(rows >= 0)
        rows = rows[known]
        new = [codes[at] for at in known.tolist()]
        self.codes[rows] = new
        self._classes[rows] = ring_style.numbers(new)
        columns = {name: [values[at] for at in known.tolist()] for name, values in features.items()}
        for column, ours in (("reviewed", self._reviewed), ("flagged", self._flagged)):
            if column in columns:
                ours[rows] = columns[column]
        with self._own():
            self._table.update(self.layer.features, rows, columns)
            self._write_looks(rows)
        return rows

    def write_features(self, cell_ids: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> None:
        """Write columns of the features table that change no look, for cells that are all shown."""
        with self._own():
            self._table.update(self.layer.features, self._rows(cell_ids), columns)

    def tell_features(self) -> None:
        """Update napari's features table, if it is open, with the values written meanwhile."""
        with self._own():
            self.layer.events.features()

    def _set_codes(self, codes: Sequence[str]) -> None:
        self.codes = np.empty(len(codes), object)
        self.codes[:] = codes
        self._classes = ring_style.numbers(codes)

    def _set_done(self, features: Mapping[str, Sequence[Any] | NDArray[Any]]) -> None:
        """Read from the table which cells were reviewed and flagged; none if it has no such columns."""
        blank = np.zeros(len(self.codes), bool)
        self._reviewed = np.array(features.get("reviewed", blank), bool)
        self._flagged = np.array(features.get("flagged", blank), bool)

    def _write_looks(self, rows: NDArray[np.intp] | None = None) -> None:
        """Write the looks of classes into the layer's own arrays, without drawing them."""
        which = slice(None) if rows is None else rows
        classes, layer = self._classes[which], self.layer
        layer.border_color[which] = ring_style.colors(
            classes, self.cells.in_frame[which], self._reviewed[which]
        )
        layer.symbol[which] = ring_style.symbols(classes)
        self._write_widths(rows)

    def _write_widths(self, rows: NDArray[np.intp] | None = None) -> None:
        """Write the widths of lines, constant on the screen, so that they are seen and cover no cell."""
        which = slice(None) if rows is None else rows
        screen = np.maximum(self._ring_um[which] * self._zoom, 1e-6)
        width = ring_style.widths_px(self._classes[which], self._reviewed[which], self._flagged[which])
        if rows is None:
            width[self._marked] += SELECTED_WIDER_PX
        else:
            width[np.isin(rows, self._marked)] += SELECTED_WIDER_PX
        self.layer.border_width[which] = np.clip(width / screen, 0.004, 0.35)

    # selecting ------------------------------------------------------------------------------------

    def _rows(self, cell_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the places of cells in the layer, -1 for missing cells."""
        known = self.cells.cell_id
        return rows_of(known[: np.count_nonzero(known >= 0)], cell_ids)  # cells of a preview come last

    def _places(self, cell_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        rows = self._rows(cell_ids)
        return rows[rows >= 0]

    def index_of(self, cell_id: int | None) -> int | None:
        """Return a cell's place in the layer."""
        places = self._places(np.array([], np.int64) if cell_id is None else np.array([cell_id]))
        return int(places[0]) if len(places) else None

    def select(self, cell_id: int | None, also: Collection[int] | NDArray[np.int64] = ()) -> None:
        """Mark one cell, or none; ``also`` marks further ones with it."""
        more = np.asarray(also if isinstance(also, np.ndarray) else list(also), np.int64)
        one = np.array([] if cell_id is None else [cell_id], np.int64)
        self._selected = np.union1d(one, more)
        self._current = cell_id
        before, self._marked = self._marked, self._places(self._selected)
        changed = np.setxor1d(before, self._marked)
        if len(changed):
            self._write_widths(changed)
            self.layer.redraw(changed)
        self._select_places()
        at = self.index_of(cell_id)
        if at is not None and self._are_readable and at not in self._written and self._is_seen(at):
            self._place_codes()  # its code may have been omitted for another one

    def _select_places(self) -> None:
        """Set napari's selection. Its own setter would look up every property of every point."""
        with self._own():
            self.layer.selected_data.replace_selection(self._marked.tolist())
        current = self.index_of(self._current)
        others = self._marked[self._marked != (-1 if current is None else current)]
        rows = others if current is None else np.append(others, current)
        self.marks.show_selected(*self._places_of(rows), has_current=current is not None)

    def _places_of(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centres (x, y), shape (m, 2), and radii of some rings, in level-0 pixels."""
        centres = np.stack([self.cells.x[rows], self.cells.y[rows]], axis=1)
        return centres, self._ring_um[rows] / 2 / self._microns_per_pixel

    def selected_outside(self) -> list[int]:
        """Return the cells whose points are selected in napari."""
        rows = sorted(int(row) for row in self.layer.selected_data)
        return [int(self.cells.cell_id[row]) for row in rows if row < len(self.cells)]

    def nearest(self, x: float, y: float) -> int | None:
        """Return the cell whose ring holds a point in level-0 pixels, the nearest of several."""
        if not len(self.cells):
            return None
        distance = np.hypot(self.cells.x - x, self.cells.y - y)
        distance[distance > self._ring_um / 2 / self._microns_per_pixel] = np.inf
        at = int(np.argmin(distance))
        return int(self.cells.cell_id[at]) if np.isfinite(distance[at]) else None

    # following the view ---------------------------------------------------------------------------

    def follow_view(self, corners: NDArray[np.float64], zoom: float) -> None:
        """Fit lines and codes to the view; codes only if they are legible.

        Parameters
        ----------
        corners : ndarray, shape (2, 2)
            Top left and bottom right of the view in level-0 pixels, (y, x).
        zoom : float
            Screen pixels per µm.
        """
        if not len(self.cells):
            return
        self._corners = corners
        if abs(zoom - self._zoom) > 0.05 * self._zoom:
            self._zoom = zoom
            self._write_widths()
            self.layer.redraw()
        self._place_codes()

    @property
    def texts(self) -> dict[int, str]:
        """Return the codes written next to rings, by place in the layer."""
        return dict(zip(self._written.tolist(), self.codes[self._written].tolist(), strict=True))

    @property
    def _are_readable(self) -> bool:
        return SMALLEST_RING_UM * self._zoom >= TEXT_FROM_SCREEN_PX

    def _in_view(self) -> NDArray[np.intp]:
        """Return the cells with a code in or near the view; of too many the most important."""
        beyond = (self._corners[1] - self._corners[0]) * _BEYOND
        (top, left), (bottom, right) = self._corners + np.stack([-beyond, beyond])
        inside = (self.cells.y >= top) & (self.cells.y <= bottom)
        inside &= (self.cells.x >= left) & (self.cells.x <= right)
        found = np.flatnonzero(inside & ((self._classes > 0) | self._flagged))
        if len(found) > MOST_TEXTS:
            order = np.argsort(-self._ranks(found), kind="stable")
            found = np.sort(found[order[:MOST_TEXTS]])
        return found

    def _is_seen(self, row: int) -> bool:
        (top, left), (bottom, right) = self._corners
        return bool(left <= self.cells.x[row] <= right and top <= self.cells.y[row] <= bottom)

    def _ranks(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the importance of some cells' codes: the current one's, flagged, not yet reviewed."""
        rank = np.where(self._flagged[rows], 2, np.where(self._reviewed[rows], 0, 1))
        current = self.index_of(self._current)
        if current is not None:
            rank[rows == current] = code_layout.MUST
        return rank

    def _place_codes(self) -> None:
        """Find a place for each legible code in view."""
        self._written = self._sides = np.empty(0, np.intp)
        if len(self.cells) and self._are_readable:
            rows = self._in_view()
            centres, radius = self._places_of(rows)
            px = self._microns_per_pixel * self._zoom
            x, y = centres.T * px
            left, top, right, bottom = (self._corners[:, ::-1] * px).ravel().tolist()
            kept, self._sides = code_layout.place_codes(
                x, y, radius * px, self._ranks(rows), code_plates.SIZE, (left, top, right, bottom)
            )
            self._written = rows[kept]
        self._write_codes()

    def _write_codes(self) -> None:
        """Draw the codes that have a place, by current class; a flagged cell without one gets a flag."""
        rows = self._written
        self.marks.show_codes(
            *self._places_of(rows),
            sides=self._sides,
            plates=code_plates.picture(self._classes[rows], self._reviewed[rows], self._flagged[rows]),
        )
        alone = np.flatnonzero(self._flagged)
        alone = alone[~np.isin(alone, rows)]
        self.marks.show_flags(*self._places_of(self._thinned(alone)))

    def _thinned(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Omit cells whose flags would cover one another on the screen."""
        px = self._microns_per_pixel * self._zoom / _FLAG_PITCH_PX
        squares = np.stack([self.cells.x[rows] * px, self.cells.y[rows] * px]).astype(np.int64)
        return rows[np.unique(squares, axis=1, return_index=True)[1]]

    # edits from outside ---------------------------------------------------------------------------

    def _on_editable(self) -> None:
        if self.layer.editable and not self._writing:
            with self._own():
                self.layer.editable = False

    def _on_data(self, event: Event) -> None:
        if not self._writing and str(event.action) in {"added", "removed", "changed"}:
            self._take_back()

    def _on_features(self, _event: Event) -> None:
        if not self._writing and not self._table.is_shown(self.layer.features):
            self._take_back()

    def _on_selected_data(self, *_changes: object) -> None:
        if not self._writing:
            self._on_outside_selection()

    def _take_back(self) -> None:
        self.show(self.cells, self.codes.tolist(), self._table.columns)
        self._on_outside_edit()
