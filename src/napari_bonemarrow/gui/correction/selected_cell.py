"""The selected cell in the Review tab, with its crop and its explanations."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_bonemarrow.cytology.arrays import row_of
from napari_bonemarrow.cytology.defaults import CROP_MICRONS_PER_PIXEL, CROP_SIZE
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import case_info
from napari_bonemarrow.gui.core.sample_figures import SampleFigures
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.heatmap_request import HeatmapRequest
from napari_bonemarrow.gui.correction.outline_request import OutlineRequest
from napari_bonemarrow.gui.inspector import cell_info
from napari_bonemarrow.gui.inspector.cell_models import ProgressInfo
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.inspector.sample_info import sample_progress
from napari_bonemarrow.gui.widgets.crop_cache import CropCache
from napari_bonemarrow.review.worklist.worklist import WorkList

_CROPS_BYTES = 24 * 2**20
_AHEAD = 4
"""Number of cells of the work list whose crops are cut in advance."""


class SelectedCell(SmearPart):
    """Updates of the Review tab from the selection and the case."""

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: ReviewTab,
        selection: Selection,
        worklist: WorkList,
        heatmap: HeatmapRequest,
        outline: OutlineRequest,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._tab = smear_viewer, tab
        self._selection, self._worklist = selection, worklist
        self._heatmap, self._outline = heatmap, outline
        self.sample_figures: SampleFigures | None = None
        """What a sample review said when it was last estimated."""
        self.crops = CropCache(self, _CROPS_BYTES)
        self.crops.arrived.connect(self._on_crops)
        self._crops_timer = self.timer(0, self._want_crops)

    def close(self) -> None:
        """Show that no smear is open."""
        super().close()
        self.crops.open(None)
        self._smear_viewer.say("")
        tab = self._tab
        tab.show_toast("")
        tab.show_progress(ProgressInfo())
        tab.show_cell(None, "Open a smear and find its cells first.")
        tab.show_unlike("")
        tab.show_journal(False, False, False)

    def place(self, cell_id: int) -> tuple[float, float]:
        """Return a cell's centre in level-0 pixels (x, y)."""
        cells = self.session.case.cells
        at = row_of(cells.cell_id, cell_id)
        return float(cells.x[at]), float(cells.y[at])

    def show(self) -> None:
        """Show the selected cell, or a hint how to select one."""
        session, case, tab = self.session, self.session.case, self._tab
        selected, cell = len(self._selection), self._selection.current
        info = None if cell is None else cell_info.cell_info(session, cell)
        tab.show_marked(max(selected - 1, 0))
        tab.show_blind(case.is_blind)
        tab.show_unlike(*case_info.unlike_texts(case))
        tab.show_locked(case_info.locked_text(case))
        self.show_progress()
        self._smear_viewer.say(f"{selected} selected" if selected > 1 else "")
        if not len(case.cells):
            hint = "No cells yet: find them in the Slide tab."
        else:
            hint = "Click a cell on the smear, or press Space for the first of the work list."
        tab.show_cell(info, hint)
        if info is None:
            self._heatmap.hide()
            self._outline.hide()
            return
        place, total = self._worklist.place_of(info.cell_id), len(self._worklist.ids)
        tab.show_heading(*cell_info.heading(info, place, total, selected))
        tab.show_flag(info.cell_id in case.flags)
        self._show_crop(info.cell_id)
        centre = self.place(info.cell_id)
        self._heatmap.explain(info, *centre)
        self._outline.outline(*centre)

    def show_progress(self) -> None:
        """Show the progress of the review."""
        case, work = self.session.case, self._worklist
        if case.sample.in_progress:
            info = sample_progress(case, *work.progress, work.sample_left, self.sample_figures)
        else:
            info = cell_info.progress(case, *work.progress)
        self._tab.show_progress(info)

    def show_journal(self) -> None:
        """Show whether undo, redo and navigation are possible."""
        case = self.session.case
        writable = not case.read_only
        self._tab.show_journal(case.can_undo and writable, case.can_redo and writable, bool(len(case.cells)))

    def _show_crop(self, cell_id: int) -> None:
        """Show the available crop, never that of another cell; request it and the next ones."""
        self._tab.crop.show_pixmap(self.crops.get(cell_id), CROP_MICRONS_PER_PIXEL)
        self._crops_timer.start()  # cutting competes for the interpreter with the key being handled

    def _want_crops(self) -> None:
        cell, case = self._selection.current, self.session.case
        if cell is None or not case.has_cell(cell):
            return
        self.crops.follow(self.session.slide)
        at = self._worklist.place_of(cell)
        ahead = self._worklist.ids[at + 1 : at + 1 + _AHEAD].tolist()
        coming = [each for each in ahead if case.has_cell(each)]
        self.crops.want({each: self.place(each) for each in (cell, *coming)}, CROP_SIZE)

    def _on_crops(self, cell_ids: tuple[int, ...]) -> None:
        cell = self._selection.current
        if cell is not None and cell in cell_ids:
            self._tab.crop.show_pixmap(self.crops.get(cell), CROP_MICRONS_PER_PIXEL)
