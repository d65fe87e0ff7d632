"""The dock *Cells*: the gallery, and above it its filters and order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_bonemarrow.cytology import CLASSES, CODES
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.gallery.gallery_model import GalleryModel
from napari_bonemarrow.gui.gallery.gallery_view import SIDES, GalleryView
from napari_bonemarrow.gui.widgets.controls import button, label, swatch_icon
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.gui.widgets.docked import ThemedDock
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors
from napari_bonemarrow.review.worklist.filters import STATES
from napari_bonemarrow.review.worklist.order import GROUPED_ORDERS, ORDERS, SAMPLE
from napari_bonemarrow.review.worklist.worklist import WorkList

_EVERY = "every class"


class GalleryDock(ThemedDock):
    """The dock with order, filters and progress of the work list, and the thumbnails.

    Parameters
    ----------
    selection : Selection
        The window's selection.
    theme : callable
        Returns the colours of the current theme.
    """

    asked = Signal()  # the list was arranged differently

    def __init__(self, selection: Selection, theme: Callable[[], ThemeColors]) -> None:
        super().__init__(theme)
        self.work: WorkList | None = None
        self.model, self.store = GalleryModel(self), CropCache(self)
        self.view = GalleryView(self.model, self.store, selection)
        self.setFocusProxy(self.view)
        self._make_controls()
        header = QWidget()
        flow = QFlowLayout(header)
        flow.setContentsMargins(6, 2, 6, 2)
        flow.setSpacing(6)
        for part in (
            self.order,
            self.grouped,
            self.code,
            self.state,
            self.disputed,
            self.flagged,
            self.uncounted,
            self._size_part(),
            self.progress,
            self.anew,
            self.notice,
        ):
            flow.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(header)
        layout.addWidget(self.view, 1)
        self.show_list(None)

    def _make_controls(self) -> None:
        self.order = _choice("Order of the cells", ORDERS)
        self.order.currentIndexChanged.connect(self._on_order)
        self.code = _choice("Class that is shown", {})
        self.code.currentIndexChanged.connect(self._on_code)
        self.state = _choice("Reviewed or not", STATES)
        self.state.currentIndexChanged.connect(self._on_state)
        self.grouped = _box("By class", "A heading a class; a click on it folds the class away")
        self.grouped.toggled.connect(self._on_grouped)
        self.disputed = _box("Disagreements", "")
        self.disputed.toggled.connect(self._narrower("disagreement"))
        self.flagged = _box("Flagged", "Only cells that were flagged to be looked at again")
        self.flagged.toggled.connect(self._narrower("flagged"))
        self.uncounted = _box("Outside too", "Cells outside the count too: they are never gone through")
        self.uncounted.toggled.connect(self._on_uncounted)
        self.progress = label(wrap=False)
        self.notice = label(role="warning", wrap=False)
        self.anew = button("Arrange again")
        set_tip(self.anew, "Cells stay where they stand while you review; this puts each where it belongs")
        self.anew.clicked.connect(self._on_anew)

    def _size_part(self) -> QWidget:
        part = QWidget()
        row = QHBoxLayout(part)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(*SIDES)
        self.size_slider.setValue(self.view.side)
        self.size_slider.setPageStep(20)
        self.size_slider.setFixedWidth(90)
        self.size_slider.setAccessibleName("Size of the thumbnails")
        set_tip(self.size_slider, "Size of the thumbnails")
        self.size_slider.valueChanged.connect(self.view.set_side)
        row.addWidget(label("Size", "quiet", wrap=False))
        row.addWidget(self.size_slider)
        return part

    # display --------------------------------------------------------------------------------------

    def show_list(self, work: WorkList | None, empty: str = "") -> None:
        """Show a work list, or the same one arranged again.

        Parameters
        ----------
        work : WorkList or None
        empty : str
            Why there is no cell at all; otherwise the filters are the reason that none is shown.
        """
        self.work = work
        self.model.show(work)
        for control in self._controls():
            control.setEnabled(work is not None)
        self._show_asked()
        self.view.set_empty_text(empty or self._why_empty())
        self.view.follow_selection()
        self.show_progress()

    def follow(self, cell_ids: tuple[int, ...]) -> None:
        """Show a change of some cells."""
        self.model.follow(cell_ids)
        self.show_progress()

    def show_progress(self) -> None:
        """Show the progress of the review, and the number of cells out of their place."""
        work = self.work
        reviewed, counted = (0, 0) if work is None else work.progress
        self.progress.setText(f"{reviewed} of {counted} reviewed" if counted else "")
        moved = 0 if work is None else work.moved
        self.anew.setText(f"Arrange again ({moved} moved)")
        self.anew.setVisible(moved > 0)

    def show_settling(self, on: bool) -> None:
        """Show the kind of disagreements: between readers while settling, else of reviewer and model."""
        self.disputed.setText("Readers differ" if on else "Disagreements")
        text = "Only cells on which the readers differ"
        set_tip(self.disputed, text if on else "Only cells whose reviewer differs from the model")
        narrowed = on and self.work is not None and self.work.filters.disagreement
        self.notice.setText("Settling: only what the readers differ on" if narrowed else "")
        self.notice.setVisible(bool(narrowed))

    def _controls(self) -> tuple[QWidget, ...]:
        boxes = (self.grouped, self.disputed, self.flagged, self.uncounted)
        return (self.order, self.code, self.state, *boxes, self.size_slider)

    def _show_asked(self) -> None:
        """Show the list's order and filters, which may have been restored or changed elsewhere."""
        work = self.work
        if work is None:
            return
        blocked = [QSignalBlocker(control) for control in self._controls()]
        filters = work.filters
        self._offer(work.orders)
        self.order.setCurrentIndex(self.order.findData(work.order))
        self.state.setCurrentIndex(self.state.findData(filters.state))
        self.grouped.setChecked(work.grouped)
        self.grouped.setEnabled(work.order not in {*GROUPED_ORDERS, SAMPLE})
        self.disputed.setChecked(filters.disagreement)
        self.flagged.setChecked(filters.flagged)
        self.uncounted.setChecked(not filters.counted)
        self._show_classes()
        del blocked

    def _offer(self, orders: Mapping[str, str]) -> None:
        """Offer the orders that there are now."""
        if [self.order.itemData(at) for at in range(self.order.count())] != list(orders):
            self.order.clear()
            for value, text in orders.items():
                self.order.addItem(text, value)

    def _show_classes(self) -> None:
        """Offer the current classes of the cells, and the chosen one."""
        work = existing(self.work)
        present, asked = set(work.columns.code.tolist()), work.filters.code
        codes = [code for at, code in enumerate(CODES) if at in present or code == asked]
        self.code.clear()
        self.code.addItem(_EVERY, None)
        for code in codes:
            text = f"{code} {CLASSES[code].name}" if code else "no class yet"
            self.code.addItem(swatch_icon(code), text, code)
        self.code.setCurrentIndex(0 if asked is None else 1 + codes.index(asked))

    def _why_empty(self) -> str:
        if self.work is None or len(self.work.ids):
            return ""
        reviewed, counted = self.work.progress
        if self.work.filters.state == "waiting" and reviewed == counted:
            return "Every counted cell has been reviewed."
        if self.work.filters.state == "reviewed" and not reviewed:
            return "No cell has been reviewed yet."
        if self.work.filters.flagged:
            return "No cell is flagged among those asked for."
        if self.work.filters.disagreement:
            return "No disagreement among the cells asked for."
        return "No cell is as the filter asks: choose every class and all cells to see them."

    # order and filters ----------------------------------------------------------------------------

    def _changed(self) -> None:
        self.show_list(self.work)
        self.asked.emit()

    def _on_order(self, _index: int) -> None:
        existing(self.work).order = self.order.currentData()
        self._changed()

    def _on_grouped(self, on: bool) -> None:
        existing(self.work).grouped = on
        self._changed()

    def _on_code(self, _index: int) -> None:
        existing(self.work).narrow(code=self.code.currentData())
        self._changed()

    def _on_state(self, _index: int) -> None:
        existing(self.work).narrow(state=self.state.currentData())
        self._changed()

    def _on_uncounted(self, on: bool) -> None:
        existing(self.work).narrow(counted=not on)
        self._changed()

    def _narrower(self, name: str) -> Callable[[bool], None]:
        def narrow(on: bool) -> None:
            existing(self.work).narrow(**{name: on})
            self._changed()

        return narrow

    def _on_anew(self) -> None:
        existing(self.work).arrange()
        self._changed()

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        super().set_colors(colors)
        self.view.set_colors(colors)


def _choice(name: str, texts: Mapping[Any, str]) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    set_tip(made, name)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for value, text in texts.items():
        made.addItem(text, value)
    return made


def _box(text: str, tip: str) -> QCheckBox:
    made = QCheckBox(text)
    set_tip(made, tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
