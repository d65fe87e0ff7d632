"""The menu of a right click on the smear."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QMenu, QWidget

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.gui.widgets.controls import swatch_icon

if TYPE_CHECKING:
    from napari_bonemarrow.gui.correction.review_controller import ReviewController


def cell_menu(parent: QWidget, review: ReviewController, place: tuple[float, float]) -> QMenu:
    """Open the menu at the mouse: a class, a tag, remove; or add where there is no cell."""
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    if review.selected is None:
        menu.addAction("Add a missed cell here", partial(review.add, place))
    else:
        session, cell = review.session, review.selected
        menu.addSection(f"Cell {cell}")
        classes = menu.addMenu("Class")
        for code, known in CLASSES.items():
            text = f"{code}  {known.name}\t{key_of('label', code)}"
            classes.addAction(swatch_icon(code), text, partial(review.label, code))
        tags = menu.addMenu("Tags")
        for tag, text in TAGS.items():
            action = tags.addAction(f"{text}\t{key_of('tag', tag)}", partial(review.tag, tag))
            action.setCheckable(True)
            action.setChecked(tag in session.case.tags.get(cell, frozenset()))
        menu.addAction("Take the label off\t0", partial(review.label, ""))
        menu.addAction(f"Accept this class in bulk…\t{key_of('bulk')}", review.accepting.ask)
        menu.addSeparator()
        menu.addAction(f"Split into two…\t{key_of('split')}", review.split)
        merge = menu.addAction(f"Join the selected cells\t{key_of('merge')}", review.split_merge.merge)
        merge.setEnabled(bool(review.marked))
        menu.addAction(f"Remove: no cell\t{key_of('remove')}", review.remove)
    menu.popup(QCursor.pos())
    return menu
