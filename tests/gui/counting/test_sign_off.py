"""Count, second reading, signature and tally in the real window, by keys."""

from __future__ import annotations

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.counting.differential_model import MODEL
from napari_bonemarrow.gui.keys.bindings import key_of

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(analysed, qtbot):
    """The panel, its case, and a function that presses the key of an act on the smear."""
    _viewer, panel = analysed
    native = panel.window()._qt_viewer.canvas.native

    def press(act: str, argument: str = "") -> None:
        *held, name = key_of(act, argument).split("+")
        modifier = (
            SHIFT if held == ["Shift"] else CONTROL if held == ["Ctrl"] else Qt.KeyboardModifier.NoModifier
        )
        key = getattr(Qt.Key, f"Key_{ {'Enter': 'Return'}.get(name, name) }")
        qtbot.keyClick(native, key, modifier)

    return panel, panel.controller.smear.session.case, press


def _review_all(case) -> None:
    for cell, code in zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True):
        case.set_label([cell], code)


def test_a_case_is_reviewed_signed_and_amended_by_keys(desk, qtbot):
    panel, case, press = desk
    tab = panel.count_tab
    press("sign")
    assert panel.tabs.currentWidget() is tab
    assert "not reviewed" in tab.sign.text.text()
    assert tab.sign.dialog.reason_edit.isVisible()
    qtbot.keyClick(tab.sign.dialog, Qt.Key.Key_Escape)
    assert not case.is_signed
    _review_all(case)
    qtbot.waitUntil(lambda: tab.sign.text.text() == "Every cell in the frame is reviewed")
    panel.show_review()
    press("sign")
    qtbot.keyClick(tab.sign.dialog.focusWidget(), Qt.Key.Key_Return, CONTROL)
    assert case.is_signed
    assert tab.sign.text.text().startswith(f"Signed by {case.signature.name}")
    assert case.signature.head[:12] in tab.sign.detail.text()
    assert panel.header.saved_label.text() == "signed ✓"
    panel.show_review()
    panel.controller.smear.review.navigation.select(int(case.cells.cell_id[0]), go=False)
    assert not panel.review_tab.grid.isEnabled()  # read-only
    press("sign")
    dialog = tab.sign.dialog
    qtbot.keyClicks(dialog.reason_edit, "a cell was missed")
    qtbot.keyClick(dialog.reason_edit, Qt.Key.Key_Return, CONTROL)
    assert not case.is_signed
    assert "a cell was missed" in tab.sign.detail.text()
    assert case.verify().ok
    qtbot.waitUntil(lambda: not isalive(dialog))


def test_class_keys_count_by_eye_only_while_the_tally_is_what_one_sees(desk, qtbot):
    panel, case, press = desk
    cell = int(case.cells.cell_id[0])
    panel.controller.smear.review.navigation.select(cell, go=False)
    press("tally")
    assert panel.count_tab.tallying
    press("label", "BLA")
    press("label", "NGS")
    press("next")  # Space and Enter rest here
    press("accept")
    press("tally_field")
    press("tally_field")  # a second press begins no empty field
    press("label", "NGS")
    assert [dict(field) for field in case.tally.fields] == [{"BLA": 1, "NGS": 1}, {"NGS": 1}]
    assert not case.labels
    assert panel.count_tab.tally.field_text.text() == "1"
    press("undo")
    press("back")
    assert [dict(field) for field in case.tally.fields] == [{"BLA": 1, "NGS": 1}]
    press("tally")
    assert panel.tabs.currentWidget() is panel.review_tab
    before = case.effective_code(cell)
    other = "PLM" if before != "PLM" else "BLA"
    press("label", other)
    assert case.labels[cell].code == other
    assert [dict(field) for field in case.tally.fields] == [{"BLA": 1, "NGS": 1}]
    press("tally")
    press("undo")  # the last act was a correction: the tally leaves it alone
    assert case.labels[cell].code == other


def test_a_second_reader_reads_blind_and_the_differences_are_settled(desk, qtbot):
    panel, case, _press = desk
    tab, controller = panel.count_tab, panel.controller
    _review_all(case)
    codes = dict(zip(case.cells.cell_id.tolist(), case.effective_codes(), strict=True))
    panel.tabs.setCurrentWidget(tab)
    assert not tab.table.isColumnHidden(MODEL)
    tab.readers.ask_for_reader()
    qtbot.keyClicks(tab.readers.dialog.name_edit, "Dr B")
    qtbot.keyClick(tab.readers.dialog, Qt.Key.Key_Return)
    assert case.is_blind
    assert panel.header.banner.text() == "second reading, blind · Dr B"
    qtbot.waitUntil(lambda: tab.table.isColumnHidden(MODEL))
    assert panel.header.reviewer_button.text() == "Dr B"
    inside = case.cells.cell_id[case.cells.in_frame].tolist()
    first, n = inside[0], len(inside)
    for cell, code in codes.items():
        case.set_label([cell], "PLM" if cell == first else code)
    qtbot.waitUntil(lambda: tab.readers.text.text().endswith(f"{n} of {n} cells read"))
    tab.readers.end_button.click()
    dialog = controller.smear.counting.readers.dialog
    assert f"% of {n} cells alike" in dialog.headline.text()
    assert not panel.header.banner.isVisible()
    dialog.settle_button.click()
    assert case.reading == 1  # who settles is asked first
    asked = tab.readers.dialog
    assert asked.name_edit.text() == ""
    assert list(asked.offers) == ["Ada", "Dr B"]
    qtbot.keyClicks(asked.name_edit, "Dr C")
    qtbot.keyClick(asked, Qt.Key.Key_Return)
    assert case.reading == 3
    assert case.readings.all[2].reviewer == panel.header.reviewer_button.text() == "Dr C"
    assert panel.tabs.currentWidget() is panel.review_tab
    assert controller.smear.review.selection.current == first
    case.set_label([first], codes[first])
    assert not len(case.readings.disagreements())
    assert case.readings.labels_of(2)[first].code == "PLM"  # both reads are kept


