"""The views show what they are given and say what the user wants; no viewer is needed."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QScrollArea

from napari_bonemarrow.cytology import CLASSES, Differential, Support
from napari_bonemarrow.cytology.differential import UNRELIABLE_TEXT
from napari_bonemarrow.cytology.statements import RESEARCH_USE
from napari_bonemarrow.gui.core.case_info import HeaderInfo
from napari_bonemarrow.gui.counting.count_tab import CountTab
from napari_bonemarrow.gui.counting.differential_model import COUNT, NAME, PERCENT
from napari_bonemarrow.gui.inspector.cell_models import CellInfo, Guess
from napari_bonemarrow.gui.inspector.review_tab import ReviewTab
from napari_bonemarrow.gui.model.bundle_info import ModelInfo
from napari_bonemarrow.gui.model.model_tab import ModelTab
from napari_bonemarrow.gui.setup.slide_models import CountedFrame, ScaleInfo, ScaleOffer, SlideInfo
from napari_bonemarrow.gui.setup.slide_tab import SlideTab
from napari_bonemarrow.gui.shell.header import HeaderView
from napari_bonemarrow.gui.shell.welcome import WelcomeView
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors
from napari_bonemarrow.gui.window.panel import WIDTH

TRAINED = dict.fromkeys(CLASSES, Support.TRAINED)
PARTLY = {code: Support.TRAINED if code in {"BLA", "NGS"} else Support.NONE for code in CLASSES}


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


def _table(tab: CountTab) -> dict[str, tuple[str, str]]:
    model = tab.table.model()
    rows = range(model.rowCount())
    text = {row: [model.index(row, column).data() for column in (NAME, COUNT, PERCENT)] for row in rows}
    return {name.split()[0]: (count, percent) for name, count, percent in text.values()}


def test_a_class_that_was_not_learnt_shows_no_figure(shown):
    tab = shown(CountTab())
    codes = ["BLA"] * 5 + ["NGS"] * 90 + ["EBO"] * 5 + ["ART"]
    tab.show_differential(Differential.compute(codes, [False] * 101, PARTLY))
    table = _table(tab)
    assert table["BLA"] == ("5", "5 % of what it can name")
    assert table["EBO"] == ("5", "not reliably recognised")
    assert table["PLM"] == ("–", "not reliably recognised")  # never a false zero
    assert UNRELIABLE_TEXT in tab.ratio_text.text()
    assert "artefact 1" in tab.excluded_text.text()
    assert tab.who_text.text() == "model 101, reviewed 0"
    assert "of what the model can name" in tab.interval_text.text()


def test_once_all_is_reviewed_every_class_has_its_figure(shown):
    tab = shown(CountTab())
    codes = ["BLA"] * 5 + ["NGS"] * 90 + ["EBO"] * 5
    tab.show_differential(Differential.compute(codes, [True] * 100, PARTLY))
    table = _table(tab)
    assert table["EBO"] == ("5", "5.0")
    assert table["PLM"] == ("0", "0.0")
    assert tab.ratio_text.text().startswith("19.0 : 1")


def test_no_count_yet_says_what_to_do_and_exports_nothing(shown):
    tab = shown(CountTab())
    tab.show_differential(None)
    assert "Find the cells" in tab.who_text.text()
    assert not any(made.isEnabled() for made in tab.export_buttons.values())
    assert not tab.table.isVisible()


def test_the_wanted_export_is_told(shown, qtbot):
    tab = shown(CountTab())
    tab.show_differential(Differential.compute(["BLA"], [True], TRAINED))
    with qtbot.waitSignal(tab.export_requested) as told:
        tab.export_buttons["json"].click()
    assert told.args == ["json"]


def _slide(**changes) -> SlideInfo:
    known = ScaleInfo(0.05, "file", True, "From the file.")
    values = {
        "name": "a.png",
        "size": "",
        "scale": known,
        "counted": CountedFrame(),
        "frame_text": "",
        "frame_fixed": False,
        "read_only": False,
    }
    return SlideInfo(**{**values, **changes})


@pytest.mark.parametrize("enter", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_figures_and_enter_lead_through_the_slide_tab(shown, qtbot, enter):
    tab = shown(SlideTab())
    tab.show_info(_slide(scale=ScaleInfo(None, "unknown", False, "Enter it")))
    tab.focus_next()
    qtbot.keyClicks(tab.focusWidget(), ".0413")
    with qtbot.waitSignal(tab.scale_confirmed) as told:
        qtbot.keyClick(tab.focusWidget(), enter)
    assert told.args == [pytest.approx(0.0413), ""]
    tab.show_info(_slide())
    tab.focus_next()
    with qtbot.waitSignal(tab.find_requested):
        qtbot.keyClick(tab.focusWidget(), enter)
    tab.show_info(_slide(analysed=True))
    tab.focus_next()
    with qtbot.waitSignal(tab.review_requested):
        qtbot.keyClick(tab.focusWidget(), enter)


def test_an_unknown_scale_is_asked_for_before_cells_can_be_found(shown, qtbot):
    tab = shown(SlideTab())
    offer = ScaleOffer("estimate", 0.04812345, "Use 0.048")
    tab.show_info(_slide(scale=ScaleInfo(None, "", False, "suggested", (offer,))))
    assert tab.scale_box.text() == ""  # an estimate is offered, and never put there unasked
    tab.scale_part.offer_buttons["estimate"].click()
    assert tab.scale_box.text() == "0.04812"
    assert tab.confirm_button.isVisible()
    assert tab.confirm_button.property("role") == "primary"
    assert not tab.find_button.isEnabled()
    assert tab.find_button.property("role") != "primary"
    with qtbot.waitSignal(tab.scale_confirmed) as told:
        tab.confirm_button.click()
    assert told.args == [0.04812345, "estimate"]


def test_nothing_known_cannot_be_confirmed(shown):
    tab = shown(SlideTab())
    tab.show_info(_slide(scale=ScaleInfo(None, "", False, "enter it")))
    assert not tab.confirm_button.isEnabled()
    assert tab.scale_box.text() == ""
    assert tab.scale_box.placeholderText() == "unknown"
    tab.scale_box.setValue(0.1)
    assert tab.confirm_button.isEnabled()


def test_one_button_is_primary_at_any_time(shown):
    tab = shown(SlideTab())
    buttons = (tab.confirm_button, tab.find_button, tab.review_button)
    for info in (
        _slide(),
        _slide(scale=ScaleInfo(None, "", False, "")),
        _slide(frame_fixed=True, analysed=True),
        _slide(frame_fixed=True),
    ):
        tab.show_info(info)
        primary = [made for made in buttons if made.isVisible() and made.property("role") == "primary"]
        assert len(primary) == 1, info


def test_progress_can_be_stopped(shown, qtbot):
    tab = shown(SlideTab())
    tab.show_info(_slide())
    tab.show_progress("12 of 40 cells classified", 0.3)
    assert tab.progress.value() == 300
    assert not tab.find_button.isEnabled()
    with qtbot.waitSignal(tab.cancel_requested):
        tab.cancel_button.click()
    tab.show_idle()
    assert tab.find_button.isEnabled()
    assert not tab.progress.isVisible()


def test_a_fixed_frame_cannot_be_changed(shown):
    tab = shown(SlideTab())
    tab.show_info(_slide(frame_fixed=True, can_start_over=True))
    assert not any(box.isEnabled() for box in (tab.scale_box, tab.margin_box))
    assert tab.target_box.isEnabled()  # the target may still be raised
    assert not tab.region_button.isEnabled()
    assert tab.again_button.isVisible()
    tab.show_info(_slide(frame_fixed=True, can_start_over=True, read_only=True))
    assert not tab.target_box.isEnabled()


def test_what_is_counted_can_be_changed_while_cells_are_found(shown):
    tab = shown(SlideTab())
    tab.show_info(_slide())
    tab.show_progress("Finding cells", 0.1)
    assert all(
        each.isEnabled() for each in (tab.scale_box, tab.margin_box, tab.target_box, tab.region_button)
    )
    assert not tab.again_button.isVisible()


def test_a_frame_that_was_edited_is_told_once(shown, qtbot):
    tab = shown(SlideTab())
    tab.show_info(_slide())
    told = []
    tab.frame_changed.connect(told.append)
    tab.margin_box.setValue(0.0)
    tab.margin_box.editingFinished.emit()
    tab.show_info(_slide(counted=CountedFrame(margin_um=0.0)))
    tab.target_box.editingFinished.emit()
    assert told == [CountedFrame(margin_um=0.0, target=500)]


def _cell(**changes) -> CellInfo:
    values = {
        "cell_id": 7,
        "code": "BLA",
        "name": "blast",
        "standing": "as the model sees it",
        "counted_text": "",
        "guesses": (
            Guess("BLA", "blast", 0.8, Support.TRAINED),
            Guess("PMO", "promyelocyte", 0.1, Support.NONE),
            Guess("MON", "monocyte", 0.1, Support.TRAINED),
        ),
        "tags": frozenset({"mitosis"}),
        "history": tuple(f"line {n}" for n in range(9)),
        "crop": np.zeros((250, 250, 3), np.uint8),
    }
    return CellInfo(**{**values, **changes})


def test_the_inspector_shows_a_cell(shown):
    tab = shown(ReviewTab())
    tab.show_cell(_cell(), "")
    assert tab.standing.text().startswith("no. 7 · ")
    assert tab.grid.buttons["BLA"].isChecked()
    assert not tab.grid.buttons["PMO"].isChecked()
    assert tab.grid.tag_buttons["mitosis"].isChecked()
    assert tab.unreliable.isVisible()  # the second guess was not learnt
    assert tab.history.toPlainText().splitlines() == [f"line {number}" for number in range(9)]
    tab.show_cell(_cell(guesses=(Guess("BLA", "blast", 1.0, Support.TRAINED),)), "")
    assert not tab.unreliable.isVisible()


def test_without_a_cell_the_classes_stay_as_a_legend(shown):
    tab = shown(ReviewTab())
    tab.show_cell(None, "Click a cell.")
    assert tab.hint.text() == "Click a cell."
    assert tab.hint.isVisible()
    assert not tab.cell_part.isVisible()
    assert set(tab.grid.buttons) == set(CLASSES)
    assert tab.grid.isVisible()
    assert not tab.grid.isEnabled()


def test_a_click_on_a_guess_a_class_or_a_tag_says_what_is_wanted(shown, qtbot):
    tab = shown(ReviewTab())
    tab.show_cell(_cell(), "")
    with qtbot.waitSignal(tab.label_chosen) as told:
        qtbot.mouseClick(tab.bars, Qt.MouseButton.LeftButton, pos=QPoint(40, 36))
    assert told.args == ["PMO"]
    with qtbot.waitSignal(tab.label_chosen) as told:
        qtbot.mouseClick(tab.grid.buttons["NHC"], Qt.MouseButton.LeftButton)
    assert told.args == ["NHC"]
    with qtbot.waitSignal(tab.tag_toggled) as told:
        qtbot.mouseClick(tab.grid.tag_buttons["mitosis"], Qt.MouseButton.LeftButton)
    assert told.args == ["mitosis", False]


def test_a_case_to_look_at_only_takes_no_label(shown):
    tab = shown(ReviewTab())
    tab.show_cell(_cell(read_only=True), "")
    assert not tab.grid.isEnabled()
    assert not tab.accept_button.isEnabled()
    assert not tab.remove_button.isEnabled()


def test_the_header_says_case_reviewer_and_whether_it_is_saved(shown):
    header = shown(HeaderView())
    header.show_info(HeaderInfo("a.bmcase", "anna", "saved ✓"))
    texts = (header.case_label.text(), header.reviewer_button.text(), header.saved_label.text())
    assert texts == ("a.bmcase", "anna", "saved ✓")
    assert header.disclaimer.text() == RESEARCH_USE


def test_the_model_tab_names_what_serves_and_what_it_has_learnt(shown):
    tab = shown(ModelTab())
    tab.show_model(ModelInfo("starter", "ab" * 32, "cpu", tuple(PARTLY.items())))
    assert tab.name_text.text() == "starter"
    texts = [tab.support_grid.itemAt(at).widget().text() for at in range(tab.support_grid.count())]
    assert texts.count("learnt from marrow") == 2
    tab.show_model(ModelInfo("", "", "no device", (), "starter: the card is damaged"))
    assert tab.problem_text.text() == "starter: the card is damaged"
    assert tab.problem_text.isVisible()


@pytest.mark.parametrize("view", [SlideTab, ReviewTab, CountTab, ModelTab, HeaderView, WelcomeView])
def test_nothing_is_wider_than_the_panel(shown, view):
    made = shown(view())
    if isinstance(made, ReviewTab):
        made.show_cell(_cell(), "")
    if isinstance(made, CountTab):
        made.show_differential(Differential.compute(["BLA", "ART"], [False] * 2, PARTLY))
    if isinstance(made, ModelTab):
        made.show_model(ModelInfo("starter", "ab" * 32, "cpu", tuple(PARTLY.items())))
    inner = [area.widget().minimumSizeHint().width() for area in made.findChildren(QScrollArea)]
    assert max([made.minimumSizeHint().width(), *inner]) <= WIDTH


@pytest.mark.parametrize("name", ["dark", "light"])
def test_quiet_text_can_be_read_in_both_themes(name):
    colors = theme_colors(name)
    for text, ground in (
        (colors.quiet, colors.background),
        (colors.warning, colors.background),
        (colors.good, colors.background),
        (colors.on_primary, colors.primary),
    ):
        assert _contrast(text, ground) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio."""

    def light(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
