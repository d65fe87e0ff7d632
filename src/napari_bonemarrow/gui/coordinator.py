"""The coordinator: brings case, engine, views and viewer together. None of them knows another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine, EngineStatus
from napari_bonemarrow.gui import describe, settings
from napari_bonemarrow.gui.analysis import Analysis
from napari_bonemarrow.gui.cell_menu import cell_menu
from napari_bonemarrow.gui.describe import Session
from napari_bonemarrow.gui.explaining import Explaining
from napari_bonemarrow.gui.key_mode import KeyMode
from napari_bonemarrow.gui.opening import Opening
from napari_bonemarrow.gui.reader import CASE_SUFFIX
from napari_bonemarrow.gui.review import Review
from napari_bonemarrow.gui.runner import Runner
from napari_bonemarrow.gui.stage import Stage, smear_path
from napari_bonemarrow.gui.viewmodels import ModelInfo
from napari_bonemarrow.gui.views.help_dialog import HelpDialog
from napari_bonemarrow.report import export
from napari_bonemarrow.slides import SUFFIXES

if TYPE_CHECKING:
    from napari_bonemarrow.gui.panel import BoneMarrowPanel

_NAMES = {"csv": "cells.csv", "json": "differential.json", "html": "report.html"}


class Coordinator(QObject):
    """One panel's work, from opening a smear to closing the window."""

    opened = Signal()
    analysed = Signal()
    model_loaded = Signal()
    failed = Signal(str)

    def __init__(self, viewer, panel: BoneMarrowPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self._queue: list[Path] = []
        self._refused = None
        self.session: Session | None = None
        self.engine = Engine()
        self.runner = Runner(self)
        self.stage = Stage(viewer, self)
        self.keys = KeyMode(panel)
        self.opening = Opening(self.runner, self.fail)
        self.analysis = Analysis(self.engine, self.runner, self.fail)
        tab = panel.review_tab
        self.explaining = Explaining(self.stage, tab, self.engine, self.runner, self.fail)
        self.review = Review(self.stage, tab, self.explaining, self.fail)
        self._connect_views()
        self._connect_parts()
        self._load_model()
        self._adopt_active()

    def _connect_views(self) -> None:
        panel, slide_tab = self.panel, self.panel.slide_tab
        for view in (panel.empty, slide_tab):
            view.open_requested.connect(self.ask_for_smear)
            view.sample_requested.connect(self.opening.open_sample)
        slide_tab.scale_confirmed.connect(self.confirm_scale)
        slide_tab.frame_changed.connect(self._on_frame)
        slide_tab.region_requested.connect(self._on_region_requested)
        slide_tab.find_requested.connect(self.find_cells)
        slide_tab.cancel_requested.connect(self.analysis.cancel)
        slide_tab.review_requested.connect(panel.show_review)
        panel.count_tab.export_requested.connect(self.ask_export)
        panel.header.reviewer_changed.connect(self._on_reviewer)
        panel.header.help_requested.connect(self.show_help)
        panel.tab_changed.connect(self._on_mode)

    def _connect_parts(self) -> None:
        self.opening.opened.connect(self._on_opened)
        self.opening.waiting.connect(self._on_waiting)
        self.opening.slide_missing.connect(self._on_slide_missing)
        self.opening.estimated.connect(self._on_estimated)
        self.opening.read_only.connect(lambda text: show_warning(f"{_line(text)} Opened read-only."))
        self.analysis.progressed.connect(self.panel.slide_tab.show_progress)
        self.analysis.stopped.connect(self._on_analysis_stopped)
        self.analysis.found.connect(self.show_slide_info)
        self.review.counted_anew.connect(self._on_counted_anew)
        self.review.cell_added.connect(self._classify_added)
        self.review.help_requested.connect(self.show_help)
        self.keys.pressed.connect(self.review.press)
        self.stage.smear_chosen.connect(self._on_smear_chosen)
        self.stage.smear_removed.connect(self._on_smear_removed)
        self.stage.edited_outside.connect(self._on_edited_outside)
        self.stage.region_changed.connect(self._on_region_drawn)
        self.stage.layers_changed.connect(self._on_mode)
        self.stage.menu_requested.connect(self._on_menu)

    # the engine -----------------------------------------------------------------------------------

    def _load_model(self) -> None:
        """Have the child load the bundle while the reviewer looks at the smear."""
        self.runner.wait_for(self.engine.load(), self._on_model, self._on_model_failed)

    def _on_model(self, status: EngineStatus) -> None:
        order = tuple((code, status.support[code]) for code in status.classes)
        info = ModelInfo(status.model.name, status.model.sha256, status.device, order)
        self.panel.model_tab.show_model(info)
        self.model_loaded.emit()

    def _on_model_failed(self, error: BoneMarrowError) -> None:
        self.panel.model_tab.show_model(ModelInfo("", "", "no device", (), describe.one_line(error)))
        self.fail(error)

    # opening --------------------------------------------------------------------------------------

    def ask_for_smear(self) -> None:
        """Let the user choose a file."""
        patterns = " ".join(f"*{suffix}" for suffix in (*SUFFIXES, CASE_SUFFIX))
        chosen, _filter = QFileDialog.getOpenFileName(
            self.panel, "Open a smear or a case", "", f"Smears and cases ({patterns});;All files (*)"
        )
        if chosen:
            self.open_path(Path(chosen))

    def open_path(self, path: Path) -> None:
        """Open a smear or a case."""
        self.opening.open(path)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open several; the first is the one under review, the others wait in the layer list."""
        self._queue = list(reversed(paths))
        self._open_next()

    def _open_next(self) -> None:
        if self._queue:
            self.open_path(self._queue.pop(0))

    def _on_waiting(self, text: str) -> None:
        self.panel.show_waiting(text)
        if not text:
            self._open_next()

    def _on_smear_chosen(self, layer) -> None:
        """Napari itself has opened a smear of ours, or the user chose another one of several."""
        if layer is not self._refused:
            self._refused = layer  # until it is open: a smear that cannot be is not tried over and over
            self.opening.open(smear_path(layer), layer)

    def _adopt_active(self) -> None:
        """Take up a smear that was open before the panel was."""
        smears = self.stage.smears()
        if smears:
            self._on_smear_chosen(smears[0])

    def _on_slide_missing(self, case_path: Path, name: str) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(self.panel, f"Where is {name}?", str(case_path.parent))
        if chosen:
            self.opening.open(case_path, slide_path=Path(chosen))

    def _on_opened(self, session: Session, layer) -> None:
        self._leave_session()
        self.session, self._refused = session, None
        self.stage.show_slide(session.slide, layer)
        self.review.open(session)
        self.panel.show_session(True)
        self.panel.header.show_info(describe.header_info(session))
        self.panel.slide_tab.show_idle()
        self.show_slide_info()
        self._on_mode()
        self.opened.emit()

    def _on_estimated(self, session: Session) -> None:
        if session is self.session:
            self.show_slide_info()

    def _leave_session(self) -> None:
        session, self.session = self.session, None
        if session is None:
            return
        self.analysis.cancel()
        self.keys.leave()
        self.review.close()
        self.stage.clear()
        session.case.close()

    def _on_smear_removed(self) -> None:
        """The user took the smear out of the layer list: its case is closed, nothing is lost."""
        self._leave_session()
        self.panel.show_session(False)
        self.panel.header.show_info(describe.header_info(None))
        self.panel.count_tab.show_differential(None)
        self._adopt_active()

    # the Slide tab --------------------------------------------------------------------------------

    def show_slide_info(self) -> None:
        """Show where the smear stands."""
        if self.session is not None:
            self.panel.slide_tab.show_info(describe.slide_info(self.session))

    def confirm_scale(self, value: float) -> None:
        """Take the scale that the reviewer confirmed."""
        session = self.session
        if session is None:
            return
        try:
            scale = describe.chosen_scale(session, value)
            session.case.confirm_scale(scale)
        except BoneMarrowError as error:
            self.fail(error)
            return
        session.slide = session.slide.with_scale(scale)
        self.stage.set_scale(scale.microns_per_pixel)
        self.stage.viewer.reset_view()
        self.show_slide_info()

    def _on_frame(self, margin_um: float, target: int) -> None:
        if self.session is not None:
            self.session.margin_um, self.session.target = margin_um, target
            self.show_slide_info()

    def _on_region_requested(self) -> None:
        if self.session is not None:
            self.keys.leave()
            self.stage.start_region(self.session.slide)

    def _on_region_drawn(self) -> None:
        session = self.session
        if session is not None and session.case.frame is None:
            session.region = self.stage.drawn_region()
            self.show_slide_info()

    def find_cells(self) -> None:
        """Find and classify; the same again later does what is missing."""
        if self.session is not None and not self.session.case.read_only:
            self.analysis.start(self.session)

    def _on_analysis_stopped(self) -> None:
        self.panel.slide_tab.show_idle()
        self.show_slide_info()
        if self.session is not None and describe.is_analysed(self.session.case):
            self.analysed.emit()

    def _classify_added(self) -> None:
        if not self.analysis.running:
            self.find_cells()

    # reviewing, counting --------------------------------------------------------------------------

    def _on_mode(self, *_ignored) -> None:
        """Our keys work while the Review tab is open, napari's at any other time."""
        if self.session is not None and self.panel.is_reviewing():
            self.keys.enter(self.stage.key_providers())
            self.stage.make_active()
        else:
            self.keys.leave()

    def _on_counted_anew(self) -> None:
        case = self.session.case
        counted = case.differential() if len(case.cells) else None
        self.panel.count_tab.show_differential(counted)

    def _on_edited_outside(self) -> None:
        show_info("The rings show what the case says: correct cells in the Review tab.")

    def _on_menu(self, x: float, y: float) -> None:
        cell = self.stage.overlay.nearest(x, y)
        if self.session is None or self.session.case.read_only:
            return
        self.review.select(cell, go=False)
        cell_menu(self.panel, self.review, (x, y))

    def _on_reviewer(self, name: str) -> None:
        settings.set_reviewer(name)
        if self.session is not None:
            self.session.case.reviewer = name
            self.panel.header.show_info(describe.header_info(self.session))

    def show_help(self) -> None:
        """Open the page of keys and classes."""
        HelpDialog(self.panel).show()

    # exporting ------------------------------------------------------------------------------------

    def ask_export(self, kind: str) -> None:
        """Let the user choose where to write."""
        if self.session is None:
            return
        case = self.session.case
        suggested = case.path.with_name(f"{self.session.slide.path.stem} {_NAMES[kind]}")
        chosen, _filter = QFileDialog.getSaveFileName(self.panel, "Export", str(suggested), f"*.{kind}")
        if chosen:
            self.export_to(kind, Path(chosen))

    def export_to(self, kind: str, path: Path) -> bool:
        """Write the cells (csv), the count (json) or the report (html)."""
        try:
            export(self.session.case, kind, path)
        except BoneMarrowError as error:
            self.fail(error)
            return False
        show_info(f"Written: {path}")
        return True

    # errors and the end ---------------------------------------------------------------------------

    def fail(self, error: BoneMarrowError) -> None:
        """Tell the user in one line; nothing is lost by it."""
        text = describe.one_line(error)
        show_error(text)
        self.failed.emit(text)

    def end(self) -> partial:
        """Return what ends the engine and closes the case without touching Qt: for when Qt is gone."""
        return partial(_end, self)

    def leave(self) -> None:
        """End the work: the panel was closed. The smear stays in the viewer."""
        self.runner.cancel_all()
        self.engine.close()
        self._leave_session()
        self.stage.leave()


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith(".") else f"{text}."


def _end(coordinator: Coordinator) -> None:
    coordinator.engine.close()
    if coordinator.session is not None:
        session, coordinator.session = coordinator.session, None
        session.case.close()
