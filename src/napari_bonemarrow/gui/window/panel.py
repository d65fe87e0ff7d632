"""The dock widget *Bone marrow*."""

from __future__ import annotations

from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import QSizePolicy, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.counting.count_tab import CountTab
from napari_bonemarrow.gui.finetune.finetune_tab import FinetuneTab
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.model.model_tab import ModelTab
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.shell.busy_cover import BusyCover
from napari_bonemarrow.gui.shell.header import HeaderView
from napari_bonemarrow.gui.shell.welcome import WelcomeView
from napari_bonemarrow.gui.widgets.controls import scrolled
from napari_bonemarrow.gui.widgets.notice_strip import NoticeStrip
from napari_bonemarrow.gui.widgets.reviewer_name_part import ReviewerNamePart
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors

WIDTH = 424


class BoneMarrowPanel(QWidget):
    """The panel with header and tabs; its controller does the work.

    Parameters
    ----------
    napari_viewer : Viewer
    """

    tab_changed = Signal(int)
    hidden = Signal()
    closed = Signal()
    """Emitted when the dock was closed."""
    colors_changed = Signal(object)  # ThemeColors

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.setObjectName("bone-marrow-panel")
        self._viewer = napari_viewer
        self._docked = self._left = False
        self.header, self.notices, self.welcome = HeaderView(), NoticeStrip(), WelcomeView()
        self.busy, self.name_part = BusyCover(), ReviewerNamePart()
        self.slide_tab, self.review_tab = SlideTab(), ReviewTab()
        self.count_tab, self.model_tab, self.finetune_tab = CountTab(), ModelTab(), FinetuneTab()
        self.tabs = QTabWidget()
        existing(self.tabs.tabBar()).setAccessibleName("Slide, Review, Count, Model, Fine-tune")
        self.tabs.addTab(scrolled(self.slide_tab), "Slide")
        self.tabs.addTab(self.review_tab, "Review")
        self.tabs.addTab(self.count_tab, "Count")
        self.tabs.addTab(self.model_tab, "Model")
        self.tabs.addTab(self.finetune_tab, "Fine-tune")
        self.tabs.currentChanged.connect(self.tab_changed)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.tabs)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (self.header, self.notices, self.busy, self.name_part):
            layout.addWidget(part)
        layout.addWidget(self.pages, 1)
        self.setMinimumWidth(WIDTH)
        # Else napari adds a stretch below, larger with every dock of the session, which squeezes the tabs.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._follow_theme()
        napari_viewer.events.theme.connect(self._follow_theme)

    def sizeHint(self) -> QSize:
        """Return the width that the inspector needs, so that most room is left for the smear."""
        return QSize(WIDTH, 600)

    def show_session(self, is_open: bool) -> None:
        """Show the tabs, or the invitation to open a smear."""
        self.pages.setCurrentWidget(self.tabs if is_open else self.welcome)

    def show_review(self) -> None:
        """Show the Review tab."""
        self.tabs.setCurrentWidget(self.review_tab)

    def show_count(self) -> None:
        """Show the Count tab."""
        self.tabs.setCurrentWidget(self.count_tab)

    def show_waiting(self, text: str) -> None:
        """Show what is being opened and disable the previous smear."""
        shown = self.pages.currentWidget() is self.tabs
        self.welcome.show_waiting(text)
        self.busy.show_text(text if shown else "")
        self.tabs.setEnabled(not text)
        if text:
            self.setCursor(Qt.CursorShape.BusyCursor)
        else:
            self.unsetCursor()

    @property
    def shows_review(self) -> bool:
        """Return whether the Review tab is shown."""
        return self.tabs.currentWidget() is self.review_tab

    @property
    def shows_count(self) -> bool:
        """Return whether the user sees the Count tab."""
        shown = self.isVisible() and self.pages.currentWidget() is self.tabs
        return shown and self.tabs.currentWidget() is self.count_tab

    def is_reviewing(self) -> bool:
        """Return whether the user sees the Review tab, or the tally of the Count tab."""
        if self.shows_count:
            return self.count_tab.tallying
        return self.isVisible() and self.pages.currentWidget() is self.tabs and self.shows_review

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Release the keys while the panel is hidden or behind another dock."""
        super().hideEvent(event)
        self.hidden.emit()
        self.tab_changed.emit(-1)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take over the keys again."""
        super().showEvent(event)
        self.tab_changed.emit(self.tabs.currentIndex())

    def event(self, event: QEvent | None) -> bool:
        """Detect the dock's ✕, which sends no close event: napari removes the panel from its dock."""
        if existing(event).type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked and not self._left:
                self._left = True
                self._viewer.events.theme.disconnect(self._follow_theme)
                self.closed.emit()
                self.deleteLater()
        return super().event(event)

    def _follow_theme(self, _event: object = None) -> None:
        colors = theme_colors(str(self._viewer.theme))
        self.setStyleSheet(stylesheet(colors))
        for view in (self.header, self.review_tab, self.count_tab, self.finetune_tab):
            view.set_colors(colors)
        self.colors = colors
        self.colors_changed.emit(colors)
