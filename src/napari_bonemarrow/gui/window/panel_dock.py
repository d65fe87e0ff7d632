"""The panel's dock in napari's window, and the fit of the window to the screen."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from napari_bonemarrow.gui.core.plugin_names import PLUGIN, WIDGET

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from qtpy.QtCore import QRect
    from qtpy.QtWidgets import QWidget

    from napari_bonemarrow.gui.window.plugin import DockedPanel

_FRAME = (12, 40)
"""Assumed width and height of a window manager's frame, before they are known."""
_SETTLE_MS = 200
"""Time for the window manager to add its frame to a window."""


def bring_panel(viewer: Viewer) -> DockedPanel:
    """Dock the panel, or show it if it is docked already."""
    panel: DockedPanel
    dock, panel = viewer.window.add_plugin_dock_widget(PLUGIN, WIDGET)
    dock.show()
    dock.raise_()
    window = panel.window()
    if window is not None:
        keep_on_screen_soon(window)
    return panel


def viewer_with_window() -> Viewer | None:
    """Return the viewer whose window is in use, or None, as in a script."""
    qt = sys.modules.get("qtpy.QtWidgets")
    if qt is None or qt.QApplication.instance() is None or "napari" not in sys.modules:
        return None
    from napari.viewer import current_viewer

    return current_viewer()


def bring_panel_soon() -> None:
    """Dock the panel once napari has shown its new layers, if it has a window."""
    if _on_window_thread():
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, bring_panel_now)


def bring_panel_now() -> None:
    """Dock the panel, if napari has a window."""
    viewer = viewer_with_window()
    if viewer is not None and _on_window_thread():
        bring_panel(viewer)


def _on_window_thread() -> bool:
    """Return whether napari has a window that may be used from this thread."""
    if viewer_with_window() is None:
        return False
    from qtpy.QtCore import QThread

    from napari_bonemarrow.gui.core.qt_objects import application

    return QThread.currentThread() is application().thread()


def size_on_screen(wanted: tuple[int, int]) -> tuple[int, int]:
    """Return the wanted width and height of a window, limited to the screen, in screen pixels."""
    from qtpy.QtWidgets import QApplication

    from napari_bonemarrow.gui.core.qt_objects import existing

    room = existing(QApplication.primaryScreen()).availableSize()
    return min(wanted[0], room.width() - _FRAME[0]), min(wanted[1], room.height() - _FRAME[1])


def keep_on_screen_soon(window: QWidget) -> None:
    """Fit a window into its screen, once the window manager has added its frame."""
    from napari_bonemarrow.gui.core.timers import single_shot

    timer = single_shot(window, _SETTLE_MS, partial(_keep, ref(window)))  # keeps no window alive
    timer.timeout.connect(timer.deleteLater)
    timer.start()


def _keep(window: ref[QWidget]) -> None:
    there = window()
    if there is not None:
        keep_on_screen(there)


def keep_on_screen(window: QWidget) -> None:
    """Shrink a window that is larger than its screen, and move it inside the edges."""
    if not window.isVisible() or window.isMaximized() or window.isFullScreen():
        return
    from napari_bonemarrow.gui.core.qt_objects import existing

    available, frame = existing(window.screen()).availableGeometry(), window.frameGeometry()
    if available.contains(frame):
        return
    around = frame.size() - window.size()
    room = available.size() - around
    window.resize(window.size().boundedTo(room))
    _move_inside(window, available)


def _move_inside(window: QWidget, available: QRect) -> None:
    frame = window.frameGeometry()
    x = max(available.left(), min(frame.left(), available.right() + 1 - frame.width()))
    y = max(available.top(), min(frame.top(), available.bottom() + 1 - frame.height()))
    if (x, y) != (frame.left(), frame.top()):
        window.move(x, y)
