"""The scale as it is typed: nothing typed is overwritten, what it means is said, bad values get a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_bonemarrow.gui.setup.scale_part import ScalePart
from napari_bonemarrow.gui.setup.scale_text import (
    USUAL_NUCLEUS_UM,
    figures,
    is_begun,
    meaning,
    read_length,
    read_typed,
)
from napari_bonemarrow.gui.setup.slide_models import ScaleInfo, ScaleOffer
from napari_bonemarrow.gui.widgets.theme import stylesheet, theme_colors
from napari_bonemarrow.gui.window.panel import WIDTH
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.slides.scale.scale_estimate import typical_nucleus

ESTIMATE = ScaleOffer("estimate", 0.0421, "Use 0.042 (0.039 to 0.046), estimated")
ASKED = ScaleInfo(None, "", False, "This image does not say its scale.", width=2560, height=1920)
ESTIMATED = ScaleInfo(None, "", False, ASKED.text, (ESTIMATE,), width=2560, height=1920, nucleus_px=180.0)


@pytest.fixture
def part(qtbot) -> ScalePart:
    made = ScalePart()
    qtbot.addWidget(made)
    made.setStyleSheet(stylesheet(theme_colors("dark")))
    made.resize(WIDTH, 300)
    made.show()
    made.show_info(ASKED, locked=False)
    return made


@pytest.mark.parametrize("text", ["12.5", "12,5", " 12.5 \u00b5m", "12.5\u03bcm", "12.5 UM"])
def test_a_length_is_read_with_either_letter_of_its_unit(text):
    assert read_length(text) == 12.5


@pytest.mark.parametrize("text", ["", "µm", "x", "-3", "0", "nan", "inf", "1e6", "10 px"])
def test_what_is_no_length_is_none(text):
    assert read_length(text) is None


def test_what_is_being_typed_stays_when_the_estimate_arrives(part, qtbot):
    told = []
    part.confirmed.connect(lambda *args: told.append(args))
    part.focus()
    qtbot.keyClicks(part.box, "0.0")
    part.show_info(ESTIMATED, locked=False)
    assert part.box.text() == "0.0"
    qtbot.keyClicks(part.box, "5")
    part.show_info(ESTIMATED, locked=False)
    qtbot.keyClick(part.box, Qt.Key.Key_Return)
    assert told == [(0.05, "")]


def test_the_estimate_is_taken_by_its_button_and_stays_one_until_it_is_edited(part, qtbot):
    told = []
    part.confirmed.connect(lambda *args: told.append(args))
    part.show_info(ESTIMATED, locked=False)
    qtbot.mouseClick(part.offer_buttons["estimate"], Qt.MouseButton.LeftButton)
    assert part.box.text() == "0.0421"
    qtbot.keyClick(part.box, Qt.Key.Key_Return)
    qtbot.keyClick(part.box, Qt.Key.Key_End)
    qtbot.keyClicks(part.box, "0")
    qtbot.keyClick(part.box, Qt.Key.Key_Return)
    assert told == [(0.0421, "estimate"), (0.0421, "")]


def _gives_it_the_keyboard(part, qtbot) -> None:
    part.activateWindow()
    qtbot.waitUntil(part.isActiveWindow, timeout=20_000)
    part.box.clearFocus()


def test_typing_replaces_what_stands_there_after_a_click(part, qtbot):
    _gives_it_the_keyboard(part, qtbot)
    part.show_info(ScaleInfo(0.1, "file", True, "From the file."), locked=False)
    qtbot.mouseClick(part.box, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(part.box, "0.05")
    assert part.box.text() == "0.05"
    assert part.asks
    qtbot.keyClick(part.box, Qt.Key.Key_Escape)
    assert part.box.text() == "0.1"
    assert not part.asks


@pytest.mark.parametrize("text", ["0", "-0.05", "50", "0.001", "abc", "1.2.3", "nan", "inf", "", "1e999"])
def test_a_bad_value_gets_a_line_and_is_not_confirmed(part, qtbot, text):
    told = []
    part.confirmed.connect(lambda *args: told.append(args))
    part.focus()
    part.box.setText(text)
    part.box.textEdited.emit(text)
    qtbot.keyClick(part.box, Qt.Key.Key_Return)
    assert told == []
    assert part.text.text() != ASKED.text
    assert part.text.property("role") == "warning"
    assert not part.confirm_button.isEnabled()


@pytest.mark.parametrize("text", ["0,05", " 0.05 ", "0.05 µm", "0.05um", ".05", "5e-2", "0.05 µm/px"])
def test_a_scale_is_read_as_people_write_it(text):
    assert read_typed(text).value == pytest.approx(0.05)


def test_nothing_is_complained_of_before_a_figure_is_whole(part, qtbot):
    part.focus()
    for so_far in ("0", "0.", "0.0"):
        part.box.setText(so_far)
        part.box.textEdited.emit(so_far)
        assert part.text.text() == ASKED.text
    assert is_begun("0,0")
    assert not is_begun("0.05")


def test_a_click_into_the_box_selects_all_and_a_second_one_sets_the_cursor(part, qtbot):
    _gives_it_the_keyboard(part, qtbot)
    part.box.setText("0.0421")
    qtbot.mouseClick(part.box, Qt.MouseButton.LeftButton)
    assert part.box.selectedText() == "0.0421"
    qtbot.mouseClick(part.box, Qt.MouseButton.LeftButton)
    assert not part.box.hasSelectedText()


def test_what_a_scale_means_is_said_while_it_is_typed(part, qtbot):
    part.show_info(ESTIMATED, locked=False)
    part.focus()
    qtbot.keyClicks(part.box, "0.25")
    assert "640 × 480 µm" in part.text.text()
    assert "about 45 µm across (usual: 6 to 15). Is the scale right?" in part.text.text()
    assert part.text.property("role") == "warning"
    part.box.selectAll()
    qtbot.keyClicks(part.box, "0.05")
    assert "128 × 96 µm" in part.text.text()
    assert "about 9.0 µm across." in part.text.text()
    assert part.text.property("role") == "quiet"


def test_nothing_below_moves_when_the_estimate_arrives_or_a_scale_is_typed(part, qtbot):
    part.show_info(
        ScaleInfo(None, "", False, ASKED.text, waiting="Estimating it from the red cells…"), locked=False
    )
    places = part._tools.pos(), part.confirm_button.pos()
    part.show_info(ESTIMATED, locked=False)
    part.focus()
    for text in ("0", "0.", "0.2", "0.25", "x"):
        part.box.setText(text)
        part.box.textEdited.emit(text)
        part.layout().activate()
        assert (part._tools.pos(), part.confirm_button.pos()) == places, text


def test_too_few_nuclei_say_nothing_of_nuclei():
    assert meaning(0.05, 2560, 1920, None) == ("At this scale the field is 128 × 96 µm.", False)
    assert "25.6 × 19.2 mm" in meaning(0.25, 102_400, 76_800, None).text


def test_a_scale_is_shown_with_four_digits():
    assert [figures(value) for value in (0.0421234, 0.05, 0.1, 3.45 / 50)] == [
        "0.04212",
        "0.05",
        "0.1",
        "0.069",
    ]


def test_another_smear_begins_with_an_empty_box(part, qtbot):
    part.focus()
    qtbot.keyClicks(part.box, "0.05")
    part.begin()
    part.show_info(ASKED, locked=False)
    assert part.box.text() == ""


def test_the_typical_nucleus_of_real_fields_is_of_a_usual_size(real_data: Path) -> None:
    """At a known scale no field of aspirate lies outside what the window calls usual."""
    measured = []
    for path in sorted((real_data / "fields" / "images").iterdir())[::4]:
        slide = open_slide(path)
        found = typical_nucleus(slide)
        if found is not None:
            measured.append(found * (0.0413 if slide.width == 2040 else 0.05))
    assert len(measured) >= 7
    low, high = USUAL_NUCLEUS_UM
    assert low < min(measured)
    assert max(measured) < high
