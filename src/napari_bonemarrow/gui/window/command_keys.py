"""The keys of the plugin's commands in napari's palette and menus (no Qt)."""

from __future__ import annotations

from typing import Any

from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.keys.command_titles import names

PREFIX = "napari-bonemarrow."


def name_keys(application: Any = None) -> None:
    """Show the user's current keys of the plugin's commands in napari's palette and menus.

    An app-model item cannot be changed, so each is replaced in its place. A version of app-model that stores
    them differently shows the titles of the manifest, without keys.

    Parameters
    ----------
    application : app_model.Application, optional
        napari's by default.
    """
    if application is None:
        from napari_bonemarrow.gui.canvas.napari_compat import napari_application

        application = napari_application()
    if application is None:
        return
    menus, ours, changed = application.menus, names(), set()
    for menu, items in list(menus):
        if not isinstance(items, dict):
            return
        made = {_named(item, ours): None for item in items}
        if list(made) != list(items):
            items.clear()
            items.update(made)
            changed.add(menu)
    if changed:
        menus.menus_changed.emit(changed)


def _named(item: Any, ours: dict[str, Binding]) -> Any:
    """Return a menu item with the keys of its command, unchanged if it is not the plugin's."""
    command: Any = getattr(item, "command", None)
    act = ours.get(getattr(command, "id", "").removeprefix(PREFIX))
    if act is None or not command.id.startswith(PREFIX):
        return item
    base = command.title.partition(" · ")[0]
    text = " · ".join(filter(None, (base, " or ".join(TABLE.keys_of(act.name)))))
    if text == command.title:
        return item
    return item.model_copy(update={"command": command.model_copy(update={"title": text})})
