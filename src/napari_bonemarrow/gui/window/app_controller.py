"""The controller: brings case, engine, views and viewer together. None of them knows another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.canvas.napari_compat import canvas_holder, smear_path
from napari_bonemarrow.gui.canvas.smear_layer import CASE_SUFFIX
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import case_info, garbage, settings
from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.correction.cell_menu import cell_menu
from napari_bonemarrow.gui.correction.heatmap_request import HeatmapRequest
from napari_bonemarrow.gui.correction.outline_request import OutlineRequest
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.counting.count_controller import CountController
from napari_bonemarrow.gui.finetune.finetune_controller import FinetuneController
from napari_bonemarrow.gui.gallery.gallery_controller import GalleryController
from napari_bonemarrow.gui.keys import key_files
from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.keys.held_key import HeldKey
from napari_bonemarrow.gui.keys.help_dialog import HelpDialog
from napari_bonemarrow.gui.keys.key_editor import KeyEditor
from napari_bonemarrow.gui.keys.key_filter import KeyFilter
from napari_bonemarrow.gui.model.model_service import ModelService
from napari_bonemarrow.gui.overview.overview_controller import OverviewController
from napari_bonemarrow.gui.setup.cell_search import CellSearch
from napari_bonemarrow.gui.setup.scale_choice import ScaleChoice
from napari_bonemarrow.gui.setup.setup_controller import SetupController
from napari_bonemarrow.gui.setup.smear_opener import SmearOpener
from napari_bonemarrow.gui.setup.survey_controller import SurveyController
from napari_bonemarrow.gui.similarity.similarity_controller import SimilarityController
from napari_bonemarrow.gui.widgets import notices
from napari_bonemarrow.gui.widgets.form_dialog import FormDialog
from napari_bonemarrow.gui.widgets.notices import Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.gui.window import command_keys
from napari_bonemarrow.gui.window.export_dialog import ExportOptions, ask_export, first_options
from napari_bonemarrow.gui.window.fresh_start import FreshStart
from napari_bonemarrow.gui.window.recent_list import RecentList
from napari_bonemarrow.gui.window.settings_page import SettingsPage
from napari_bonemarrow.gui.window.shutdown import Shutdown
from napari_bonemarrow.gui.window.side_docks import SideDocks
from napari_bonemarrow.gui.window.view_state import ViewState
from napari_bonemarrow.gui.window.window_commands import WindowCommands
from napari_bonemarrow.slides import SUFFIXES
from napari_bonemarrow.workflow import was_detected

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.panel import BoneMarrowPanel


class AppController(QObject):
    """One panel's work, from opening a smear to closing the window."""

    opened = Signal()
    all_opened = Signal()
    model_loaded = Signal()

    def __init__(self, viewer, panel: BoneMarrowPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self.session: Session | None = None
        self._queue: list[Path] = []
        self._refused = None
        self.notices = Notices(panel.notices, self)
        self.failed = self.notices.failed
        failing = self.notices.failing
        self._resting = False
        self.engine = Engine()
        self.shutdown = Shutdown(self.engine)
        self.tasks = Tasks(self)
        self.smear_viewer = SmearViewer(viewer, self)
        self.keys, self.side_docks = KeyFilter(panel), SideDocks(panel)
        self.held_key = HeldKey(self)
        self.held_key.changed.connect(self.smear_viewer.bare)
        self.held_key.changed.connect(panel.review_tab.crop.cover_heat)
        for problem in filter(None, (settings.check(), key_files.load_keys())):
            self.notices.warn(problem)
        self.reviewer = ReviewerName(panel.name_part, self)
        self.opener = SmearOpener(
            self.tasks, self.engine, lambda: self.reviewer.text, failing(notices.OPENING)
        )
        self.cell_search = CellSearch(self.engine, self.tasks, failing(notices.FINDING))
        self.model_service = ModelService(self.engine, self.tasks, panel.model_tab, failing(notices.MODEL))
        self.cell_search.model = self.model_service.name
        self.finetune = FinetuneController(
            panel.finetune_tab, self.tasks, self.shutdown.training, failing(notices.TEACHING)
        )
        self.setup = SetupController(
            self.smear_viewer, panel.slide_tab, self.cell_search, self.reviewer, failing(notices.FINDING)
        )
        self.scale_choice = ScaleChoice(
            self.smear_viewer, panel.slide_tab.scale_part, self.setup, self.tasks, self.keys.leave
        )
        self.survey = SurveyController(
            self.smear_viewer,
            panel.slide_tab,
            self.setup,
            self.engine,
            self.tasks,
            self.reviewer,
            failing(notices.FINDING),
        )
        tab = panel.review_tab
        self.heatmap = HeatmapRequest(
            self.smear_viewer, tab, self.engine, self.tasks, failing(notices.LOOKING)
        )
        outline = OutlineRequest(self.smear_viewer, tab, self.tasks, failing(notices.LOOKING))
        self.review = ReviewController(
            self.smear_viewer, tab, self.heatmap, outline, self.reviewer, failing(notices.REVIEW)
        )
        self.view_state = ViewState(self.review, panel.tabs)
        self.fresh_start = FreshStart(self)
        self.counting = CountController(panel, self.review, self.reviewer)
        self.similarity = SimilarityController(self)
        self.gallery = GalleryController(self)
        self.overview = OverviewController(self.smear_viewer, self.review, self.tasks, panel)
        self.overview.view.set_colors(panel.colors)
        panel.colors_changed.connect(self.overview.view.set_colors)
        self.recent = RecentList(self.tasks, panel.welcome, panel.header)
        self.window_commands = WindowCommands(self)
        self.settings_page = SettingsPage(self)
        self._connect_views()
        self._connect_parts()
        self.model_service.load()
        self.recent.show()
        self._adopt_smear()

    def _connect_views(self) -> None:
        panel = self.panel
        for view in (panel.welcome, panel.slide_tab):
            view.open_requested.connect(self.ask_for_smear)
            view.folder_requested.connect(self.ask_for_folder)
        panel.welcome.sample_requested.connect(self.opener.open_sample)
        panel.slide_tab.review_requested.connect(self.begin_review)
        panel.count_tab.export_requested.connect(self.export)
        panel.header.name_wanted.connect(self.reviewer.ask)
        panel.header.help_requested.connect(self.show_help)
        panel.header.act_requested.connect(lambda act: self.do(TABLE.acts[act]))
        panel.review_tab.grid.keys_requested.connect(self.edit_keys)
        panel.review_tab.count_requested.connect(partial(panel.tabs.setCurrentWidget, panel.count_tab))
        panel.review_tab.comment_box.left.connect(self.keys.go_back)
        panel.busy.stop_requested.connect(self.opener.stop)
        panel.tab_changed.connect(self._on_mode)
        panel.tab_changed.connect(self._on_tab)
        panel.tab_changed.connect(self._on_tab_left)

    def _connect_parts(self) -> None:
        panel = self.panel
        self.model_service.loaded.connect(self.model_loaded)
        self.model_service.loaded.connect(lambda: self.notices.settle(notices.MODEL))
        self.setup.analysed.connect(lambda: self.notices.settle(notices.FINDING))
        self.review.cells_changed.connect(lambda _changed: self.notices.settle(notices.REVIEW))
        self.heatmap.shown.connect(lambda: self.notices.settle(notices.LOOKING))
        self.finetune.launched.connect(lambda: self.notices.settle(notices.TEACHING))
        self.model_service.changed.connect(self._on_model_changed)
        self.finetune.model_wanted.connect(self.model_service.use)
        self.opener.opened.connect(self._on_opened)
        self.opener.waiting.connect(self._on_waiting)
        self.opener.waiting.connect(lambda _text: self.settings_page.begin())
        self.opener.open_already.connect(self._on_open_already)
        self.reviewer.changed.connect(self._on_reviewer)
        self.opener.slide_missing.connect(self._on_slide_missing)
        self.opener.estimated.connect(self.setup.show_estimate)
        self.opener.read_only.connect(self._on_read_only)
        self.setup.region_started.connect(self.keys.leave)
        self.setup.analysed.connect(self.review.settle)
        self.cell_search.tiles_found.connect(self.review.preview)
        self.cell_search.stopped.connect(self.review.end_preview)
        self.counting.keys_wanted.connect(self._on_mode)
        self.review.cell_added.connect(self.setup.classify_added)
        self.review.help_requested.connect(self.show_help)
        self.keys.pressed.connect(self.do)
        self.smear_viewer.smear_chosen.connect(self._on_smear_chosen)
        self.smear_viewer.smear_removed.connect(self._on_smear_removed)
        self.smear_viewer.edited_outside.connect(self._on_edited_outside)
        self.smear_viewer.layers_changed.connect(self._on_mode)
        self.smear_viewer.mouse.menu_requested.connect(self._on_menu)
        self.recent.chosen.connect(self.open_path)
        self.overview.fields_counted.connect(panel.slide_tab.show_fields)
        settings.told.changed.connect(self._on_settings)
        when_destroyed(self, partial(settings.told.changed.disconnect, self._on_settings, missing_ok=True))
        command_keys.name_keys()
        TABLE.changed.connect(command_keys.name_keys, unique=True)
        # Painted before the rest is made ready, which takes longer than reading what is seen first.
        self.smear_viewer.shown.connect(lambda: panel.window().repaint())

    # the model ------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        """Classify the open smear anew with the bundle that serves now; labels stay as they are."""
        self.cell_search.model = self.similarity.cell_features.model = self.model_service.name
        self.finetune.show_used(self.model_service.name)
        if self.session is not None and was_detected(self.session.case):
            self.setup.find_cells()

    def _on_tab(self, _index: int = -1) -> None:
        if self.panel.tabs.currentWidget() is self.panel.finetune_tab and self.panel.isVisible():
            self.finetune.look()

    # opening --------------------------------------------------------------------------------------

    def ask_for_smear(self) -> None:
        """Let the user choose a file."""
        patterns = " ".join(f"*{suffix}" for suffix in (*SUFFIXES, CASE_SUFFIX))
        chosen, _filter = QFileDialog.getOpenFileName(
            self.panel, "Open a smear or a case", "", f"Smears and cases ({patterns});;All files (*)"
        )
        if chosen:
            self.open_path(Path(chosen))

    def ask_for_folder(self) -> None:
        """Let the user choose a folder that is one smear: a DICOM series, an OME-Zarr, its fields."""
        chosen = QFileDialog.getExistingDirectory(self.panel, "Open the folder of one smear")
        if chosen:
            self.open_path(Path(chosen))

    def open_path(self, path: Path) -> None:
        """Open a smear or a case."""
        self.opener.open(path)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several; the first is the one under review, the others wait in the layer list."""
        self._queue = list(reversed(paths))
        self._open_next()

    def _open_next(self) -> None:
        if self._queue:
            self.open_path(self._queue.pop(0))

    def _on_waiting(self, text: str) -> None:
        self._rest(text)
        if not text and self._queue:
            self._open_next()
        elif not text:
            self.all_opened.emit()

    def _rest(self, text: str) -> None:
        """Let nothing be done to the open smear while another one is being opened; ``""`` ends that."""
        self._resting = bool(text)
        self.panel.show_waiting(text)
        self.smear_viewer.mouse.rests = self._resting
        for dock in (self.gallery.dock, self.similarity.map):
            dock.setEnabled(not text)
        self._on_mode()

    def _on_smear_chosen(self, layer) -> None:
        """Napari itself has opened a smear of ours, or the user chose another one of several."""
        if layer is not self._refused:
            self._refused = layer  # until it is open: a smear that cannot be is not tried over and over
            self.opener.open(smear_path(layer), layer)

    def _on_open_already(self, layer) -> None:
        """Bring the open smear to the front; a second layer of the same pixels is not kept."""
        self.smear_viewer.come_to_front(layer)
        self._refused = None
        self.panel.show_session(True)
        self.notices.tell(f"{self.session.slide.path.name} is open already.")

    def _adopt_smear(self) -> None:
        """Take up a smear that was open before the panel was."""
        smears = self.smear_viewer.smears()
        if smears:
            self._on_smear_chosen(smears[0])

    def _on_slide_missing(self, case_path: Path, name: str) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(self.panel, f"Where is {name}?", str(case_path.parent))
        if chosen:
            self.opener.open(case_path, slide_path=Path(chosen))

    def _on_read_only(self, reason: str) -> None:
        reason = reason if reason.endswith(".") else f"{reason}."
        self.notices.warn(f"{reason} It is open to look at only.", notices.SMEAR)

    def _on_opened(self, session: Session, layer) -> None:
        self._leave_session()
        self.notices.settle(notices.OPENING)
        self.session, self.opener.current, self._refused = session, session, None
        self.shutdown.case = session.case
        self.smear_viewer.show_slide(session.slide, layer)
        self.counting.open(session)
        self.review.open(session)
        self.setup.open(session)
        self.similarity.open(session)
        self.gallery.open(session)
        self.overview.hold_in(canvas_holder(self.panel.window()))
        self.overview.open(session)
        self.finetune.open(session.case.path.parent, self.model_service.name)
        self.panel.show_session(True)
        self.panel.header.show_info(case_info.header_info(session))
        self._rest("")
        self._tell_left_out(session.slide.warnings)
        self.recent.note(session)
        self.view_state.open()  # the last: what it shows again, such as a tab, looks at all the rest
        if self.panel.is_reviewing():  # it was closed in the midst of the review
            self.keys.focus_smear()
        self.panel.slide_tab.focus_next()
        self.reviewer.offer()
        garbage.set_apart()
        self.opened.emit()

    def _tell_left_out(self, warnings: Sequence[str]) -> None:
        """Say once what of a folder is not part of the case."""
        if warnings:
            more = f" ({len(warnings) - 1} more were left out)" if len(warnings) > 1 else ""
            self.notices.warn(f"{warnings[0]}{more}", notices.SMEAR)

    def begin_review(self) -> None:
        """Turn to the first cell of the work list, ready for keys."""
        self.panel.show_review()
        self.keys.focus_smear()
        if self.review.selected is None:
            self.review.next()

    def _leave_session(self) -> None:
        session, self.session, self.opener.current = self.session, None, None
        if session is None:
            return
        self.held_key.end()
        self.reviewer.forget()
        self.view_state.close()
        self.recent.note(session)
        self.overview.close()
        self.survey.cancel()
        self.similarity.close()
        self.gallery.close()
        self.setup.close()
        self.keys.leave()
        self.review.close()
        self.counting.open(None)
        self.smear_viewer.clear()
        self.shutdown.case = None
        session.case.close()
        self.notices.settle(*notices.OF_THE_SMEAR)
        garbage.take_up()

    def leave_smear(self) -> None:
        """Close the case and show the empty panel; the smear stays in the viewer."""
        self._leave_session()
        self.panel.show_session(False)
        self.panel.header.show_info(case_info.header_info(None))

    def _on_smear_removed(self) -> None:
        """The user took the smear out of the layer list: its case is closed, nothing is lost."""
        self.leave_smear()
        self._adopt_smear()

    # reviewing, counting --------------------------------------------------------------------------

    def _on_mode(self, *_ignored) -> None:
        """Our keys work while the Review tab is open, napari's at any other time.

        While cells are counted by eye, nothing on the smear says what the model makes of them.
        """
        self.smear_viewer.hide_model(self.session is not None and self.counting.tally.on)
        if self.session is not None and self.panel.is_reviewing() and not self._resting:
            self.keys.enter()
            self.smear_viewer.make_active()
        else:
            self.keys.leave()
        self._make_room()

    def _make_room(self) -> None:
        """Fold napari's layer controls away while one reviews; a tally looks at the microscope, not here."""
        panel = self.panel
        if self._resting:
            return  # they would come back and go again within a second
        if (
            self.session is not None
            and panel.is_reviewing()
            and panel.tabs.currentWidget() is panel.review_tab
        ):
            self.side_docks.fold()
        elif self.session is None or panel.isVisible():  # a dock that is being moved hides for a moment
            self.side_docks.unfold()

    def _on_tab_left(self, index: int = -1) -> None:
        """Let go of a selection of several that is no longer seen; -1 is a panel hidden or moved."""
        if index >= 0 and self.panel.tabs.currentWidget() is not self.panel.review_tab:
            self.review.selection.keep_one()

    def do(self, binding: Binding) -> None:
        """Do an act: the window's, the Count tab's, those of the tally while it is open; the rest review."""
        if self._resting:
            return  # another smear is being opened
        parts = (self.window_commands, self.counting, self.similarity)
        if binding.act == "bare":
            self.held_key.begin(binding)
        elif not any(part.press(binding) for part in parts):
            self.review.press(binding)

    def _on_edited_outside(self) -> None:
        self.notices.tell("The rings show what the case says: correct cells in the Review tab.")

    def _on_menu(self, x: float, y: float) -> None:
        if self.session is not None and not self.session.case.read_only:
            cell = self.smear_viewer.rings.nearest(x, y)
            if cell not in {self.review.selected, *self.review.marked}:
                self.review.select(cell, go=False)
            cell_menu(self.panel, self.review, (x, y))

    def _on_reviewer(self, _name: str) -> None:
        if self.session is not None:
            self.counting.readers.name_reader()
            self.panel.header.show_info(case_info.header_info(self.session))
            if self.panel.is_reviewing():
                self.keys.focus_smear()

    def export(self, kind: str) -> None:
        """Take the count along in a format, or in one that is asked for (``any``)."""
        if self.session is None:
            return
        if kind != "any":
            self._export_so(first_options(kind))
            return
        dialog = FormDialog(self.panel, "Export", first_options(), "Choose where…")
        dialog.chosen.connect(self._export_so)
        dialog.open()

    def _export_so(self, options: ExportOptions) -> None:
        if self.session is not None:
            ask_export(self.panel, self.session, options, self.notices)

    def edit_settings(self) -> None:
        """Open the settings: the same as on napari's page of them."""
        dialog = FormDialog(self.panel, "Bone marrow: settings", settings.load(), "Save")
        dialog.chosen.connect(settings.save)
        dialog.open()

    def _on_settings(self, wanted: settings.Settings) -> None:
        """Follow what was changed, on whichever page."""
        self.recent.follow(wanted)
        if wanted.goes_on != self.review.goes_on:
            self.review.set_goes_on(wanted.goes_on)
        if self.session is not None:
            self.counting.readers.follow_reader()
            self.panel.header.show_info(case_info.header_info(self.session))

    def show_help(self) -> None:
        """Open the page of keys and classes."""
        page = HelpDialog(self.panel)
        page.keys_requested.connect(self.edit_keys)
        page.show()

    def edit_keys(self) -> None:
        """Open the dialog in which keys are changed."""
        KeyEditor(self.panel, str(self.smear_viewer.viewer.theme)).show()

    # errors and the end ---------------------------------------------------------------------------

    def leave(self) -> None:
        """End the work: the panel was closed. The smear stays in the viewer."""
        self.tasks.cancel_all()
        self._leave_session()
        self.side_docks.unfold()
        self.similarity.leave()
        self.gallery.leave()
        self.overview.leave()
        self.finetune.close()
        self.shutdown()
        self.smear_viewer.leave()
