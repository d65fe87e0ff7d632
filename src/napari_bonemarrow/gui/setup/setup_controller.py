"""The controller of the Slide tab: scale, frame, region, and Find cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError, Region
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import case_info, notice_text
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.setup import scale_info, slide_info
from napari_bonemarrow.gui.setup.cell_search import CellSearch
from napari_bonemarrow.gui.setup.slide_models import CountedFrame
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.widgets.notices import FINDING, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.slides.survey.region_ranking import is_whole_slide
from napari_bonemarrow.workflow.analysis import is_searched_in_one


class SetupController(SmearPart):
    """The controller of all choices before classes are seen."""

    scaled = Signal()
    """Emitted when the scale was confirmed."""
    analysed = Signal()
    region_started = Signal()

    def __init__(
        self,
        session: Session,
        smear_viewer: SmearViewer,
        tab: SlideTab,
        cell_search: CellSearch,
        reviewer: ReviewerName,
        notices: Notices,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self._smear_viewer, self._tab, self._cell_search = smear_viewer, tab, cell_search
        self._reviewer, self._notices = reviewer, notices
        for signal, slot in (
            (tab.scale_confirmed, self._on_scale_confirmed),
            (tab.frame_changed, self._on_frame),
            (tab.region_requested, self._on_region_requested),
            (tab.find_requested, self._on_find_requested),
            (tab.cancel_requested, cell_search.cancel),
            (tab.clear_requested, self._on_clear),
            (tab.field_requested, self._on_field),
            (tab.retry_requested, smear_viewer.tiles.retry),
            (smear_viewer.tiles.unreadable, self._on_unreadable),
            (smear_viewer.region_changed, self._on_region_drawn),
        ):
            self.follow(signal, slot)
        cell_search.progressed.connect(tab.show_progress)
        cell_search.found.connect(self.show)
        cell_search.seen.connect(self.show)
        cell_search.stopped.connect(self._on_stopped)
        tab.begin()
        tab.show_idle()
        tab.show_unreadable("")
        self.show()

    def close(self) -> None:
        """Stop running work."""
        self._cell_search.cancel()
        super().close()

    # Later acts on the case are recorded under a reviewer's name.

    def _on_scale_confirmed(self, value: float, _key: str) -> None:
        self._reviewer.over(partial(self.confirm_scale, value))

    def _on_find_requested(self) -> None:
        self._reviewer.over(self.find_cells)

    def _on_unreadable(self, tiles: int) -> None:
        what = f"{count_of(tiles, 'tile')} of this slide"
        self._tab.show_unreadable(f"{what} can't be read and shows hatched." if tiles else "")

    def show(self) -> None:
        """Show the state of the smear."""
        session = self.session
        self._tab.show_info(slide_info.slide_info(session))
        if session.is_fixed and is_whole_slide(session.slide):
            regions = () if session.case.sampling.frame_choice == "whole" else session.frame().regions
            self._smear_viewer.show_regions(session.slide, regions, locked=True)
        scale = session.slide.microns_per_pixel
        self._smear_viewer.show_frame(session.frame().counted_regions(scale) if scale else (), scale)

    def confirm_scale(self, value: float) -> None:
        """Record the scale that the reviewer confirmed; cells found at another scale are discarded."""
        session = self.session
        offer = self._tab.scale_part.taken
        try:
            scale = scale_info.chosen_scale(session, value, offer)
            known = session.case.microns_per_pixel
            if known is not None and known != scale.microns_per_pixel:
                self._discard_search()
            session.case.sampling.confirm_scale(scale)
        except BoneMarrowError as error:
            self._notices.fail(error, FINDING)
            return
        session.slide = session.slide.with_scale(scale)
        self._smear_viewer.set_scale(scale.microns_per_pixel)
        self._smear_viewer.view.show_all()
        self.scaled.emit()
        self.show()
        self._tab.focus_next()

    def _discard_search(self) -> None:
        """Stop the search and discard its cells, which depend on the value about to change."""
        self._cell_search.cancel()
        self.session.case.detection.discard()

    def _on_frame(self, counted: CountedFrame) -> None:
        session = self.session
        if session.case.read_only:
            return
        before = session.margin_um, session.target
        session.margin_um, session.target = counted.margin_um, counted.target
        if not self._write_frame():
            session.margin_um, session.target = before
        self.show()

    def _write_frame(self) -> bool:
        """Record the chosen frame if there is one; return whether the case has it now."""
        session = self.session
        self._tab.show_frame_problem("")
        if session.case.frame is None:
            return True
        try:
            session.case.sampling.set_frame(session.frame(), session.target)
        except BoneMarrowError as error:
            text = notice_text.one_line(error)
            self._tab.show_frame_problem(f"{capital(text)}.")
            return False
        return True

    def _on_region_requested(self) -> None:
        self.region_started.emit()
        self._smear_viewer.start_region(self.session.slide)

    def _on_region_drawn(self) -> None:
        if not self.session.is_fixed:
            self._take_regions(self._smear_viewer.drawn_regions(), whole=False)

    def choose(self, regions: Sequence[Region], *, whole: bool = False) -> None:
        """Count these regions; none means the whole slide."""
        if not self.session.is_fixed:
            self._smear_viewer.show_regions(self.session.slide, regions, locked=False)
            self._take_regions(tuple(regions), whole=whole)

    def _take_regions(self, regions: tuple[Region, ...], *, whole: bool) -> None:
        """Count other regions. A small field is searched as a whole, so that its cells stay."""
        session = self.session
        changed = (regions, whole) != (session.regions, session.whole)
        session.regions, session.whole = regions, whole
        try:
            if changed and not is_searched_in_one(session.slide):
                self._discard_search()
        except BoneMarrowError as error:
            self._notices.fail(error, FINDING)
        self._write_frame()
        self.show()

    def _on_clear(self) -> None:
        self.choose(())

    def _on_field(self, name: str) -> None:
        for field in self.session.slide.fields:
            if field.name == name:
                self._smear_viewer.view.show_region(field.region)

    def step_field(self, by: int) -> None:
        """Go to the field before or after the one in the middle of the view, without wrapping around."""
        fields = self.session.slide.fields
        at = self._smear_viewer.view.nearest_region([field.region for field in fields])
        if at is not None and 0 <= at + by < len(fields):
            self._smear_viewer.view.show_region(fields[at + by].region)

    def find_cells(self) -> None:
        """Find and classify cells; a later call completes missing work."""
        if not self.session.case.read_only:
            self._cell_search.start()

    def classify_added(self) -> None:
        """Classify a cell that was just added; a running analysis is not disturbed."""
        if not self._cell_search.running:
            self.find_cells()

    def _on_stopped(self) -> None:
        self._tab.show_idle()
        self.show()
        if case_info.is_analysed(self.session.case):
            self._notices.settle(FINDING)
            self.analysed.emit()
            self._tab.focus_next()
