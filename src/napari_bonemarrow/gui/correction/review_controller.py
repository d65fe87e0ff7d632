"""Reviewing: clicks, keys and buttons, the selection and the case brought together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import Signal

from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.gui.canvas.napari_compat import canvas_px
from napari_bonemarrow.gui.correction.bulk_accept import BulkAccept
from napari_bonemarrow.gui.correction.case_sync import CellsChanged
from napari_bonemarrow.gui.correction.corrections import Corrections
from napari_bonemarrow.gui.keys.bindings import Binding

__all__ = ["CellsChanged", "ReviewController"]


class ReviewController(Corrections):
    """The Review tab, the rings and the keys, kept equal to the case."""

    help_requested = Signal()
    selected_changed = Signal()

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._connect()
        self.tab.show_goes_on(self.goes_on)
        self.accepting = BulkAccept(self)
        self.acts: dict[str, Callable[[], None]] = {"bulk": self.accepting.ask}
        """What further keys do, by act: views beside this one put theirs here."""

    def _connect(self) -> None:
        tab = self.tab
        tab.label_chosen.connect(self.label)
        tab.tag_toggled.connect(self.tag)
        tab.comment_written.connect(self.comment)
        tab.why_chosen.connect(self._why)
        tab.outline_toggled.connect(self._outline)
        tab.next_requested.connect(self.next)
        tab.back_requested.connect(self.back)
        tab.accept_requested.connect(self.accept)
        tab.undo_requested.connect(self.undo)
        tab.redo_requested.connect(self.redo)
        tab.remove_requested.connect(self.remove)
        tab.split_requested.connect(self.split)
        tab.merge_requested.connect(self.split_merge.merge)
        tab.flag_toggled.connect(self.flag)
        tab.goes_on_toggled.connect(self.set_goes_on)
        self.smear_viewer.mouse.clicked.connect(self._on_clicked)
        self.smear_viewer.mouse.added_to_selection.connect(self._on_added)
        self.smear_viewer.selected_outside.connect(self._on_selected_outside)
        self.selection.changed.connect(self._on_selection)

    def close(self) -> None:
        """Forget the session."""
        self.split_merge.cancel()
        self.caution.cancel()
        super().close()

    # selecting ------------------------------------------------------------------------------------

    def _on_clicked(self, x: float, y: float) -> None:
        if not self.split_merge.click(x, y):
            self.select(self.smear_viewer.rings.nearest(x, y), go=False)
        self.smear_viewer.make_active()

    def _on_added(self, x: float, y: float) -> None:
        """Select one more cell, or one less."""
        cell = self.smear_viewer.rings.nearest(x, y)
        if cell is not None and self.session is not None and self.session.case.has_cell(cell):
            self.selection.toggle(cell)
            self.smear_viewer.make_active()

    def _on_selected_outside(self) -> None:
        """Somebody has selected points with napari's own tools, such as its features table."""
        if self.session is not None:
            self.selection.set(self._there(np.array(self.smear_viewer.rings.selected_outside(), np.int64)))

    def _on_selection(self, go: bool) -> None:
        """Show another selection."""
        self.split_merge.cancel()
        cell = self.selection.current
        if self.smear_viewer.rings.exists:
            self.smear_viewer.rings.select(cell, self.selection.array)
        if cell is not None and self.session is not None:
            self.worklist.visit(cell)
            if go:
                self.smear_viewer.go_to(*self.place(cell))
        self._show_selected()
        self.selected_changed.emit()

    # keys and explanations ------------------------------------------------------------------------

    def _why(self, method: str) -> None:
        self.heatmap.set_method(method)
        self._show_selected()

    def _outline(self, on: bool) -> None:
        self.outline.set_on(on)
        self._show_selected()

    def press(self, binding: Binding) -> None:
        """Do what a key stands for; nothing while a question stands."""
        if self.caution.dialog is not None:
            return
        acts: dict[str, Callable[[], None]] = {
            "next": self.next,
            "back": self.back,
            "accept": self.accept,
            "undo": self.undo,
            "redo": self.redo,
            "remove": self.remove,
            "split": self.split,
            "merge": self.split_merge.merge,
            "add": lambda: self.add(self.smear_viewer.mouse.place()),
            "clear": lambda: self.label(""),
            "label": lambda: self.label(binding.argument),
            "tag": lambda: self.tag(binding.argument),
            "flag": self.flag,
            "go_on": lambda: self.set_goes_on(not self.goes_on),
            "select_class": self.select_class,
            "comment": self.tab.comment_box.setFocus,
            "guess": lambda: self.guess(int(binding.argument)),
            "explain": lambda: self._why(self.heatmap.next_method()),
            "outline": lambda: self._outline(not self.outline.on),
            "full_crop": self._full_crop,
            "help": self.help_requested.emit,
            **self.acts,
        }
        if binding.act in acts and (self.session is not None or binding.act == "help"):
            acts[binding.act]()

    def _full_crop(self) -> None:
        if self.selected is not None:
            height, _width = canvas_px(self.smear_viewer.viewer)
            width_um = CROP_SIZE * CROP_MICRONS_PER_PIXEL
            self.smear_viewer.fill_view(*self.place(self.selected), width_um, height)
