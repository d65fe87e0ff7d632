"""The parts of the Count tab show what they are given and say what the user wants; no viewer is needed."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QScrollArea

from napari_bonemarrow.cytology import BMC21, CLASSES, CountingRules, Differential, DomainCheck, Support
from napari_bonemarrow.estimation import adjusted_count
from napari_bonemarrow.gui.counting.agreement_dialog import AgreementDialog
from napari_bonemarrow.gui.counting.count_models import (
    AgreementInfo,
    ClassAgreement,
    ReadersInfo,
    SignInfo,
    TallyInfo,
)
from napari_bonemarrow.gui.counting.count_tab import CountTab
from napari_bonemarrow.gui.counting.differential_model import ADJUSTED, BAR, COUNT, MODEL, NAME, PERCENT
from napari_bonemarrow.gui.counting.second_reader_part import SecondReaderPart
from napari_bonemarrow.gui.counting.sign_off_part import SignPart
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors
from napari_bonemarrow.gui.window.panel import WIDTH

PARTLY = {code: Support.TRAINED if code in {"BLA", "NGS"} else Support.NONE for code in CLASSES}
READY = SignInfo(
    "Every cell in the frame is reviewed", signer="Dr A", counts=(("Counted", "500"),), can_sign=True
)
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def shown(qtbot):
    def show(view):
        qtbot.addWidget(view)
        view.setStyleSheet(stylesheet(theme_colors("dark")))
        if hasattr(view, "set_colors"):
            view.set_colors(theme_colors("dark"))
        view.resize(WIDTH, 700)
        view.show()
        return view

    return show


def _counts(codes: list[str], reviewed: int) -> Differential:
    return Differential.compute(codes, [at < reviewed for at in range(len(codes))], PARTLY)


def _texts(tab: CountTab, code: str) -> list[str]:
    model = tab.table.model()
    for row in range(model.rowCount()):
        texts = [model.index(row, column).data() for column in (NAME, MODEL, COUNT, PERCENT)]
        if texts[0].startswith(code):
            return texts[1:]
    raise AssertionError(code)


def test_the_models_count_stands_beside_what_is_counted_now(shown):
    tab = shown(CountTab())
    said = ["BLA"] * 5 + ["NGS"] * 90 + ["EBO"] * 5
    now = ["PRM", *said[1:]]
    tab.show_differential(_counts(now, 1), _counts(said, 0))
    assert _texts(tab, "BLA") == ["5", "4", "4 % so far"]
    assert _texts(tab, "EBO") == ["5", "5", "not reliably recognised"]
    assert _texts(tab, "PLM")[0] == "–"  # the model cannot see it: no false zero
    assert _texts(tab, "PRM")[0] == "–"  # no model gives it
    heading = tab.table.model().headerData(COUNT, Qt.Orientation.Horizontal)
    assert heading == "now"  # never a reviewed differential while one cell waits
    tab.show_differential(_counts(now, 100), _counts(said, 0))
    assert tab.table.model().headerData(COUNT, Qt.Orientation.Horizontal) == "reviewed"
    assert _texts(tab, "BLA") == ["5", "4", "4.0"]
    tab.show_differential(_counts(now, 100))
    assert tab.table.isColumnHidden(MODEL)


def test_shares_of_what_the_model_can_name_are_small_and_bear_no_bar(shown):
    tab = shown(CountTab())
    tab.show_differential(_counts(["BLA"] * 6 + ["NGS"] * 94, 0))
    assert _texts(tab, "BLA")[1:] == ["6", "6 % of what it can name"]
    assert _texts(tab, "PLM")[1:] == ["–", "not reliably recognised"]
    model = tab.table.model()
    fonts = [model.index(0, column).data(Qt.ItemDataRole.FontRole) for column in (COUNT, PERCENT)]
    assert fonts[1].pointSizeF() < (fonts[0] or tab.table.font()).pointSizeF()
    assert all(row.percent is None and row.ci95 is None for row in model.rows)
    assert "percentages stand once every counted cell is reviewed" in tab.interval_text.text()


def test_an_unlike_smear_is_said_above_every_number(shown):
    tab = shown(CountTab())
    codes, foreign = ["BLA"] * 6 + ["NGS"] * 94, DomainCheck(100, 70, 60)

    def count(reviewed: int, domain: DomainCheck | None) -> Differential:
        marks = [at < reviewed for at in range(100)]
        return Differential.compute(codes, marks, PARTLY, domain=domain)

    for reviewed in (0, 50):
        tab.show_differential(count(reviewed, foreign))
        assert "unlike what the model has learnt" in tab.unlike_text.text()
        assert tab.unlike_text.isVisible()
        assert tab.unlike_text.geometry().bottom() < tab.headline.geometry().top()
        assert "unlike" not in tab.flags_text.text()
    tab.show_differential(count(100, foreign))
    assert not tab.unlike_text.isVisible()
    tab.show_differential(count(0, None))
    assert not tab.unlike_text.isVisible()
    assert "No out-of-domain check" in tab.notes_text.text()
    tab.show_differential(None)
    assert not tab.unlike_text.isVisible()


def test_other_figures_change_only_their_rows_and_lay_nothing_out_anew(shown, qtbot):
    tab = shown(CountTab())
    codes = ["BLA"] * 5 + ["NGS"] * 90 + ["EBO"] * 5
    model = _counts(codes, 0)
    tab.show_differential(_counts(codes, 10), model)
    changed: list[int] = []
    tab.table.model().dataChanged.connect(
        lambda first, last: changed.append(first.row()) if first.column() == NAME else None
    )
    with qtbot.assertNotEmitted(tab.table.model().modelReset):
        tab.show_differential(_counts(["NGS", *codes[1:]], 11), model)
    names = [tab.table.model().index(row, NAME).data()[:3] for row in changed]
    assert names == ["BLA", "NGS"]


def test_what_is_missing_to_300_and_500_is_told(shown):
    tab = shown(CountTab())
    tab.show_differential(_counts(["NGS"] * 312, 0))
    assert tab.target_text.text() == "300 reached · 188 more for 500"
    assert "fewer than the target" not in tab.flags_text.text()


def test_no_text_of_the_table_is_cut_off(shown):
    tab = shown(CountTab())
    codes = ["BLA"] * 5 + ["NGS"] * 90 + ["EBO"] * 5
    tab.show_differential(_counts(codes, 10), _counts(codes, 0))
    table, model = tab.table, tab.table.model()
    metrics = table.fontMetrics() if model.font is None else type(table.fontMetrics())(model.font)
    widths = [table.columnWidth(column) for column in range(BAR + 1)]
    assert sum(widths) <= table.viewport().width()
    for row in range(model.rowCount()):
        assert metrics.horizontalAdvance(model.index(row, NAME).data()) + 20 <= widths[NAME]
        index = model.index(row, PERCENT)
        text, font = index.data(), index.data(Qt.ItemDataRole.FontRole)
        drawn = table.fontMetrics() if font is None else QFontMetrics(font)
        assert drawn.horizontalAdvance(text) <= widths[PERCENT] + widths[BAR]


def test_enter_alone_never_signs_and_ctrl_enter_does(shown, qtbot):
    part = shown(SignPart())
    part.show_info(READY)
    told: list[tuple[str, str]] = []
    part.sign_requested.connect(lambda name, reason: told.append((name, reason)))
    part.ask_to_sign()
    dialog = part.dialog
    assert not dialog.reason_edit.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert told == []
    assert part.dialog is dialog
    qtbot.keyClick(dialog, Qt.Key.Key_Return, CONTROL)
    assert told == [("Dr A", "")]
    assert part.dialog is None


def test_a_reason_is_asked_for_only_where_cells_wait(shown, qtbot):
    part = shown(SignPart())
    part.show_info(SignInfo("12 cells of 512 not reviewed", signer="Dr A", needs_reason=True, can_sign=True))
    told: list[tuple[str, str]] = []
    part.sign_requested.connect(lambda name, reason: told.append((name, reason)))
    part.ask_to_sign()
    dialog = part.dialog
    assert dialog.reason_edit.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Return, CONTROL)
    assert told == []  # not without a reason
    qtbot.keyClicks(dialog.reason_edit, "smudged edge")
    qtbot.keyClick(dialog.reason_edit, Qt.Key.Key_Return, CONTROL)
    assert told == [("Dr A", "smudged edge")]


def test_a_signed_case_shows_its_head_and_offers_only_an_amendment(shown, qtbot):
    part = shown(SignPart())
    head = "0123456789abcdef" * 4
    part.show_info(SignInfo("Signed by Dr A", f"head {head[:12]}", head=head, can_amend=True))
    assert not part.sign_button.isVisible()
    assert head in part.detail.toolTip()
    told: list[str] = []
    part.amend_requested.connect(told.append)
    part.ask_to_amend()
    qtbot.keyClick(part.dialog.reason_edit, Qt.Key.Key_Return, CONTROL)
    assert told == []
    qtbot.keyClicks(part.dialog.reason_edit, "a cell was missed")
    qtbot.keyClick(part.dialog.reason_edit, Qt.Key.Key_Return, CONTROL)
    assert told == ["a cell was missed"]


def test_the_second_reader_is_another_person(shown, qtbot):
    part = shown(SecondReaderPart())
    part.show_info(ReadersInfo("First reader Dr A", readers=("Dr A",), can_begin=True))
    told: list[str] = []
    part.begin_requested.connect(told.append)
    part.ask_for_reader()
    dialog = part.dialog
    qtbot.keyClicks(dialog.name_edit, "dr a")
    assert dialog.problem.isVisible()
    assert not dialog.begin_button.isEnabled()
    dialog.name_edit.clear()
    qtbot.keyClicks(dialog.name_edit, "Dr B")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert told == ["Dr B"]


def test_the_page_of_the_agreement_shows_classes_and_confusion(shown, qtbot):
    part = shown(SecondReaderPart())
    rows = (
        ClassAgreement("BLA", "blast", 10, 8, 8, 0.875),
        ClassAgreement("PMO", "promyelocyte", 5, 7, 5, None),
    )
    info = AgreementInfo("Dr A", "Dr B", "86.7 % alike", rows, ("BLA", "PMO"), ((8, 2), (0, 5)), 2)
    dialog = AgreementDialog(part, info, theme_colors("dark"))
    texts = [[dialog.matrix.item(row, column).text() for column in (0, 1)] for row in (0, 1)]
    assert texts == [["8", "2"], ["·", "5"]]
    assert [dialog.table.item(row, 4).text() for row in (0, 1)] == ["0.88", "–"]
    with qtbot.waitSignal(dialog.settle_requested):
        dialog.settle_button.click()


def test_the_tally_shows_field_total_and_what_is_missing(shown):
    tab = shown(CountTab())
    tab.tally_button.click()
    info = TallyInfo(
        3, {"NGS": 12}, {"NGS": 140, "BLA": 4}, 144, 500, {"NGS": "97.2"}, {"NGS": "S"}, can_undo=True
    )
    tab.tally.show_info(info)
    assert (tab.tally.field_text.text(), tab.tally.field_name.text()) == ("12", "in field 3")
    assert (tab.tally.total_text.text(), tab.tally.total_name.text()) == ("144", "of 500 · 356 more")
    model = tab.tally.table.model()
    row = list(CLASSES).index("NGS")
    assert [model.index(row, column).data() for column in (0, 2, 3, 4)] == ["S", "12", "140", "97.2"]
    assert not tab.export_part.isVisible()


def test_the_parts_are_no_wider_than_the_panel(shown):
    tab = shown(CountTab())
    tab.show_differential(_counts(["BLA", "ART"], 0), _counts(["BLA", "ART"], 0))
    tab.sign.show_info(SignInfo("Signed by Dr A", "head 0123456789ab", head="0" * 64, can_amend=True))
    tab.readers.show_info(ReadersInfo("First reader Dr A", can_compare=True, to_settle=1200))
    inner = [area.widget().minimumSizeHint().width() for area in tab.findChildren(QScrollArea)]
    assert max([tab.minimumSizeHint().width(), *inner]) <= WIDTH


def test_the_adjusted_count_has_a_column_of_its_own_and_says_what_it_rests_on(shown):
    tab = shown(CountTab())
    support = dict.fromkeys(BMC21, Support.TRAINED)
    held_out = {code: {code: 200, "NGS": 100} for code in BMC21} | {"NGS": {"NGS": 300}}
    adjusted = adjusted_count(held_out, {"BLA": 20, "NGS": 180}, {}, CountingRules())
    counts = {"BLA": 20, "NGS": 180}
    count = Differential.of_counts(counts, 200, support, adjust=lambda: adjusted)
    tab.show_differential(count)
    assert tab.table.isColumnHidden(ADJUSTED)
    tab.show_adjusted(count.adjusted)
    assert not tab.table.isColumnHidden(ADJUSTED)
    share = adjusted.row("BLA")
    assert tab.table.model().text(0, ADJUSTED) == (
        f"{share.percent:.1f} ({share.ci95[0]:.1f}–{share.ci95[1]:.1f})"
    )
    assert "held-out cells, not this smear" in tab.adjusted_text.text()
    assert tab.adjusted_text.text().startswith("Blasts adjusted ")
    tip = tab.table.model().index(0, NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert "from held-out cells, not this smear" in tip
    tab.show_differential(_counts(["BLA"] * 5, 5))
    assert tab.table.isColumnHidden(ADJUSTED)
    assert not tab.adjusted_text.isVisible()
