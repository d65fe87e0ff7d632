"""The review mode: when the plugin's keys are active, and the room for the smear meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.canvas.smear_viewer import SmearViewer
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.keys.bindings import COUNT_ACTS
from napari_bonemarrow.gui.keys.key_filter import KeyFilter
from napari_bonemarrow.gui.shell.side_docks import SideDocks
from napari_bonemarrow.gui.window.open_smear import OpenSmear
from napari_bonemarrow.gui.window.panel import BoneMarrowPanel


class ReviewMode(QObject):
    """The plugin's keys while the Review tab is shown, those of the count in the Count tab, else napari's.

    Parameters
    ----------
    panel : BoneMarrowPanel
    smear_viewer : SmearViewer
    selection : Selection
    keys : KeyFilter
    smear : callable
        Returns the open smear, or None.
    """

    def __init__(
        self,
        panel: BoneMarrowPanel,
        smear_viewer: SmearViewer,
        selection: Selection,
        keys: KeyFilter,
        smear: Callable[[], OpenSmear | None],
    ) -> None:
        super().__init__(panel)
        self._panel, self._smear_viewer, self._keys, self._smear = panel, smear_viewer, keys, smear
        self._selection = selection
        self.side_docks = SideDocks(panel)
        self.resting = False
        """Whether another smear is being opened, so that the open one is disabled."""
        panel.tab_changed.connect(self.update)
        panel.tab_changed.connect(self._on_tab)
        smear_viewer.layers_changed.connect(self.update)

    def rest(self, text: str) -> None:
        """Show what is being opened, and disable everything meanwhile; ``""`` ends that."""
        self.resting = bool(text)
        self._panel.show_waiting(text)
        self._smear_viewer.mouse.rests = self.resting
        self.update()

    def update(self, *_ignored: object) -> None:
        """Update the mode to the shown tab.

        While cells are counted by eye, the smear shows none of the model's guesses.
        """
        smear = self._smear()
        self._smear_viewer.hide_model(smear is not None and smear.counting.tally.on)
        if smear is not None and self._panel.is_reviewing() and not self.resting:
            self._keys.enter()
            self._smear_viewer.make_active()
        elif smear is not None and self._panel.shows_count and not self.resting:
            self._keys.enter(COUNT_ACTS)
        else:
            self._keys.leave()
        self._make_room()

    def _make_room(self) -> None:
        """Hide napari's layer controls during review, but not during a tally at the microscope."""
        if self.resting:
            return  # they would appear and disappear within a second
        is_open = self._smear() is not None
        if is_open and self._panel.is_reviewing() and self._panel.shows_review:
            self.side_docks.fold()
        elif not is_open or self._panel.isVisible():  # a dock that is being moved is hidden for a moment
            self.side_docks.unfold()

    def _on_tab(self, index: int) -> None:
        """Reduce a selection that is no longer visible to the current cell; -1 is a panel hidden or moved."""
        if index >= 0 and not self._panel.shows_review:
            self._selection.keep_one()
