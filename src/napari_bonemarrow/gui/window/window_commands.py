"""Commands of the window as a whole: opening, preparing, exporting, settings. The open smear has its own."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.keys.bindings import Binding
from napari_bonemarrow.gui.setup.smear_opener import SmearOpener
from napari_bonemarrow.gui.widgets.notices import Notices
from napari_bonemarrow.gui.window.fresh_start import FreshStart
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel
from napari_bonemarrow.gui.window.smear_queue import SmearQueue
from napari_bonemarrow.gui.window.window_dialogs import WindowDialogs


class WindowCommands(QObject):
    """The window's commands from a key, a menu or a command of napari."""

    def __init__(
        self,
        panel: BoneMarrowPanel,
        queue: SmearQueue,
        opener: SmearOpener,
        fresh_start: FreshStart,
        dialogs: WindowDialogs,
        notices: Notices,
    ) -> None:
        super().__init__(panel)
        self._panel, self._notices, self._dialogs = panel, notices, dialogs
        self._acts: dict[str, Callable[[], None]] = {
            "open_smear": queue.ask_for_smear,
            "open_folder": queue.ask_for_folder,
            "open_sample": opener.open_sample,
            "find_cells": self.find_cells,
            "start_over": fresh_start.ask,
            "count": panel.show_count,
            "settings": dialogs.edit_settings,
            "edit_keys": dialogs.edit_keys,
            "help": dialogs.show_help,
        }

    def press(self, binding: Binding) -> bool:
        """Run the command of a key; return whether it is one of these."""
        if binding.act == "export":
            self._dialogs.export(binding.argument)
            return True
        act = self._acts.get(binding.act)
        if act is not None:
            act()
        return act is not None

    def find_cells(self) -> None:
        """Find the cells if the Slide tab allows it; else show the tab and the step that comes first."""
        tab = self._panel.slide_tab
        self._panel.tabs.setCurrentIndex(0)
        if tab.find_button.isEnabled() and tab.find_button.isVisible():
            tab.find_button.click()
        elif tab.confirm_button.isVisible():
            self._notices.tell("Confirm the scale first: cells are found by their size.")
        elif tab.review_button.isVisible():
            self._notices.tell("The cells are found: review them.")
        else:
            self._notices.tell("The cells are being found, or this case is open to look at only.")
