"""The controller of the Count tab: the differential, the readers, the signature, the tally."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.session import Session
from napari_bonemarrow.gui.core.smear_part import SmearPart
from napari_bonemarrow.gui.correction.case_sync import CellsChanged
from napari_bonemarrow.gui.correction.review_controller import ReviewController
from napari_bonemarrow.gui.counting.count_tab import CountTab
from napari_bonemarrow.gui.counting.rules_choice import RulesChoice
from napari_bonemarrow.gui.counting.sample_choice import SampleChoice
from napari_bonemarrow.gui.counting.second_reader import SecondReader
from napari_bonemarrow.gui.counting.sign_off import SignOff
from napari_bonemarrow.gui.counting.tally_controller import TallyController
from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.widgets.notices import Notices
from napari_bonemarrow.report.exchange.clipboard import clipboard_table
from napari_bonemarrow.report.page.basis import basis_text
from napari_bonemarrow.review import EVENT_SPECS, Change, EventKind, Topic

_SAMPLE_MS = 60
"""Time after an act until a sample is counted again."""
_ADJUST_MS = 400
"""Time after the last act until a count is adjusted by the model's errors, which takes about 0.1 s."""


class CountController(SmearPart):
    """The controller of the Count tab.

    While the tab is hidden nothing is counted: a key in the review must not wait for invisible figures. They
    are updated before the tab is shown.

    Parameters
    ----------
    session : Session
    tab : CountTab
    tabs : QTabWidget
        The widget that contains the tab.
    review : ReviewController
    parent : QObject
    """

    keys_wanted = Signal()
    reader_changed = Signal()
    """Emitted when the reader has changed, or the case was signed or opened for changes."""
    review_wanted = Signal()
    """Emitted when there are other cells to review."""

    def __init__(
        self,
        session: Session,
        tab: CountTab,
        tabs: QTabWidget,
        review: ReviewController,
        parent: QObject,
    ) -> None:
        super().__init__(session, parent)
        self.tab, self._tabs, self._review = tab, tabs, review
        self._came_from: QWidget | None = None
        self._stale = True
        self._soon = self.timer(_SAMPLE_MS, self.refresh)
        self._idle = self.timer(_ADJUST_MS, self._adjust)
        self._model: Differential | None = None
        self._counted: Differential | None = None
        self.sign_off = SignOff(session, tab.sign, review.acts, self)
        self.readers = SecondReader(
            session, tab.readers, review.selection, review.acts.reviewer, review.acts, self
        )
        self.tally = TallyController(session, tab, review.acts, self)
        self.sign_off.waits.connect(review.learning.hold)
        self.rules = RulesChoice(session, tab.rules, review.acts, self)
        self.sample = SampleChoice(session, tab.sample, review, self)
        self.sample.review_wanted.connect(self.review_wanted)
        review.sample_progress.estimated.connect(self._on_estimated)
        self.tally.switched.connect(self._on_tally_switched)
        self.readers.settling.connect(self._on_settling)
        self.readers.reader_changed.connect(self.reader_changed)
        self.follow(tab.shown, self._on_shown)
        self.follow(tab.copy_requested, self.copy_table)
        self.follow(session.case.changed, self._on_changed)
        review.case_sync.cells_changed.connect(self._on_cells_changed)
        self.refresh()

    def close(self) -> None:
        """Show an empty count."""
        super().close()
        self.tab.show_differential(None)

    def press(self, binding: Binding) -> bool:
        """Run the command of a key; return whether it belongs to the Count tab."""
        acts = {"sign": self._sign, "tally": self._toggle_tally, "copy_count": self.copy_table}
        if binding.act in acts:
            acts[binding.act]()
            return True
        return self.tally.press(binding)

    def _sign(self) -> None:
        """Show the count to sign, and ask for the signature."""
        self.tab.tally_button.setChecked(False)
        self._tabs.setCurrentWidget(self.tab)
        self.sign_off.ask()

    def copy_table(self) -> None:
        """Copy the count to the clipboard, as lines of cells separated by tabs."""
        case = self.session.case
        if case.frame is None:
            Notices.tell("Nothing is counted yet, so there is nothing to copy.")
            return
        existing(QGuiApplication.clipboard()).setText(clipboard_table(case.differential(), case.distrust))
        Notices.tell("The count is copied: paste it into a spreadsheet or a form.")

    def _toggle_tally(self) -> None:
        """Show the manual tally, or return to the previous tab."""
        tabs = self._tabs
        if self.tally.on:
            self.tab.tally_button.setChecked(False)
            tabs.setCurrentWidget(self._came_from or self.tab)
            self._came_from = None
            return
        self._came_from = tabs.currentWidget()
        tabs.setCurrentWidget(self.tab)
        self.tab.tally_button.setChecked(True)

    def _on_settling(self) -> None:
        """Narrow the work list to the disagreements, and go to the first."""
        self._tabs.setCurrentWidget(self._review.tab)
        self._review.case_sync.settle()  # the cells are shown with both readers' classes
        self._review.worklist.narrow(disagreement=True)
        self._review.navigation.next()

    def refresh(self) -> None:
        """Update the visible tab; nothing is counted while it is hidden."""
        self._stale = not self.tab.isVisible()
        if self._stale:
            return
        counted = self._count()
        basis = "" if counted is None else capital(basis_text(self.session.case, counted))
        self.tab.show_differential(counted, self._model_count(counted), basis)
        self._counted = counted
        if counted is not None and counted.adjust is not None:
            self._idle.start()
        self.rules.show()
        self.sample.show()
        self.sign_off.show(counted)
        self.readers.show(counted)
        self.tally.show()

    def _adjust(self) -> None:
        """Show the adjusted count once no act has come for a while."""
        if self._counted is not None and self.tab.isVisible():
            self.tab.show_adjusted(self._counted.adjusted)

    def _count(self) -> Differential | None:
        if not len(self.session.case.cells):
            return None
        return self.session.case.differential()

    def _model_count(self, counted: Differential | None) -> Differential | None:
        """Return the model's own count; hidden in a blind reading."""
        case = self.session.case
        if counted is None or case.is_blind or case.predictions is None:
            return None
        if self._model is None:
            self._model = case.statistics.model_differential()
        return self._model

    def _on_cells_changed(self, changed: CellsChanged) -> None:
        if changed.ids is None or changed.reshaped:
            self._model = None
        self.readers.follow_settling()
        case = self.session.case
        if case.sample.in_progress and not case.is_signed and self.tab.isVisible():
            self._soon.start()  # an estimate takes longer than a key may
        else:
            self.refresh()

    def _on_estimated(self) -> None:
        if self.tab.isVisible():
            self.sample.show()

    def _on_changed(self, change: Change) -> None:
        """Follow changes that do not concern cells."""
        topic = EVENT_SPECS[change.act].topic
        if topic is Topic.TALLY:
            self.tally.show()
        elif topic is Topic.SIGNATURES:
            self._review.case_sync.refresh()  # which controls can still be edited
            self.reader_changed.emit()
        elif topic is Topic.COUNTING:
            self.session.target = self.session.case.target
            self._model = None
            self.refresh()
        elif topic in (Topic.READINGS, Topic.SAMPLE) or change.act == EventKind.FRAME_SET:
            self._model = None
            self.refresh()

    def _on_shown(self) -> None:
        if self._stale:
            self.refresh()

    def _on_tally_switched(self, _on: bool) -> None:
        self.keys_wanted.emit()
