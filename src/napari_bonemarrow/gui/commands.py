"""The plugin's acts as napari's commands: for its command palette (Ctrl+Shift+P) and its menus (no Qt).

The manifest names each command as ``napari_bonemarrow.gui.commands:NAME``; the functions are made here from
the one table of acts, so that neither what there is nor what it is called stands in two places. napari does
nothing with the keys of a manifest, so the titles of commands name the keys as the user has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_bonemarrow.gui.keys.bindings import TABLE, Binding
from napari_bonemarrow.gui.window import panel_dock

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController

PREFIX = "napari-bonemarrow."
_OF_THE_REVIEW = ("label", "tag", "guess", "add", "bare")
"""Acts that mean the cell under the eye or the pointer: keys and buttons, nothing to look up in a list."""
_FREE = frozenset({"open_smear", "open_folder", "open_sample", "settings", "edit_keys", "help"})
_WITHOUT_CELLS = frozenset(
    {"find_cells", "start_over", "count", "tally", "tally_field", "previous_field", "next_field", "overview"}
)
_OF_A_CELL = frozenset(
    {"accept", "clear", "flag", "comment", "remove", "split", "merge"}
    | {"explain", "outline", "full_crop", "lookalikes", "select_class"}
)
_ELSEWHERE = frozenset(
    {*_FREE, *_WITHOUT_CELLS, "sign", "export", "begin_review", "gallery", "map", "inspector"}
)
"""Acts that turn to their own place; all others are done in the Review tab."""


def names() -> dict[str, Binding]:
    """Return the acts that are commands by the names of their commands."""
    acts = {act.name.replace(" ", "_"): act for act in TABLE.acts.values()}
    return {name: act for name, act in acts.items() if act.act not in _OF_THE_REVIEW}


def title(act: Binding, keys: tuple[str, ...] = ()) -> str:
    """Return what a command is called, with its keys if there are any."""
    text = act.text.partition(";")[0].removesuffix(": this page")
    return " · ".join(filter(None, (f"{text[0].upper()}{text[1:]}", " or ".join(keys))))


def __getattr__(name: str) -> Callable[[], None]:
    """Return the function of a command."""
    if name.startswith("_") or name not in names():
        raise AttributeError(name)

    def command() -> None:
        run(name)

    command.__name__ = command.__qualname__ = name
    command.__doc__ = title(names()[name])
    return command


def run(name: str) -> None:
    """Do a command: the panel is brought first; what is missing is said in one line.

    Parameters
    ----------
    name : str
        As in `names`.
    """
    viewer = panel_dock.viewer_with_window()
    if viewer is None:
        from napari.utils.notifications import show_info

        show_info("Open a window of napari first: there is none.")
        return
    panel, act = panel_dock.bring_panel(viewer), names()[name]
    controller = panel.controller
    problem = missing(controller, act.act)
    if problem:
        controller.notices.tell(problem)
        return
    if act.act not in _ELSEWHERE:
        panel.show_review()
    controller.do(act)


def missing(controller: AppController, act: str) -> str:
    """Say in one line what an act needs and what there is not, ``""`` where all is there."""
    if act in _FREE:
        return ""
    session = controller.session
    if session is None:
        return "Open a smear first: there is none yet."
    if act in _WITHOUT_CELLS:
        return ""
    if not len(session.case.cells):
        return "Find the cells first: the button is in the Slide tab."
    if act in _OF_A_CELL and controller.review.selected is None:
        return "Select a cell first: none is selected."
    return ""


def name_keys(application: Any = None) -> None:
    """Let napari's palette and menus name the keys of our commands as the user has them now.

    An app-model item cannot be changed, so each is replaced at its place. A version of app-model that keeps
    them in another way shows the titles of the manifest, without keys.

    Parameters
    ----------
    application : app_model.Application, optional
        napari's, where nothing is given.
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
    """Return a menu item with the keys of its command, or the same where it is none of ours."""
    command = getattr(item, "command", None)
    act = ours.get(getattr(command, "id", "").removeprefix(PREFIX))
    if act is None or not command.id.startswith(PREFIX):
        return item
    base = command.title.partition(" · ")[0]
    text = " · ".join(filter(None, (base, " or ".join(TABLE.keys_of(act.name)))))
    if text == command.title:
        return item
    return item.model_copy(update={"command": command.model_copy(update={"title": text})})
