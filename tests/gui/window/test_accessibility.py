"""Everything can be reached and is named: for those who use no mouse, or do not see the screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QLabel,
    QScrollArea,
    QWidget,
)

from napari_bonemarrow.gui.keys.help_dialog import HelpDialog
from napari_bonemarrow.gui.keys.key_editor import KeyEditor
from napari_bonemarrow.gui.widgets.theme import theme_colors
from tests.gui.widgets.test_class_style import contrast


def controls(root: QWidget) -> Iterator[QWidget]:
    """Yield what of a widget can have the focus now, and every table, in the order of the Tab key."""
    seen, at = set(), root
    while at not in seen and (at is root or root.isAncestorOf(at)):
        seen.add(at)
        reached = at.focusPolicy() & Qt.FocusPolicy.TabFocus and at.focusProxy() is None
        table = isinstance(at, QAbstractItemView) and not isinstance(at, QHeaderView)
        if at is not root and at.isVisibleTo(root) and (reached or table):
            yield at
        at = at.nextInFocusChain()


def name(control: QWidget, root: QWidget) -> str:
    """Return what a screen reader says of a control."""
    label = next((each.text() for each in root.findChildren(QLabel) if each.buddy() is control), "")
    text = control.text() if isinstance(control, QAbstractButton) else ""
    return control.accessibleName() or label or text


def assert_named(root: QWidget) -> int:
    found = list(controls(root))
    for control in found:
        told = name(control, root)
        place = f"{type(control).__name__} in {type(control.parent()).__name__}: {told!r}"
        assert any(letter.isalpha() for letter in told), place
    return len(found)


def test_every_control_of_the_panel_and_its_docks_has_a_name(analysed):
    _viewer, panel = analysed
    panel.controller.smear.review.navigation.next()
    count = 0
    for page in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(page)
        count += assert_named(panel)
    panel.show_review()
    for dock in panel.controller.keys.widgets:
        count += assert_named(dock)
    assert count > 60
    tab = panel.review_tab
    assert tab.undo_button.accessibleName() == "Undo"
    assert "blast" in tab.grid.buttons["BLA"].accessibleName()
    assert "key B" in tab.grid.buttons["BLA"].accessibleDescription()


def _row(control: QWidget, tab: QWidget) -> int:
    """Return how far down a control lies, were all that is scrolled seen at once."""
    area = tab.findChild(QScrollArea)
    content, top = area.widget(), area.mapTo(tab, QPoint(0, 0)).y()
    if content.isAncestorOf(control):
        return top + control.mapTo(content, control.rect().center()).y()
    y = control.mapTo(tab, control.rect().center()).y()
    return y if y < top else y - area.height() + content.height()


def test_tab_goes_through_the_review_from_top_to_bottom(analysed, qtbot):
    _viewer, panel = analysed
    panel.controller.smear.review.navigation.next()
    tab = panel.review_tab
    enabled = [control for control in controls(tab) if control.isEnabled()]
    wanted = {*tab.grid.buttons.values(), *tab.grid.tag_buttons.values(), *tab.why_part.buttons.values()}
    wanted |= {tab.next_button, tab.accept_button, tab.remove_button, tab.split_button, tab.comment_box}
    assert wanted <= set(enabled)
    rows = [_row(control, tab) for control in enabled]
    tallest = max(control.height() for control in tab.grid.buttons.values())
    assert all(below >= above - tallest for above, below in pairwise(rows))
    panel.window().activateWindow()
    # Of buttons of which one is chosen Tab reaches that one, and the arrows the others.
    others = {each for each in tab.why_part.buttons.values() if not each.isChecked()}
    enabled = [control for control in enabled if control not in others]
    enabled[0].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(enabled[0].hasFocus)
    for before, after in pairwise(enabled):
        qtbot.keyClick(before, Qt.Key.Key_Tab)
        assert after.hasFocus(), (name(before, tab), name(after, tab))


@pytest.mark.parametrize("make", [lambda: HelpDialog(None), lambda: KeyEditor(None).view])
def test_every_control_of_the_dialogs_has_a_name(qtbot, make):
    dialog: QDialog = make()
    qtbot.addWidget(dialog)
    dialog.show()
    assert assert_named(dialog) >= 5


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_where_the_keyboard_is_can_be_seen(theme: str):
    colors = theme_colors(theme)
    for ground in (colors.background, colors.foreground, colors.raised, colors.line):
        assert contrast(colors.focus, ground) >= 3
