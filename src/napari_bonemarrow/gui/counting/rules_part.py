"""The choice of the counting profile in the Count tab."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QWidget

from napari_bonemarrow.cytology.lines import capital
from napari_bonemarrow.cytology.profiles import ListedProfile
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.widgets.controls import button
from napari_bonemarrow.gui.widgets.plain_text import set_tip

_FILTER = "Counting profiles (*.yaml *.yml)"
FROM_FILE = "A laboratory's file…"


@dataclass(frozen=True, slots=True)
class RulesInfo:
    """The counting profile of a case.

    Attributes
    ----------
    name : str
        Empty without a case.
    title : str
        Name and version.
    source : str
    refusal : str
        Why it cannot be changed; empty if it can.
    """

    name: str = ""
    title: str = ""
    source: str = ""
    refusal: str = ""


class RulesPart(QWidget):
    """The name of the counting profile, with a menu of the others."""

    chosen = Signal(str)
    """Emitted with the file of a profile."""
    opening = Signal()
    """Emitted before the menu is shown."""

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self.button = button("", role="link")
        self.menu = QMenu(self.button)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.opening)
        self.button.setMenu(self.menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addStretch(1)

    def show_info(self, info: RulesInfo) -> None:
        """Show the profile."""
        self._name = info.name
        self.button.setText(f"{_literal(info.name)} ▾")
        self.button.setAccessibleName(f"Counting rules: {info.name}")
        self.button.setEnabled(bool(info.name) and not info.refusal)
        why = info.refusal and f"{capital(info.refusal)}."
        set_tip(self.button, "\n".join(line for line in (info.title, info.source, why) if line))

    def show_profiles(self, profiles: Sequence[ListedProfile]) -> None:
        """Fill the menu; a file that is wrong is shown with the reason."""
        self.menu.clear()
        for each in profiles:
            if each.profile is None:
                action = existing(self.menu.addAction(f"{_literal(each.path.name)} cannot be used"))
                action.setEnabled(False)
                set_tip(action, each.error)
                continue
            action = existing(self.menu.addAction(_literal(each.profile.name)))
            action.setCheckable(True)
            action.setChecked(each.profile.name == self._name)
            action.setData(str(each.path))
            action.triggered.connect(self._choose(str(each.path)))
            set_tip(action, each.profile.source)
        self.menu.addSeparator()
        existing(self.menu.addAction(FROM_FILE)).triggered.connect(self._ask_for_file)

    def _choose(self, path: str) -> Callable[[], None]:
        def choose() -> None:
            self.chosen.emit(path)

        return choose

    def _ask_for_file(self, _checked: bool = False) -> None:
        chosen, _filter = QFileDialog.getOpenFileName(self, "Counting profile", str(Path.home()), _FILTER)
        if chosen:
            self.chosen.emit(chosen)


def _literal(name: str) -> str:
    """Return a name in which Qt underlines no letter."""
    return name.replace("&", "&&")
