"""The menu of a right click on the smear."""

from __future__ import annotations

from functools import partial

from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QMenu, QWidget

from napari_bonemarrow.cytology import CLASSES, TAGS
from napari_bonemarrow.gui.core.qt_objects import existing
from napari_bonemarrow.gui.core.selection import Selection
from napari_bonemarrow.gui.correction.bulk_accept import BulkAccept
from napari_bonemarrow.gui.correction.corrections import Corrections
from napari_bonemarrow.gui.correction.split_merge import SplitMerge
from napari_bonemarrow.gui.keys.bindings import key_of
from napari_bonemarrow.gui.widgets.controls import swatch_icon


def cell_menu(
    parent: QWidget,
    selection: Selection,
    corrections: Corrections,
    split_merge: SplitMerge,
    bulk_accept: BulkAccept,
    place: tuple[float, float],
) -> QMenu:
    """Open the menu at the mouse: a class, a tag, remove; or add if there is no cell."""
    menu, cell = QMenu(parent), selection.current
    menu.aboutToHide.connect(menu.deleteLater)
    if cell is None:
        menu.addAction("Add a missed cell here", partial(corrections.add, place))
    else:
        menu.addSection(f"Cell {cell}")
        classes = existing(menu.addMenu("Class"))
        for code, known in CLASSES.items():
            text = f"{code}  {known.name}\t{key_of('label', code)}"
            classes.addAction(swatch_icon(code), text, partial(corrections.label, code))
        tags = existing(menu.addMenu("Tags"))
        for tag, text in TAGS.items():
            action = existing(tags.addAction(f"{text}\t{key_of('tag', tag)}", partial(corrections.tag, tag)))
            action.setCheckable(True)
            action.setChecked(tag in corrections.session.case.tags.get(cell, frozenset()))
        menu.addAction(f"Take the label off\t{key_of('clear')}", partial(corrections.label, ""))
        menu.addAction(f"Accept this class in bulk…\t{key_of('bulk')}", bulk_accept.ask)
        menu.addSeparator()
        menu.addAction(f"Split into two…\t{key_of('split')}", split_merge.split)
        merge = menu.addAction(f"Join the selected cells\t{key_of('merge')}", split_merge.merge)
        existing(merge).setEnabled(bool(selection.others))
        menu.addAction(f"Remove: no cell\t{key_of('remove')}", corrections.remove)
    menu.popup(QCursor.pos())
    return menu
