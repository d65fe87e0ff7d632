"""The menu of a right click on the smear."""

from __future__ import annotations

from qtpy.QtWidgets import QMenu

from napari_bonemarrow.gui.keys.bindings import TABLE


def _menu(panel, x: float, y: float) -> dict[str, str]:
    """Return what the menu at a place offers, and the key that it names for each."""
    panel.controller.smear_viewer.mouse.menu_requested.emit(x, y)
    [menu] = [each for each in panel.review_tab.findChildren(QMenu) if each.isVisible()]
    texts = [action.text().split("\t") for action in menu.actions() if "\t" in action.text()]
    menu.close()
    return dict(texts)


def test_the_menu_names_the_keys_as_they_are_now(analysed):
    _viewer, panel = analysed
    cells = panel.controller.smear.session.case.cells
    place = float(cells.x[0]), float(cells.y[0])
    assert _menu(panel, *place)["Take the label off"] == "0"
    try:
        TABLE.set_keys("clear", ["Ctrl+J"])
        TABLE.set_keys("remove", [])
        offered = _menu(panel, *place)
    finally:
        TABLE.reset_all()
    assert offered["Take the label off"] == "Ctrl+J"
    assert offered["Remove: no cell"] == ""
