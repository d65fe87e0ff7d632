"""The open smear with all its controllers: built when it is opened, deleted when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QObject

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.case_info import header_info
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.settings import Settings
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.heatmap_request import HeatmapRequest
from napari_bonemarrow.gui.correction.outline_request import OutlineRequest
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.counting.count_controller import CountController
from napari_bonemarrow.gui.gallery.gallery_controller import GalleryController
from napari_bonemarrow.gui.gallery.gallery_dock import GalleryDock
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.keys.key_filter import KeyFilter
from napari_bonemarrow.gui.overview.overview_controller import OverviewController
from napari_bonemarrow.gui.overview.overview_view import OverviewView
from napari_bonemarrow.gui.setup.cell_search import CellSearch
from napari_bonemarrow.gui.setup.scale_choice import ScaleChoice
from napari_bonemarrow.gui.setup.scale_estimate import ScaleEstimate
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.setup.survey_controller import SurveyController
from napari_bonemarrow.gui.shell.view_state import ViewState
from napari_bonemarrow.gui.similarity.map_dock import MapDock
from napari_bonemarrow.gui.similarity.similarity_controller import SimilarityController
from napari_bonemarrow.gui.widgets.docked import DockHost
from napari_bonemarrow.gui.widgets.notices import Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel
from napari_bonemarrow.workflow import was_detected


@dataclass(frozen=True, slots=True)
class Workplace:
    """The objects that live as long as the panel and that the parts of an open smear use.

    Attributes
    ----------
    panel : BoneMarrowPanel
    smear_viewer : SmearViewer
    selection : Selection
    engine : Engine
    notices : Notices
    reviewer : ReviewerName
    keys : KeyFilter
    docks : DockHost
    gallery, map, overview : GalleryDock, MapDock, OverviewView
    model : callable
        Returns the name of the model bundle in use.
    """

    panel: BoneMarrowPanel
    smear_viewer: SmearViewer
    selection: Selection
    engine: Engine
    notices: Notices
    reviewer: ReviewerName
    keys: KeyFilter
    docks: DockHost
    gallery: GalleryDock
    map: MapDock
    overview: OverviewView
    model: Callable[[], str]


class OpenSmear(SmearPart):
    """The controllers of one smear, each built after those that it needs, and their connections.

    Parameters
    ----------
    session : Session
    place : Workplace
    parent : QObject
    """

    def __init__(self, session: Session, place: Workplace, parent: QObject) -> None:
        super().__init__(session, parent)
        self._panel, self._keys = place.panel, place.keys
        self.tasks = Tasks(self)
        self._build_setup(place)
        self._build_review(place)
        self._build_views(place)
        self._connect_setup()
        self._connect_views(place)
        self.overview.count_fields()

    def _build_setup(self, place: Workplace) -> None:
        session, viewer, tab = self.session, place.smear_viewer, place.panel.slide_tab
        tasks, engine, notices, reviewer = self.tasks, place.engine, place.notices, place.reviewer
        self.cell_search = CellSearch(session, engine, tasks, notices, place.model, self)
        self.setup = SetupController(session, viewer, tab, self.cell_search, reviewer, notices, self)
        self.scale_choice = ScaleChoice(
            session, viewer, tab.scale_part, self.setup, tasks, place.keys.leave, self
        )
        self.survey = SurveyController(
            session, viewer, tab, self.setup, engine, tasks, reviewer, notices, self
        )
        self.scale_estimate = ScaleEstimate(session, self.setup, engine, tasks, notices, self)

    def _build_review(self, place: Workplace) -> None:
        session, viewer, tab = self.session, place.smear_viewer, place.panel.review_tab
        self.heatmap = HeatmapRequest(session, viewer, tab, place.engine, self.tasks, place.notices, self)
        self.outline = OutlineRequest(session, viewer, tab, self.tasks, place.notices, self)
        self.review = ReviewController(
            session,
            viewer,
            tab,
            place.selection,
            self.heatmap,
            self.outline,
            place.reviewer,
            self.tasks,
            place.notices,
            self,
        )

    def _build_views(self, place: Workplace) -> None:
        session, review, panel, search = self.session, self.review, place.panel, self.cell_search
        self.counting = CountController(session, panel.count_tab, panel.tabs, review, self)
        self.similarity = SimilarityController(
            session,
            place.map,
            review,
            place.engine,
            self.tasks,
            place.model,
            lambda: search.running,
            place.docks,
            self,
        )
        self.gallery = GalleryController(session, place.gallery, review, place.docks, self)
        self.overview = OverviewController(
            session, place.smear_viewer, place.overview, review.case_sync, self.tasks, self
        )
        self.view_state = ViewState(
            session, place.smear_viewer, place.selection, review.worklist, panel.tabs, self
        )

    def _connect_setup(self) -> None:
        sync = self.review.case_sync
        self.setup.analysed.connect(sync.settle)
        self.setup.region_started.connect(self._keys.leave)
        self.cell_search.tiles_found.connect(sync.preview)
        self.cell_search.stopped.connect(sync.end_preview)
        self.cell_search.stopped.connect(self.similarity.cell_features.follow_search)
        self.review.corrections.cell_added.connect(self.setup.classify_added)

    def _connect_views(self, place: Workplace) -> None:
        panel = place.panel
        self.counting.reader_changed.connect(self.show_header)
        self.counting.review_wanted.connect(self.begin_review)
        self.counting.readers.banner_changed.connect(panel.header.show_banner)
        self.gallery.inspector_wanted.connect(self._show_inspector)
        self.overview.fields_counted.connect(panel.slide_tab.show_fields)
        self.view_state.follow(place.gallery.asked, self.view_state.touch)
        self.follow(panel.hidden, self.view_state.save)  # the window may be closing
        self.follow(panel.slide_tab.review_requested, self.begin_review)

    def close(self) -> None:
        """Close every part, and stop its running tasks."""
        super().close()
        self.tasks.cancel_all()

    def press(self, binding: Binding) -> bool:
        """Run the command of a key; return whether it belongs to an open smear."""
        acts: dict[str, Callable[[], None]] = {
            "begin_review": self.begin_review,
            "overview": self.overview.toggle,
            "previous_field": lambda: self.setup.step_field(-1),
            "next_field": lambda: self.setup.step_field(1),
        }
        if binding.act in acts:
            acts[binding.act]()
            return True
        if self.counting.press(binding) or self.similarity.press(binding):
            return True
        return not self.review.asks and (self.gallery.press(binding) or self.review.press(binding))

    def begin_review(self) -> None:
        """Go to the first cell of the work list, ready for keys."""
        self._panel.show_review()
        self._keys.focus_smear()
        if self.review.selection.current is None:
            self.review.navigation.next()

    def _show_inspector(self) -> None:
        """Give the keyboard focus to the Review tab."""
        self._panel.show_review()
        self._panel.review_tab.next_button.setFocus()

    def show_header(self) -> None:
        """Show case, reader and signature above the tabs."""
        self._panel.header.show_info(header_info(self.session))

    def follow_model(self) -> None:
        """Classify again with the current model bundle; labels are unchanged."""
        if was_detected(self.session.case):
            self.setup.find_cells()

    def follow_reviewer(self) -> None:
        """Write under the new reviewer's name."""
        self.counting.readers.name_reader()
        self.show_header()
        if self._panel.is_reviewing():
            self._keys.focus_smear()

    def follow_settings(self, wanted: Settings) -> None:
        """Apply changed settings."""
        navigation = self.review.navigation
        if wanted.goes_on != navigation.goes_on:
            navigation.set_goes_on(wanted.goes_on)
        self.counting.readers.follow_reader()
        self.show_header()
