"""The plugin's commands in napari: for its command palette (Ctrl+Shift+P) and its menus (no Qt).

The manifest names each command as ``napari_bonemarrow.gui.window.commands:NAME``; the functions are made here
from the table of acts, so that neither the list nor the titles exist twice. napari
ignores the keys of a manifest, so the titles of commands contain the user's keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_bonemarrow.gui.keys.command_titles import names, title
from napari_bonemarrow.gui.window import panel_dock

if TYPE_CHECKING:
    from napari_bonemarrow.gui.window.app_controller import AppController

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
"""Acts that show their own view; all others are done in the Review tab."""


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
    """Run a command after showing the panel; a missing requirement is reported in one line.

    Parameters
    ----------
    name : str
        A name in `names`.
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
    """Return in one line the missing requirement of an act, ``""`` if none."""
    if act in _FREE:
        return ""
    smear = controller.smear
    if smear is None:
        return "Open a smear first: there is none yet."
    if act in _WITHOUT_CELLS:
        return ""
    if not len(smear.session.case.cells):
        return "Find the cells first: the button is in the Slide tab."
    if act in _OF_A_CELL and smear.review.selection.current is None:
        return "Select a cell first: none is selected."
    return ""
