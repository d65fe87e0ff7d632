"""The rings on the smear: one Points layer that shows what the case says and can be edited nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from napari.layers import Points
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.gui import palette

LAYER_NAME = "cells"
RING_OVER_NUCLEUS, SMALLEST_RING_UM = 1.45, 10.0
"""A ring lies around the whole cell, not on its nucleus, whose chromatin it must not hide."""
SELECTED_WIDER_PX = 3.0
TEXT_FROM_SCREEN_PX = 30.0
MOST_TEXTS = 400
"""Codes are written where a ring is at least so wide on the screen, and never more than so many."""
_TEXT = {"size": 10, "color": "#0b0812", "anchor": "center"}


class CellsOverlay:
    """Keeps the Points layer equal to the case.

    Parameters
    ----------
    on_outside_edit : callable
        Called after an edit from outside (napari's own tools, a script) was taken back.
    """

    def __init__(self, on_outside_edit: Callable[[], None]) -> None:
        self._on_outside_edit = on_outside_edit
        self._writing = False
        self.cells = Cells.empty()
        self.codes: list[str] = []
        self._features: dict[str, Sequence] = {}
        self._selected: int | None = None
        self._also: Collection[int] = ()
        self._microns_per_pixel = 1.0
        self._zoom = 1.0
        self._labelled: NDArray[np.intp] = np.empty(0, np.intp)

    @cached_property
    def layer(self) -> Points:
        """The layer, made when the first smear is shown: napari imports pandas for it."""
        layer = Points(
            np.empty((0, 2)),
            name=LAYER_NAME,
            ndim=2,
            face_color="transparent",
            border_width_is_relative=True,
            opacity=1.0,
            blending="translucent_no_depth",
            text={"string": {"constant": ""}, "visible": False, **_TEXT},
        )
        layer.editable = False
        layer.events.data.connect(self._on_data)
        layer.events.features.connect(self._on_features)
        layer.events.editable.connect(self._on_editable)
        return layer

    @property
    def exists(self) -> bool:
        """Whether the layer was made."""
        return "layer" in self.__dict__

    @contextmanager
    def _own(self):
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before

    def set_scale(self, microns_per_pixel: float | None) -> None:
        """Lie on a smear of this scale; None is a smear without one."""
        self._microns_per_pixel = microns_per_pixel or 1.0
        with self._own():
            self.layer.scale = (self._microns_per_pixel,) * 2
            self.layer.units = ("um", "um") if microns_per_pixel else ("pixel", "pixel")

    def show(self, cells: Cells, codes: Sequence[str], features: Mapping[str, Sequence]) -> None:
        """Show these cells.

        Parameters
        ----------
        cells : Cells
        codes : sequence of str, length n
            Effective class of each; ``""`` for none.
        features : mapping of str to sequence of length n
            Further columns of the features table.
        """
        selected = self._selected
        self.cells, self.codes = cells, list(codes)
        self._labelled = np.empty(0, np.intp)
        with self._own():
            self.layer.selected_data = set()
            self.layer.text.string = {"constant": ""}  # an array of the old length would not fit
            self.layer.data = np.stack([cells.y, cells.x], axis=1) if len(cells) else np.empty((0, 2))
            self._write_features(features)
            self.layer.editable = False
            self._write_looks()
        self.select(selected, self._also)

    def recolour(self, codes: Sequence[str], features: Mapping[str, Sequence]) -> None:
        """Show other classes of the same cells."""
        self.codes = list(codes)
        with self._own():
            self._write_features(features)
            self._write_classes()
        self._write_text()

    def _write_features(self, features: Mapping[str, Sequence]) -> None:
        import pandas as pd

        self._features = {"cell_id": self.cells.cell_id.tolist(), **features}
        self.layer.features = pd.DataFrame(self._features)

    def _ring_um(self) -> NDArray[np.float64]:
        return np.maximum(self.cells.diameter_um * RING_OVER_NUCLEUS, SMALLEST_RING_UM).astype(float)

    def _write_looks(self) -> None:
        """Write size and shape of the rings, which stay while the cells do, and what classes change."""
        if not len(self.cells):
            return
        self.layer.size = self._ring_um() / self._microns_per_pixel
        self.layer.face_color = np.zeros((len(self.cells), 4), np.float32)
        self._write_classes()

    def _write_classes(self) -> None:
        """Write what a class tells. Each array costs napari an upload, so that equal ones are left out."""
        if not len(self.cells):
            return
        symbols = palette.symbols(self.codes)
        if symbols != [str(symbol) for symbol in self.layer.symbol]:
            self.layer.symbol = symbols
        colors = palette.border_colors(self.codes)
        colors[~self.cells.in_frame, 3] = 0.4  # seen but not counted: outside the frame
        if not np.array_equal(colors, self.layer.border_color):
            self.layer.border_color = colors
        self._write_widths()

    def _write_widths(self) -> None:
        """Lines keep their width on the screen: neither lost in the overview nor covering a cell."""
        screen = np.maximum(self._ring_um() * self._zoom, 1e-6)
        width = palette.border_widths_px(self.codes)
        width[self._marked()] += SELECTED_WIDER_PX
        relative = np.clip(width / screen, 0.004, 0.35)
        if not np.array_equal(relative, self.layer.border_width):
            self.layer.border_width = relative

    def index_of(self, cell_id: int | None) -> int | None:
        """Return a cell's place in the layer."""
        found = np.flatnonzero(self.cells.cell_id == cell_id) if cell_id is not None else ()
        return int(found[0]) if len(found) else None

    def select(self, cell_id: int | None, also: Collection[int] = ()) -> None:
        """Mark one cell, or none; ``also`` marks further ones with it."""
        self._selected, self._also = cell_id, also
        with self._own():
            if len(self.cells):
                self._write_widths()
            self.layer.selected_data = set(self._marked())

    def _marked(self) -> list[int]:
        """Return the places of the marked cells."""
        places = [self.index_of(cell) for cell in (self._selected, *self._also)]
        return [place for place in places if place is not None]

    def nearest(self, x: float, y: float) -> int | None:
        """Return the cell whose ring holds a point in level-0 pixels, the nearest of several."""
        if not len(self.cells):
            return None
        distance = np.hypot(self.cells.x - x, self.cells.y - y)
        distance[distance > self._ring_um() / 2 / self._microns_per_pixel] = np.inf
        at = int(np.argmin(distance))
        return int(self.cells.cell_id[at]) if np.isfinite(distance[at]) else None

    def follow_view(self, corners: NDArray[np.float64], zoom: float) -> None:
        """Fit lines and codes to what is in view; codes only where they can be read.

        Parameters
        ----------
        corners : ndarray, shape (2, 2)
            Top left and bottom right of the view in level-0 pixels, (y, x).
        zoom : float
            Screen pixels per µm.
        """
        if not len(self.cells):
            return
        if abs(zoom - self._zoom) > 0.05 * self._zoom:
            self._zoom = zoom
            with self._own():
                self._write_widths()
        chosen = np.empty(0, np.intp)
        if SMALLEST_RING_UM * zoom >= TEXT_FROM_SCREEN_PX:
            (top, left), (bottom, right) = corners
            inside = (self.cells.y >= top) & (self.cells.y <= bottom)
            inside &= (self.cells.x >= left) & (self.cells.x <= right)
            chosen = np.flatnonzero(inside)[:MOST_TEXTS]
        if not np.array_equal(chosen, self._labelled):
            self._labelled = chosen
            self._write_text()

    def _write_text(self) -> None:
        """Codes are array text, so that thousands of cells out of view cost nothing to draw."""
        shown = self._labelled[self._labelled < len(self.cells)]
        with self._own():
            if len(shown):
                texts = np.full(len(self.cells), "", dtype="<U3")
                texts[shown] = np.array(self.codes, dtype="<U3")[shown]
                # napari gives all texts one offset: the upper rim of a ring of middle size.
                above = float(np.median(self._ring_um())) / 2 / self._microns_per_pixel
                self.layer.text.translation = np.array([-above, 0.0])
                self.layer.text.string = {"array": list(texts), "default": ""}
            self.layer.text.visible = bool(len(shown))

    def _on_editable(self) -> None:
        if self.layer.editable and not self._writing:
            with self._own():
                self.layer.editable = False

    def _on_data(self, event) -> None:
        if not self._writing and str(event.action) in {"added", "removed", "changed"}:
            self._take_back()

    def _on_features(self, _event) -> None:
        if not self._writing and not self._is_as_written():
            self._take_back()

    def _is_as_written(self) -> bool:
        import pandas as pd

        return pd.DataFrame(self._features).equals(self.layer.features)

    def _take_back(self) -> None:
        columns = {name: values for name, values in self._features.items() if name != "cell_id"}
        self.show(self.cells, self.codes, columns)
        self._on_outside_edit()
