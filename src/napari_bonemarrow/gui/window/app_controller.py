"""The controller of a panel: the objects that live as long as it does, and the open smear."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.canvas.napari_compat import canvas_holder
from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core import garbage, settings
from napari_bonemarrow.gui.core.case_info import header_info
from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.finetune.finetune_controller import FinetuneController
from napari_bonemarrow.gui.gallery.gallery_dock import GalleryDock
from napari_bonemarrow.gui.keys import key_files
from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.keys.held_key import HeldKey
from napari_bonemarrow.gui.keys.key_filter import KeyFilter, main_window
from napari_bonemarrow.gui.model.laboratory_service import LaboratoryService
from napari_bonemarrow.gui.model.model_service import ModelService
from napari_bonemarrow.gui.overview.overview_view import OverviewView
from napari_bonemarrow.gui.setup.smear_opener import SmearOpener
from napari_bonemarrow.gui.shell.bottom_docks import BottomDocks
from napari_bonemarrow.gui.shell.recent_list import RecentList
from napari_bonemarrow.gui.similarity.map_dock import MapDock
from napari_bonemarrow.gui.widgets.notices import OF_THE_SMEAR, OPENING, SMEAR, Notices
from napari_bonemarrow.gui.widgets.reviewer_name import ReviewerName
from napari_bonemarrow.gui.widgets.theme import ThemeColors, theme_colors
from napari_bonemarrow.gui.window import command_keys
from napari_bonemarrow.gui.window.fresh_start import FreshStart
from napari_bonemarrow.gui.window.open_smear import OpenSmear, Workplace
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel
from napari_bonemarrow.gui.window.review_mode import ReviewMode
from napari_bonemarrow.gui.window.settings_page import SettingsPage
from napari_bonemarrow.gui.window.shutdown import Shutdown
from napari_bonemarrow.gui.window.smear_queue import SmearQueue
from napari_bonemarrow.gui.window.window_commands import WindowCommands
from napari_bonemarrow.gui.window.window_dialogs import WindowDialogs


class AppController(QObject):
    """The controller of one panel, from opening a smear to closing the window.

    Parameters
    ----------
    viewer : Viewer
    panel : BoneMarrowPanel
    """

    opened = Signal()
    model_loaded = Signal()

    def __init__(self, viewer: Viewer, panel: BoneMarrowPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self.smear: OpenSmear | None = None
        self.notices = Notices(panel.notices, self)
        self.engine = Engine()
        self.shutdown = Shutdown(self.engine)
        self.tasks = Tasks(self)
        self.smear_viewer = SmearViewer(viewer, self)
        self.selection = Selection(self)
        self.keys, self.held_key = KeyFilter(panel), HeldKey(self)
        for problem in filter(None, (settings.check(), key_files.load_keys())):
            self.notices.warn(problem)
        self.reviewer = ReviewerName(panel.name_part, self)
        self.opener = SmearOpener(self.tasks, self.reviewer, self.notices)
        self.queue = SmearQueue(self.opener, self.smear_viewer, panel)
        self.model_service = ModelService(self.engine, self.tasks, panel.model_tab, self.notices)
        self.laboratory = LaboratoryService(panel.model_tab.laboratory, self.tasks, self.notices)
        self.finetune = FinetuneController(
            panel.finetune_tab, self.tasks, self.shutdown.training, self.notices
        )
        self.mode = ReviewMode(panel, self.smear_viewer, self.selection, self.keys, lambda: self.smear)
        self.recent = RecentList(self.tasks, panel.welcome, panel.header)
        self.settings_page = SettingsPage(self)
        self._make_docks(viewer)
        self._make_dialogs(viewer)
        self._connect_views()
        self._connect_parts()
        self.model_service.load()
        self.recent.show()
        self.queue.adopt()

    def _make_docks(self, viewer: Viewer) -> None:
        def theme() -> ThemeColors:
            return theme_colors(str(viewer.theme))

        self.docks = BottomDocks(viewer, self.panel, self.keys)
        self.gallery, self.map = GalleryDock(self.selection, theme), MapDock(theme)
        for dock in (self.gallery, self.map):
            self.docks.add(dock)
        self.gallery.view.opened.connect(self.keys.focus_smear)
        self.overview = OverviewView(self.panel)
        self.overview.set_colors(self.panel.colors)
        self.panel.colors_changed.connect(self.overview.set_colors)

    def _make_dialogs(self, viewer: Viewer) -> None:
        panel, notices = self.panel, self.notices
        self.dialogs = WindowDialogs(
            panel, notices, lambda: self.opener.current, lambda: str(viewer.theme), self.tasks, self.engine
        )
        self.fresh_start = FreshStart(panel, self.smear_viewer, self.opener, notices, self.leave_smear)
        self.window_commands = WindowCommands(
            panel, self.queue, self.opener, self.fresh_start, self.dialogs, notices
        )

    def _connect_views(self) -> None:
        panel = self.panel
        for view in (panel.welcome, panel.slide_tab):
            view.open_requested.connect(self.queue.ask_for_smear)
            view.folder_requested.connect(self.queue.ask_for_folder)
        panel.welcome.sample_requested.connect(self.opener.open_sample)
        panel.count_tab.export_requested.connect(self.dialogs.export)
        panel.header.name_wanted.connect(self.reviewer.ask)
        panel.header.help_requested.connect(self.dialogs.show_help)
        panel.header.act_requested.connect(lambda act: self.do(TABLE.acts[act]))
        panel.review_tab.grid.keys_requested.connect(self.dialogs.edit_keys)
        panel.review_tab.count_requested.connect(panel.show_count)
        panel.review_tab.comment_box.left.connect(self.keys.go_back)
        panel.count_tab.sign.remember_requested.connect(lambda: self.laboratory.ask_to_remember(panel))
        panel.busy.stop_requested.connect(self.opener.stop)
        panel.tab_changed.connect(self._on_tab)
        panel.closed.connect(self.leave)

    def _connect_parts(self) -> None:
        viewer = self.smear_viewer
        self.held_key.changed.connect(viewer.bare)
        self.held_key.changed.connect(self.panel.review_tab.crop.cover_heat)
        self.model_service.loaded.connect(self.model_loaded)
        self.model_service.changed.connect(self._on_model_changed)
        self.finetune.model_wanted.connect(self.model_service.use)
        self.opener.opened.connect(self._on_opened)
        self.opener.waiting.connect(self._on_waiting)
        self.opener.open_already.connect(self._on_open_already)
        self.opener.read_only.connect(self._on_read_only)
        self.recent.chosen.connect(self.open_path)
        self.reviewer.changed.connect(self._on_reviewer)
        self.keys.pressed.connect(self.do)
        viewer.smear_removed.connect(self._on_smear_removed)
        viewer.edited_outside.connect(self._on_edited_outside)
        # Painted before the rest is prepared, which takes longer than reading the visible part.
        viewer.shown.connect(lambda: existing(self.panel.window()).repaint())
        settings.told.changed.connect(self._on_settings)
        when_destroyed(self, partial(settings.told.changed.disconnect, self._on_settings, missing_ok=True))
        command_keys.name_keys()
        TABLE.changed.connect(command_keys.name_keys, unique=True)

    # opening --------------------------------------------------------------------------------------

    def open_path(self, path: Path) -> None:
        """Open a smear or a case."""
        self.opener.open(path)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several; the first is reviewed, the others wait in the layer list."""
        self.queue.open_paths(paths)

    def _on_waiting(self, text: str) -> None:
        self._rest(text)
        if not text:
            self.queue.go_on()
        self.settings_page.begin()

    def _rest(self, text: str) -> None:
        """Disable the open smear while another one is being opened; ``""`` enables it again."""
        for dock in (self.gallery, self.map):
            dock.setEnabled(not text)
        self.mode.rest(text)

    def _on_open_already(self, layer: Image | None) -> None:
        """Show the open smear; a second layer of the same pixels is removed."""
        self.smear_viewer.come_to_front(layer)
        self.queue.forget_refused()
        self.panel.show_session(True)
        if self.smear is not None:
            self.notices.tell(f"{self.smear.session.slide.path.name} is open already.")

    def _on_read_only(self, reason: str) -> None:
        reason = reason if reason.endswith(".") else f"{reason}."
        self.notices.warn(f"{reason} It is open to look at only.", SMEAR)

    def _on_opened(self, session: Session, layer: Image | None) -> None:
        self._leave()
        self.notices.settle(OPENING)
        self.opener.current, self.shutdown.case = session, session.case
        self.queue.forget_refused()
        self.smear_viewer.show_slide(session.slide, layer)
        self.overview.hold_in(canvas_holder(existing(self.panel.window())))
        self.smear = OpenSmear(session, self._workplace(), self)
        self.smear.counting.keys_wanted.connect(self.mode.update)
        self.laboratory.open(session)
        self.finetune.open(session.case.path.parent, self.model_service.name)
        self.panel.show_session(True)
        self.smear.show_header()
        self._rest("")
        self._tell_left_out(session.slide.warnings)
        self.recent.note(session)
        # Last, since the views it shows, such as a tab, use all the others.
        if not self.smear.view_state.restore():
            self._show_all()
        if self.keys.on:  # it was closed during the review, or in the Count tab
            self.keys.focus_smear()
        self.panel.slide_tab.focus_next()
        self.reviewer.offer()
        garbage.set_apart()
        self.opened.emit()

    def _show_all(self) -> None:
        """Fit the view to the smear, in the room that the docks of the shown tab leave."""
        window = main_window(self.panel)
        if window is not None:
            existing(window.layout()).activate()  # else hidden docks keep their room until Qt is idle
        self.smear_viewer.view.show_all()

    def _workplace(self) -> Workplace:
        return Workplace(
            panel=self.panel,
            smear_viewer=self.smear_viewer,
            selection=self.selection,
            engine=self.engine,
            notices=self.notices,
            reviewer=self.reviewer,
            keys=self.keys,
            docks=self.docks,
            gallery=self.gallery,
            map=self.map,
            overview=self.overview,
            model=lambda: self.model_service.name,
        )

    def _tell_left_out(self, warnings: Sequence[str]) -> None:
        """Show once which files of a folder are not part of the case."""
        if warnings:
            more = f" ({len(warnings) - 1} more were left out)" if len(warnings) > 1 else ""
            self.notices.warn(f"{warnings[0]}{more}", SMEAR)

    # leaving --------------------------------------------------------------------------------------

    def _leave(self) -> None:
        smear, self.smear, self.opener.current = self.smear, None, None
        if smear is None:
            return
        self.held_key.end()
        self.reviewer.forget()
        self.keys.leave()
        self.laboratory.leave()
        self.dialogs.close_preview()
        smear.close()
        self.recent.note(smear.session)
        self.smear_viewer.clear()
        self.shutdown.case = None
        smear.session.case.close()
        smear.deleteLater()
        self.notices.settle(*OF_THE_SMEAR)
        garbage.take_up()

    def leave_smear(self) -> None:
        """Close the case and show the empty panel; the smear stays in the viewer."""
        self._leave()
        self.panel.show_session(False)
        self.panel.header.show_info(header_info(None))
        self.mode.update()

    def _on_smear_removed(self) -> None:
        """Close the case of a smear that the user removed from the layer list; nothing is lost."""
        self.leave_smear()
        self.queue.adopt()

    def leave(self) -> None:
        """End the work when the panel is closed; the smear stays in the viewer."""
        self.tasks.cancel_all()
        self._leave()
        self.mode.side_docks.unfold()
        self.gallery.store.close()
        self.docks.leave()
        self.overview.leave()
        self.finetune.close()
        self.shutdown()
        self.smear_viewer.leave()

    # commands -----------------------------------------------------------------------------------

    def do(self, binding: Binding) -> None:
        """Run a command of the window or of the open smear."""
        if self.mode.resting:
            return  # another smear is being opened
        if binding.act == "bare":
            self.held_key.begin(binding)
        elif not self.window_commands.press(binding) and self.smear is not None:
            self.smear.press(binding)

    def _on_tab(self, _index: int) -> None:
        shown = self.panel.tabs.currentWidget()
        if shown is self.panel.finetune_tab and self.panel.isVisible():
            self.finetune.look()
        elif shown is self.panel.model_tab and self.panel.isVisible():
            self.laboratory.look()

    def _on_model_changed(self) -> None:
        self.finetune.show_used(self.model_service.name)
        if self.smear is not None:
            self.smear.follow_model()

    def _on_edited_outside(self) -> None:
        self.notices.tell("The rings show what the case says: correct cells in the Review tab.")

    def _on_reviewer(self, _name: str) -> None:
        if self.smear is not None:
            self.smear.follow_reviewer()

    def _on_settings(self, wanted: settings.Settings) -> None:
        """Apply changed settings, from either page."""
        self.recent.follow(wanted)
        if self.smear is not None:
            self.smear.follow_settings(wanted)
