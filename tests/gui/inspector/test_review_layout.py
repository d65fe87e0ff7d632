"""The Review tab on small and large screens: what is seen, what stays where it is, what folds away."""

from __future__ import annotations

from contextlib import suppress

import pytest
from pytestqt.exceptions import TimeoutError
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtWidgets import QScrollArea

from napari_bonemarrow.cytology import BMC21, CLASSES
from napari_bonemarrow.gui.canvas.napari_compat import layer_docks


def _place(widget, of) -> QRect:
    return QRect(widget.mapTo(of, QPoint(0, 0)), widget.size())


def _is_seen(tab, widget) -> bool:
    area = next(each for each in tab.findChildren(QScrollArea) if each.isAncestorOf(widget))
    port = area.viewport()
    return widget.isVisible() and port.rect().contains(_place(widget, port))


def test_on_a_small_screen_every_class_is_seen_without_scrolling(analysed, qtbot):
    _viewer, panel = analysed
    window, tab = panel.window(), panel.review_tab
    window.resize(1366, 740)  # what window manager and task bar leave of 1366 × 768
    panel.controller.smear.review.navigation.next()
    panel.controller.smear.gallery.show()
    qtbot.waitUntil(lambda: window.height() <= 740 and panel.controller.smear.gallery.dock.isVisible())
    with suppress(TimeoutError):
        qtbot.waitUntil(lambda: all(_is_seen(tab, tab.grid.buttons[code]) for code in CLASSES))
    hidden = [code for code in CLASSES if not _is_seen(tab, tab.grid.buttons[code])]
    layout = panel.layout()
    places = [
        (type(layout.itemAt(at).widget()).__name__, layout.itemAt(at).geometry())
        for at in range(layout.count())
    ]
    assert not hidden, (window.size(), panel.size(), tab.geometry(), places)
    assert set(BMC21) <= set(tab.grid.buttons)
    assert all(_is_seen(tab, switch) for switch in tab.grid.tag_buttons.values())


def test_nothing_moves_when_another_cell_is_shown_or_none(analysed, qtbot):
    _viewer, panel = analysed
    review, tab = panel.controller.smear.review, panel.review_tab
    parts = [*tab.grid.buttons.values(), *tab.grid.tag_buttons.values(), tab.flag_button, tab.bars, tab.crop]
    parts += [tab.next_button, tab.accept_button, tab.why_part, tab.outline_box, tab.comment_box]

    def places() -> list[QRect]:
        qtbot.wait(0)
        return [_place(part, panel) for part in parts]

    review.navigation.next()
    first = places()
    review.corrections.label("MON")
    assert places() == first
    ids, codes = review.worklist.ids.tolist(), review.session.case.effective_code
    review.selection.set([cell for cell in ids if codes(cell) in {"NGS", "EBO"}])
    assert places() == first
    review.corrections.label("NGB")
    assert places() == first  # a toast stands
    review.split_merge.split()
    assert places() == first  # and a notice
    for cell in review.session.case.cells.cell_id.tolist():
        review.navigation.select(cell, go=False)
        assert places() == first
        review.corrections.accept()
    assert tab.heading.count_button.isVisible()  # the end is said
    assert places() == first
    review.navigation.select(None, go=False)
    without = places()
    grid = slice(0, len(CLASSES))
    assert without[grid] == first[grid]
    assert without[len(parts) - 5 :] == first[len(parts) - 5 :]


def test_a_wide_panel_writes_the_names_beside_the_codes(analysed, qtbot):
    _viewer, panel = analysed
    window, grid = panel.window(), panel.review_tab.grid
    window.resize(1600, 940)
    assert not any(made.named for made in grid.buttons.values())
    dock = panel.parentWidget()
    dock.setFloating(True)
    qtbot.waitUntil(dock.isWindow)
    dock.resize(900, 800)
    qtbot.waitUntil(lambda: all(made.named for made in grid.buttons.values()))
    qtbot.waitUntil(lambda: all(made.width() >= made.named_width() for made in grid.buttons.values()))
    rows = {made.y() for made in grid.buttons.values()}
    assert len(rows) <= 9
    dock.resize(430, 800)
    qtbot.waitUntil(lambda: not any(made.named for made in grid.buttons.values()))


def test_naparis_layer_docks_fold_away_in_review_and_come_back(analysed, qtbot):
    viewer, panel = analysed
    docks = layer_docks(panel.window())
    assert len(docks) == 2
    assert not any(dock.isVisible() for dock in docks)
    panel.tabs.setCurrentIndex(0)
    assert all(dock.isVisible() for dock in docks)
    panel.show_review()
    assert not any(dock.isVisible() for dock in docks)
    docks[1].show()  # who wants the layer list in review has it
    panel.tabs.setCurrentWidget(panel.count_tab)
    panel.show_review()
    assert [dock.isVisible() for dock in docks] == [False, True]
    viewer.window.remove_dock_widget(panel)
    assert all(dock.isVisible() for dock in docks)


def test_progress_is_said_and_at_the_end_the_way_on(analysed, qtbot):
    _viewer, panel = analysed
    review, tab = panel.controller.smear.review, panel.review_tab
    total = int(review.session.case.cells.in_frame.sum())
    native = panel.window()._qt_viewer.canvas.native
    review.navigation.next()
    assert tab.title.text().startswith(f"Cell 1 of {total} · ")
    assert tab.heading.progress_text.text() == f"0 of {total} reviewed"
    for done in range(1, total + 1):
        assert not tab.heading.count_button.isVisible()
        qtbot.keyClick(native, Qt.Key.Key_1)
        assert tab.heading.bar.value() == done
    assert tab.heading.progress_text.text() == f"{total} of {total} · done: count and sign"
    qtbot.mouseClick(tab.heading.count_button, Qt.MouseButton.LeftButton)
    assert panel.tabs.currentWidget() is panel.count_tab


@pytest.mark.parametrize("code", ["NGS", "EBO"])
def test_the_place_in_the_heading_is_that_in_the_list(analysed, code):
    _viewer, panel = analysed
    review, tab = panel.controller.smear.review, panel.review_tab
    review.worklist.narrow(code=code)
    last = int(review.worklist.ids[-1])
    review.navigation.select(last, go=True)
    count = len(review.worklist.ids)
    assert tab.title.text().startswith(f"Cell {count} of {count} · ")
    outside = next(
        cell for cell in review.session.case.cells.cell_id.tolist() if review.worklist.place_of(cell) < 0
    )
    review.navigation.select(outside, go=True)
    assert tab.title.text().startswith(f"Cell {outside}, not in the list · ")
