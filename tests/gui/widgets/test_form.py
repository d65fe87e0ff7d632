"""Forms are made of a model's fields, and hold to its rules; no viewer is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QLabel

from napari_bonemarrow.gui.widgets.form import ModelForm, shown
from tests.gui.window.test_accessibility import assert_named


class Tray(BaseModel):
    """What a form can hold."""

    model_config = ConfigDict(frozen=True)

    margin: float = Field(
        5.0,
        ge=0,
        le=100,
        title="Margin",
        description="Of the border",
        json_schema_extra=shown(unit="µm", decimals=1),
    )
    target: int = Field(500, gt=0, lt=1000, title="Target", json_schema_extra=shown(unit="cells", step=100))
    scale: float | None = Field(
        None,
        gt=0,
        le=5,
        title="Scale",
        json_schema_extra=shown(decimals=4, none_text="unknown", tracking=True),
    )
    method: Literal["gradcam", "smoothgrad"] = Field("gradcam", title="Method")
    goes_on: bool = Field(True, title="Go on", description="To the next cell")
    name: str = Field("", title="Name", max_length=8, json_schema_extra=shown(placeholder="optional"))
    folder: Path | None = Field(None, title="Folder", json_schema_extra=shown(folder=True))
    seed: int = Field(7, json_schema_extra=shown(hidden=True))

    @model_validator(mode="after")
    def _fits(self) -> Tray:
        if self.name == "none" and self.target > 500:
            raise ValueError("a tray of more than 500 cells needs a name")
        return self


@pytest.fixture
def form(qtbot):
    made = ModelForm(Tray)
    qtbot.addWidget(made)
    made.show()
    return made


def _type(qtbot, control, text: str) -> None:
    control.setFocus()
    control.selectAll()
    qtbot.keyClicks(control, text)
    qtbot.keyClick(control, Qt.Key.Key_Return)


def test_a_form_shows_the_fields_with_title_bounds_unit_and_tooltip(form):
    assert form.names() == ("margin", "target", "scale", "method", "goes_on", "name", "folder")
    margin, target, scale = (form.control(name) for name in ("margin", "target", "scale"))
    assert (margin.minimum(), margin.maximum(), margin.decimals()) == (0, 100, 1)
    assert margin.text() == "5.0 µm"
    assert margin.toolTip() == "Of the border"
    assert (target.minimum(), target.maximum(), target.singleStep()) == (1, 999, 100)
    assert scale.text() == "unknown"
    assert form.control("name").placeholderText() == "optional"
    texts = {each.text() for each in form.findChildren(QLabel)}
    assert {"Margin", "Target", "Scale", "Method", "Name", "Folder"} <= texts
    assert form.control("goes_on").text() == "Go on"


def test_every_control_is_named(form):
    assert assert_named(form) == 8  # the seven, and the button that chooses a folder
    assert form.control("margin").accessibleName() == "Margin, µm"


def test_what_is_typed_is_told_as_a_valid_instance(form, qtbot):
    with qtbot.waitSignal(form.changed) as told:
        _type(qtbot, form.control("margin"), "7.5")
    assert told.args == [Tray(margin=7.5)]
    _type(qtbot, form.control("scale"), "0.0421")
    assert form.value == Tray(margin=7.5, scale=0.0421)


def test_a_number_half_typed_counts_only_where_it_shall(form, qtbot):
    told = []
    form.changed.connect(told.append)
    for name in ("target", "scale"):
        box = form.control(name)
        box.setFocus()
        box.selectAll()
        qtbot.keyClicks(box, "12" if name == "target" else "0.5")
    assert told[-1].scale == 0.5
    assert sum(each.target != 500 for each in told[:-1]) <= 1  # told once, when its box was left


def test_nothing_is_told_of_what_is_shown(form, qtbot):
    told = []
    form.changed.connect(told.append)
    given = Tray(margin=1, target=200, scale=0.1, method="smoothgrad", goes_on=False, name="A", folder="/tmp")
    form.set_value(given)
    assert told == []
    assert form.control("method").currentText() == "smoothgrad"
    form.control("goes_on").click()
    assert told == [given.model_copy(update={"goes_on": True})]


def test_a_hidden_field_keeps_its_value(form, qtbot):
    form.set_value(Tray(seed=11))
    with qtbot.waitSignal(form.changed) as told:
        form.control("goes_on").click()
    assert told.args[0].seed == 11


def test_the_models_own_words_say_what_is_not_valid(form, qtbot):
    told = []
    form.changed.connect(told.append)
    form.set_value(Tray(target=600))
    with qtbot.waitSignal(form.refused) as refused:
        qtbot.keyClicks(form.control("name"), "none")
    assert refused.args == ["a tray of more than 500 cells needs a name"]
    assert form.problem_text.isVisible()
    assert not form.valid
    assert form.value.name == "non"  # the last that was valid
    qtbot.keyClicks(form.control("name"), "such a tray")
    assert form.problem == "Name: String should have at most 8 characters"
    with qtbot.waitSignal(form.refused) as refused:
        form.control("name").setText("A")
    assert refused.args == [""]
    assert form.problem_text.isHidden()
    assert form.value.name == "A"


def test_an_optional_field_can_be_none_again(form, qtbot):
    form.set_value(Tray(scale=0.1, folder="/tmp"))
    scale = form.control("scale")
    scale.setValue(scale.minimum())
    form.control("folder").setText("")
    assert form.value == Tray()


def test_fields_are_locked_hidden_and_given_choices(form):
    form.set_enabled(False, "margin", "target")
    assert not form.control("margin").isEnabled()
    assert form.control("scale").isEnabled()
    form.set_visible(False, "method")
    assert not form.control("method").isVisible()
    form.set_visible(True, "method")
    form.set_choices("method", ["smoothgrad"])
    assert isinstance(form.control("method"), QComboBox)
    assert form.value.method == "smoothgrad"


def test_a_number_without_bounds_has_a_box_that_takes_it(qtbot):
    class Plain(BaseModel):
        number: int = 0
        share: float = 0.5

    made = ModelForm(Plain, Plain(number=-70_000, share=-12.25))
    qtbot.addWidget(made)
    assert isinstance(made.control("number"), QAbstractSpinBox)
    made.control("number").setValue(80_000)
    assert made.value == Plain(number=80_000, share=-12.25)
