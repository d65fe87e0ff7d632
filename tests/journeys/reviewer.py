"""Somebody who reviews a smear: real clicks and keys in a real window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.review import Case

LOADING, ANALYSING = 90_000, 90_000


class Reviewer:
    """Real clicks and keys in a real window."""

    def __init__(self, viewer, panel, qtbot) -> None:
        self.viewer, self.panel, self.qtbot = viewer, panel, qtbot
        self.controller = panel.controller
        self._qt = panel.window()._qt_viewer

    @property
    def case(self) -> Case:
        return self.controller.smear.session.case

    def open(self, path: Path, microns_per_pixel: float | None) -> None:
        with self.qtbot.waitSignal(self.controller.opened, timeout=LOADING):
            self.controller.open_path(path)
        if self.controller.smear.session.slide.microns_per_pixel is None:
            assert not self.panel.slide_tab.find_button.isEnabled()
            self.qtbot.waitUntil(lambda: not self.controller.smear.session.estimating, timeout=LOADING)
            self.panel.slide_tab.scale_box.setValue(microns_per_pixel)
            self.click_button(self.panel.slide_tab.confirm_button)

    def click_button(self, button) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def find(self) -> None:
        with self.qtbot.waitSignal(self.controller.smear.setup.analysed, timeout=ANALYSING):
            self.click_button(self.panel.slide_tab.find_button)
        self.click_button(self.panel.slide_tab.review_button)

    def press(self, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self._qt.canvas.native, key, modifier)

    def screen_place(self, x: float, y: float) -> QPoint:
        """Return where a point in level-0 pixels is on the canvas."""
        scale = self.controller.smear.session.slide.microns_per_pixel
        camera, native = self.controller.smear_viewer.camera, self._qt.canvas.native
        down, across = np.array([y, x]) * scale - np.array(camera.center[-2:])
        centre = native.rect().center()
        return QPoint(round(centre.x() + across * camera.zoom), round(centre.y() + down * camera.zoom))

    def wait_for_view(self) -> None:
        """Wait until the view has come to rest, and the canvas too: docks fold away in the review."""
        sizes = [None]

        def rests() -> bool:
            sizes.append(self._qt.canvas.native.size())
            return sizes[-1] == sizes[-2] and not self.controller.smear_viewer.view.glide.running

        self.qtbot.waitUntil(rests)

    def type(self, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the keyboard is, as Qt sees it."""
        self.qtbot.keyClick(QApplication.focusWidget() or self.panel.window(), key, modifier)

    def click_cell(self, cell_id: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        self.wait_for_view()
        place = self.screen_place(*self.controller.smear.review.shown_cell.place(cell_id))
        self.qtbot.mouseMove(self._qt.canvas.native, place)
        self.qtbot.mouseClick(self._qt.canvas.native, Qt.MouseButton.LeftButton, modifier, place)

    def hover(self, x: float, y: float) -> None:
        self.qtbot.mouseMove(self._qt.canvas.native, self.screen_place(x, y))

    def wait_for_screen(self) -> None:
        """Wait until the rings show what the case says."""
        layer = self.controller.smear_viewer.rings.layer
        self.qtbot.waitUntil(lambda: list(layer.features["class"]) == self.case.effective_codes())
