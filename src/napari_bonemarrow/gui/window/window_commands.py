"""Acts of the window as a whole: opening, preparing, exporting, settings. The review has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.keys.bindings import Binding

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import Coordinator


class WindowActs(QObject):
    """Does what a key, a menu or a command of napari asks of the window.

    Parameters
    ----------
    coordinator : Coordinator
    """

    def __init__(self, coordinator: Coordinator) -> None:
        super().__init__(coordinator)
        self._coordinator = coordinator

    def press(self, binding: Binding) -> bool:
        """Do what a key stands for, if it is one of these; tell whether it was."""
        coordinator = self._coordinator
        acts = {
            "open_smear": coordinator.ask_for_smear,
            "open_folder": coordinator.ask_for_folder,
            "open_sample": coordinator.opening.open_sample,
            "find_cells": self.find_cells,
            "begin_review": coordinator.begin_review,
            "start_over": coordinator.starting_over.ask,
            "count": self.show_count,
            "export": lambda: coordinator.export(binding.argument),
            "settings": coordinator.edit_settings,
            "edit_keys": coordinator.edit_keys,
            "overview": coordinator.overview.toggle,
            "previous_field": lambda: coordinator.preparing.step_field(-1),
            "next_field": lambda: coordinator.preparing.step_field(1),
        }
        act = acts.get(binding.act)
        if act is not None:
            act()
        return act is not None

    def show_count(self) -> None:
        """Turn to the Count tab."""
        panel = self._coordinator.panel
        panel.tabs.setCurrentWidget(panel.count_tab)

    def find_cells(self) -> None:
        """Find the cells where the Slide tab offers it; else turn there and say what comes first."""
        panel = self._coordinator.panel
        tab = panel.slide_tab
        panel.tabs.setCurrentIndex(0)
        if tab.find_button.isEnabled() and tab.find_button.isVisible():
            tab.find_button.click()
        elif tab.confirm_button.isVisible():
            self._coordinator.notices.tell("Confirm the scale first: cells are found by their size.")
        elif tab.review_button.isVisible():
            self._coordinator.notices.tell("The cells are found: review them.")
        else:
            self._coordinator.notices.tell("The cells are being found, or this case is open to look at only.")
