"""The count on the clipboard, by button and by key."""

from __future__ import annotations

from qtpy.QtWidgets import QApplication

from napari_bonemarrow.gui.keys.bindings import TABLE


def _lines() -> list[list[str]]:
    return [line.split("\t") for line in QApplication.clipboard().text().splitlines()]


def test_the_count_is_copied_as_a_table(analysed, notices):
    _viewer, panel = analysed
    count = panel.controller.smear.session.case.differential()
    QApplication.clipboard().clear()
    panel.tabs.setCurrentWidget(panel.count_tab)
    panel.count_tab.copy_button.click()
    found = {line[0]: line for line in _lines()}
    assert found["code"][:4] == ["code", "class", "cells", "percent"]
    assert all(found[row.code][2] == row.count_text for row in count.classes)
    assert notices[-1].startswith("The count is copied")
    QApplication.clipboard().clear()
    (key,) = TABLE.keys_of("copy_count")
    assert panel.controller.smear.counting.press(TABLE.acts["copy_count"])
    assert key == "Shift+Y"
    assert {line[0]: line for line in _lines()} == found
