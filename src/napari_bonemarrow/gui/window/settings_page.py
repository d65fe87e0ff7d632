"""The settings on a page of napari's Preferences, if napari has pages for plugins (0.9 and later).

The plugin's settings are authoritative: the page shows them, and its changes are applied at once or, if
no panel was open, as soon as one is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.destruction import when_destroyed
from napari_bonemarrow.gui.core.plugin_names import PLUGIN
from napari_bonemarrow.gui.core.timers import single_shot

PAGE = "window"
"""Name of the page in the manifest."""
_BEGIN_MS = 1000
_SEEN = "page"
"""Name under which the page's last values are stored with the settings."""


class SettingsPage(QObject):
    """Synchronisation of page and settings while a panel is open.

    Parameters
    ----------
    parent : QObject
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._page: Any = None
        self._begun = False
        # napari reads every plugin's manifest again for its first page: not before the panel is visible.
        self._timer = single_shot(self, _BEGIN_MS, self.begin)
        self._timer.start()

    def begin(self) -> None:
        """Begin to follow the page, if this has not been done yet."""
        if self._begun:
            return
        self._begun = True
        self._timer.stop()
        self._page = napari_page()
        if self._page is None:
            return
        self._take_what_was_changed()
        self._show(settings.load())
        self._page.events.connect(self._on_page)
        settings.told.changed.connect(self._show)
        when_destroyed(self, _leaving(self._page, self._on_page, self._show))

    def _take_what_was_changed(self) -> None:
        """Apply changes made on the page while no panel was open."""
        seen = settings.kept(_SEEN)
        seen = seen if isinstance(seen, dict) else {}
        now = _values(self._page)
        changed = {name: value for name, value in now.items() if name in seen and seen[name] != value}
        if changed:
            settings.change(**changed)

    def _show(self, wanted: settings.Settings) -> None:
        """Show the settings on the page."""
        for name, value in _values(self._page).items():
            if value != getattr(wanted, name):
                setattr(self._page, name, getattr(wanted, name))
        if settings.kept(_SEEN) != _values(self._page):
            settings.keep(_SEEN, _values(self._page))

    def _on_page(self, _event: object = None) -> None:
        """Apply a change on the page."""
        settings.change(**_values(self._page))
        settings.keep(_SEEN, _values(self._page))


def napari_page() -> Any:
    """Return napari's own model of the page, None if this version has no pages for plugins."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return None
    try:
        return getattr(get_plugin_settings(PLUGIN), PAGE)
    except (KeyError, AttributeError):  # the manifest is read by an npe2 without pages
        return None


def _values(page: Any) -> dict[str, Any]:
    names = type(page).model_fields
    return {name: getattr(page, name) for name in names if name in settings.Settings.model_fields}


def _leaving(page: Any, on_page: Callable[..., None], on_settings: Callable[..., None]) -> Callable[[], None]:
    """Return a function that ends the two connections without the deleted object."""

    def leave() -> None:
        page.events.disconnect(on_page)
        settings.told.changed.disconnect(on_settings, missing_ok=True)

    return leave