def test_a_hidden_tab_shows_its_headline_alone_and_is_right_when_seen(desk):
    panel, case, _press = desk
    tab = panel.count_tab
    panel.tabs.setCurrentWidget(tab)
    panel.show_review()
    shown = tab.who_text.text()
    _review_all(case)
    panel.controller.smear.review.case_sync.settle()
    assert tab.who_text.text() == shown
    panel.tabs.setCurrentWidget(tab)
    assert tab.who_text.text() == f"model 0, reviewed {case.cells.in_frame.sum()}"


def _read_twice(panel, case, differ: int) -> dict[int, tuple[str, str]]:
    """Have two people read every cell, who differ on some; return what they gave there."""
    _review_all(case)
    inside = case.cells.cell_id[case.cells.in_frame].tolist()
    given = {cell: (case.effective_code(cell), "PLM") for cell in inside[:differ]}
    codes = {cell: case.effective_code(cell) for cell in case.cells.cell_id.tolist()}
    readers = panel.controller.smear.counting.readers
    readers.begin("Dr B")
    for cell, code in codes.items():
        case.set_label([cell], "PLM" if cell in given else code)
    readers.end()
    readers.dialog.close()
    return given


def test_one_and_two_are_the_readers_classes_and_what_is_left_counts_down(desk, qtbot):
    panel, case, _press = desk
    tab, native = panel.review_tab, panel.window()._qt_viewer.canvas.native
    given = _read_twice(panel, case, 3)
    panel.controller.smear.counting.readers.settle("Dr C")
    review, left = panel.controller.smear.review, 3
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_2):
        cell = review.selection.current
        first, second = given[cell]
        shown = [each.shown for each in tab.readers.buttons]
        assert [(each.code, each.reader) for each in shown] == [(first, "Ada"), ("PLM", "Dr B")]
        assert all(each.isVisible() for each in tab.readers.buttons)
        assert not tab.bars.isVisible()
        assert panel.header.banner.text() == f"settling · {left} left · Dr C"
        assert tab.heading.title.text().endswith("not settled yet")  # nor is either shown as given
        assert tab.heading.progress_text.text() == f"{left} left to settle"
        qtbot.keyClick(native, Qt.Key.Key_Return)  # Enter is neither reader's class
        qtbot.keyClick(native, Qt.Key.Key_3)
        assert cell not in case.readings.labels_of(3)
        qtbot.keyClick(native, key)
        assert case.readings.labels_of(3)[cell].code == (first if key == Qt.Key.Key_1 else second)
        assert case.readings.labels_of(3)[cell].by == "Dr C"
        left -= 1
    assert tab.heading.progress_text.text() == "all 3 settled · done: count and sign"
    assert panel.header.banner.text() == ""


def test_the_sign_off_names_flagged_cells_the_leading_class_and_which_count_it_is(desk, qtbot):
    panel, case, press = desk
    tab = panel.count_tab
    _review_all(case)
    cells = case.cells.cell_id[case.cells.in_frame].tolist()
    case.set_label(cells[: len(cells) // 2 + 1], "EBO")
    case.edits.set_flag(cells[:3], True)
    press("sign")
    n, led = len(cells), len([cell for cell in cells if case.effective_code(cell) == "EBO"])
    counted = case.differential().counted
    leads = f"{case.differential().row('EBO').percent_text} leads"
    assert leads in tab.sign.detail.text()
    assert f"{100 * led / counted:.1f}" in leads
    assert f"all {n} reviewed" in tab.sign.detail.text()
    dialog = tab.sign.dialog
    assert dialog.caution.text().startswith("3 cells are still flagged")
    assert dialog.caution.isVisible()
    assert dialog.figures["This count"] == f"all {n} reviewed"
    assert leads in dialog.figures["Leading"]
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not isalive(dialog))
    case.edits.set_flag(cells[:3], False)
    case.set_label([cells[0]], None)
    panel.show_review()
    press("sign")
    dialog = tab.sign.dialog
    assert dialog.figures["This count"] == f"{n - 1} of {n} reviewed"
    assert not dialog.caution.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not isalive(dialog))
