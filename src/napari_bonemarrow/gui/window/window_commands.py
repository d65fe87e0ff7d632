"""Acts of the window as a whole: opening, preparing, exporting, settings. The review has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.keys.bindings import Binding

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController


class WindowCommands(QObject):
    """Does what a key, a menu or a command of napari asks of the window.

    Parameters
    ----------
    controller : AppController
    """

    def __init__(self, controller: AppController) -> None:
        super().__init__(controller)
        self._controller = controller

    def press(self, binding: Binding) -> bool:
        """Do what a key stands for, if it is one of these; tell whether it was."""
        controller = self._controller
        acts = {
            "open_smear": controller.ask_for_smear,
            "open_folder": controller.ask_for_folder,
            "open_sample": controller.opener.open_sample,
            "find_cells": self.find_cells,
            "begin_review": controller.begin_review,
            "start_over": controller.fresh_start.ask,
            "count": self.show_count,
            "export": lambda: controller.export(binding.argument),
            "settings": controller.edit_settings,
            "edit_keys": controller.edit_keys,
            "overview": controller.overview.toggle,
            "previous_field": lambda: controller.setup.step_field(-1),
            "next_field": lambda: controller.setup.step_field(1),
        }
        act = acts.get(binding.act)
        if act is not None:
            act()
        return act is not None

    def show_count(self) -> None:
        """Turn to the Count tab."""
        panel = self._controller.panel
        panel.tabs.setCurrentWidget(panel.count_tab)

    def find_cells(self) -> None:
        """Find the cells where the Slide tab offers it; else turn there and say what comes first."""
        panel = self._controller.panel
        tab = panel.slide_tab
        panel.tabs.setCurrentIndex(0)
        if tab.find_button.isEnabled() and tab.find_button.isVisible():
            tab.find_button.click()
        elif tab.confirm_button.isVisible():
            self._controller.notices.tell("Confirm the scale first: cells are found by their size.")
        elif tab.review_button.isVisible():
            self._controller.notices.tell("The cells are found: review them.")
        else:
            self._controller.notices.tell("The cells are being found, or this case is open to look at only.")
