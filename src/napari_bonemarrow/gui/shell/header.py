"""The line above the tabs: case, reviewer, saved state."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QMenu, QPushButton, QWidget

from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.gui.core.case_info import HeaderInfo
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.keys.bindings import TABLE
from napari_bonemarrow.gui.keys.command_titles import title
from napari_bonemarrow.gui.shell.recent_cases import RecentCase
from napari_bonemarrow.gui.widgets.controls import button, label
from napari_bonemarrow.gui.widgets.plain_text import set_tip
from napari_bonemarrow.gui.widgets.theme import ThemeColors


class HeaderView(QWidget):
    """The header with case, reviewer, saved state and disclaimer."""

    name_wanted = Signal()
    help_requested = Signal()
    act_requested = Signal(str)
    recent_chosen = Signal(str)
    recent_cleared = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._info = HeaderInfo("", "", "")
        self.case_label = label(wrap=False, role="title")
        self.reviewer_button = button(
            "", "link", "Who reviews: stored with every correction. Click to change."
        )
        self.saved_label = label(wrap=False)
        self.disclaimer = label(RESEARCH_USE, "quiet", wrap=False)
        self.banner = label(role="title")
        self.banner.hide()
        self.help_button = button("?", tip="Keys and classes")
        self.help_button.setFixedWidth(28)
        self.help_button.clicked.connect(self.help_requested)
        self.reviewer_button.clicked.connect(self.name_wanted)
        layout = QGridLayout(self)
        layout.setContentsMargins(8, 6, 8, 2)
        layout.setVerticalSpacing(2)
        layout.addWidget(self.case_label, 0, 0)
        layout.addWidget(self.reviewer_button, 0, 1)
        layout.addWidget(self.saved_label, 0, 2, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.help_button, 0, 3, 2, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._menu_part(), 0, 4, 2, 1, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.disclaimer, 1, 0, 1, 3)
        layout.addWidget(self.banner, 2, 0, 1, 5)
        layout.setColumnStretch(0, 1)
        self.show_info(self._info)

    def _menu_part(self) -> QPushButton:
        self.menu_button = button("☰", tip="Menu: open, cases opened last, settings, keys")
        self.menu_button.setFixedWidth(28)
        self.menu_button.setProperty("role", "menu")
        self.menu = QMenu(self.menu_button)
        for act in ("open_smear", "open_folder"):
            self._add_act(act)
        self.recent_menu = existing(self.menu.addMenu("Opened last"))
        self.recent_menu.setEnabled(False)
        self.menu.addSeparator()
        for act in ("settings", "edit_keys", "help"):
            self._add_act(act)
        self.menu_button.setMenu(self.menu)
        return self.menu_button

    def _add_act(self, act: str) -> None:
        made = existing(self.menu.addAction(title(TABLE.acts[act])))
        made.triggered.connect(lambda: self.act_requested.emit(act))

    def show_recent(self, cases: Sequence[RecentCase]) -> None:
        """Show the recent cases."""
        self.recent_menu.clear()
        self.recent_menu.setEnabled(bool(cases))
        for case in cases:
            made = existing(self.recent_menu.addAction(case.text.replace("&", "&&")))
            made.setEnabled(not case.missing)
            set_tip(made, case.path)
            made.triggered.connect(partial(self.recent_chosen.emit, case.path))
        self.recent_menu.addSeparator()
        self.recent_menu.addAction("Clear this list", self.recent_cleared.emit)

    def show_info(self, info: HeaderInfo) -> None:
        """Show the open case, or that none is open."""
        self._info = info
        metrics = self.case_label.fontMetrics()
        name = info.case or "No smear open"
        self.case_label.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, 190))
        set_tip(self.case_label, name)
        self.reviewer_button.setText(info.reviewer)
        self.reviewer_button.setVisible(bool(info.case))
        self.saved_label.setText(info.saved)

    def show_banner(self, text: str) -> None:
        """Show a state of the case, such as a blind reading, above every tab; ``""`` shows nothing."""
        self.banner.setText(text)
        set_tip(self.banner, text)
        self.banner.setVisible(bool(text))

    def set_colors(self, colors: ThemeColors) -> None:
        """Set the colours of the theme."""
        self.saved_label.setStyleSheet(f"color: {colors.warning if self._info.read_only else colors.good};")
