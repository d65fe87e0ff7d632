"""The Slide tab's work: scale, frame, region, and Find cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError, Region
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import case_info, wording
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.setup import scale_info, slide_info
from napari_bonemarrow.gui.setup.cell_search import CellSearch
from napari_bonemarrow.gui.setup.slide_models import CountedFrame
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.slides.survey.region_ranking import is_whole_slide
from napari_bonemarrow.workflow.analysis import is_searched_in_one


class SetupController(QObject):
    """Everything that is settled before classes are seen."""

    opened = Signal(object)  # Session, once the tab shows it
    closed = Signal()
    scaled = Signal(object)  # Session, whose scale was confirmed
    analysed = Signal()
    region_started = Signal()

    def __init__(
        self,
        smear_viewer: SmearViewer,
        tab: SlideTab,
        cell_search: CellSearch,
        reviewer: ReviewerName,
        on_error: Callable[[BoneMarrowError], None],
    ) -> None:
        super().__init__(smear_viewer)
        self._smear_viewer, self._tab, self._cell_search, self._on_error = (
            smear_viewer,
            tab,
            cell_search,
            on_error,
        )
        self.session: Session | None = None
        # What the case is told from here on stands under somebody's name.
        tab.scale_confirmed.connect(lambda value, key: reviewer.over(partial(self.confirm_scale, value, key)))
        tab.frame_changed.connect(self._on_frame)
        tab.region_requested.connect(self._on_region_requested)
        tab.find_requested.connect(lambda: reviewer.over(self.find_cells))
        tab.cancel_requested.connect(cell_search.cancel)
        tab.clear_requested.connect(self._on_clear)
        tab.field_requested.connect(self._on_field)
        tab.retry_requested.connect(smear_viewer.tiles.retry)
        smear_viewer.tiles.unreadable.connect(self._on_unreadable)
        smear_viewer.region_changed.connect(self._on_region_drawn)
        cell_search.progressed.connect(tab.show_progress)
        cell_search.found.connect(self.show)
        cell_search.seen.connect(self.show)
        cell_search.stopped.connect(self._on_stopped)

    def open(self, session: Session) -> None:
        """Show a session's smear."""
        self.session = session
        self._tab.begin()
        self._tab.show_idle()
        self._tab.show_unreadable("")
        self.show()
        self.opened.emit(session)

    def _on_unreadable(self, tiles: int) -> None:
        what = f"{count_of(tiles, 'tile')} of this slide"
        self._tab.show_unreadable(f"{what} can't be read and shows hatched." if tiles else "")

    def close(self) -> None:
        """Stop what runs and forget the session."""
        self._cell_search.cancel()
        self.session = None
        self.closed.emit()

    def show(self) -> None:
        """Show where the smear stands."""
        session = self.session
        if session is None:
            return
        self._tab.show_info(slide_info.slide_info(session))
        if session.is_fixed and is_whole_slide(session.slide):
            regions = () if session.case.sampling.frame_choice == "whole" else session.frame().regions
            self._smear_viewer.show_regions(session.slide, regions, locked=True)
        scale = session.slide.microns_per_pixel
        self._smear_viewer.show_frame(session.frame().counted_regions(scale) if scale else (), scale)

    def show_estimate(self, session: Session) -> None:
        """Show the scale that the red cells suggest, if their smear is still open."""
        if session is self.session:
            self.show()

    def confirm_scale(self, value: float, _key: str = "") -> None:
        """Take the scale that the reviewer confirmed; cells that were found at another one are discarded."""
        session = self.session
        if session is None:
            return
        offer = self._tab.scale_part.taken
        try:
            scale = scale_info.chosen_scale(session, value, offer)
            known = session.case.microns_per_pixel
            if known is not None and known != scale.microns_per_pixel:
                self._discard_search(session)
            session.case.sampling.confirm_scale(scale)
        except BoneMarrowError as error:
            self._on_error(error)
            return
        session.slide = session.slide.with_scale(scale)
        self._smear_viewer.set_scale(scale.microns_per_pixel)
        self._smear_viewer.show_all()
        self.scaled.emit(session)
        self.show()
        self._tab.focus_next()

    def _discard_search(self, session: Session) -> None:
        """Stop what runs and put what was found out of force: it rests on what is about to change."""
        self._cell_search.cancel()
        session.case.detection.discard()

    def _on_frame(self, counted: CountedFrame) -> None:
        session = self.session
        if session is None or session.case.read_only:
            return
        before = session.margin_um, session.target
        session.margin_um, session.target = counted.margin_um, counted.target
        if not self._write_frame(session):
            session.margin_um, session.target = before
        self.show()

    def _write_frame(self, session: Session) -> bool:
        """Have the case say what was chosen, where it says anything; tell whether it does now."""
        self._tab.show_frame_problem("")
        if session.case.frame is None:
            return True
        try:
            session.case.sampling.set_frame(session.frame(), session.target)
        except BoneMarrowError as error:
            text = wording.one_line(error)
            self._tab.show_frame_problem(f"{text[0].upper()}{text[1:]}.")
            return False
        return True

    def _on_region_requested(self) -> None:
        if self.session is not None:
            self.region_started.emit()
            self._smear_viewer.start_region(self.session.slide)

    def _on_region_drawn(self) -> None:
        session = self.session
        if session is not None and not session.is_fixed:
            self._take_regions(session, self._smear_viewer.drawn_regions(), whole=False)

    def choose(self, regions: Sequence[Region], *, whole: bool = False) -> None:
        """Have these regions counted; none are the whole slide."""
        session = self.session
        if session is not None and not session.is_fixed:
            self._smear_viewer.show_regions(session.slide, regions, locked=False)
            self._take_regions(session, tuple(regions), whole=whole)

    def _take_regions(self, session: Session, regions: tuple[Region, ...], *, whole: bool) -> None:
        """Count other regions. A small field is searched as a whole, so that what was found there stays."""
        changed = (regions, whole) != (session.regions, session.whole)
        session.regions, session.whole = regions, whole
        try:
            if changed and not is_searched_in_one(session.slide):
                self._discard_search(session)
        except BoneMarrowError as error:
            self._on_error(error)
        self._write_frame(session)
        self.show()

    def _on_clear(self) -> None:
        self.choose(())

    def _on_field(self, name: str) -> None:
        for field in self.session.slide.fields if self.session is not None else ():
            if field.name == name:
                self._smear_viewer.show_region(field.region)

    def step_field(self, by: int) -> None:
        """Go to the field before or after the one in the middle of the view; the last is followed by none."""
        fields = self.session.slide.fields if self.session is not None else ()
        at = self._smear_viewer.nearest_region([field.region for field in fields])
        if at is not None and 0 <= at + by < len(fields):
            self._smear_viewer.show_region(fields[at + by].region)

    def find_cells(self) -> None:
        """Find and classify; the same again later does what is missing."""
        if self.session is not None and not self.session.case.read_only:
            self._cell_search.start(self.session)

    def classify_added(self) -> None:
        """Have the model look at a cell that was just added; a running analysis is left alone."""
        if not self._cell_search.running:
            self.find_cells()

    def _on_stopped(self) -> None:
        self._tab.show_idle()
        self.show()
        if self.session is not None and case_info.is_analysed(self.session.case):
            self.analysed.emit()
            self._tab.focus_next()
