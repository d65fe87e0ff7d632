"""Settings come from one model: the file, the form in the window, and napari's page of them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError
from qtpy.QtWidgets import QDialog

from napari_bonemarrow.cytology.defaults import TARGET
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.core.settings import Settings
from napari_bonemarrow.gui.widgets.form_dialog import FormDialog
from napari_bonemarrow.gui.window.settings_page import napari_page
from napari_bonemarrow.system.home import home


def _write(text: str) -> None:
    home().mkdir(parents=True, exist_ok=True)
    (home() / "settings.json").write_text(text)


def test_settings_are_there_again_the_next_day():
    assert settings.load() == Settings()
    settings.change(reviewer="Dr A", target=300, margin_um=2.5, goes_on=False)
    assert settings.load() == Settings(reviewer="Dr A", target=300, margin_um=2.5, goes_on=False)
    assert settings.reviewer() == "Dr A"
    assert not settings.goes_on()
    with pytest.raises(ValidationError):
        settings.change(target=0)
    assert settings.load().target == 300


def test_a_value_that_cannot_be_is_as_it_was_at_first_and_the_rest_is_kept():
    _write(json.dumps({"reviewer": "Dr A", "target": -5, "margin_um": "wide", "goes_on": "off", "other": 1}))
    assert settings.load() == Settings(reviewer="Dr A", goes_on=False)
    settings.change(target=200)
    assert json.loads((home() / "settings.json").read_text())["other"] == 1  # of a later version


def test_who_shows_a_setting_is_told_once():
    told = []
    settings.told.changed.connect(told.append)
    try:
        settings.change(target=300)
        settings.change(target=300)
    finally:
        settings.told.changed.disconnect(told.append)
    assert told == [Settings(target=300)]


def test_the_dialog_saves_what_was_changed_and_cancel_does_not(open_panel, qtbot):
    _viewer, panel = open_panel()
    panel.controller.dialogs.edit_settings()
    [dialog] = [each for each in panel.findChildren(QDialog) if isinstance(each, FormDialog)]
    dialog.form.control("target").setValue(300)
    dialog.buttons.rejected.emit()
    assert settings.load().target == TARGET
    panel.controller.dialogs.edit_settings()
    dialog = [each for each in panel.findChildren(FormDialog) if each.isVisible()][-1]
    dialog.form.control("target").setValue(300)
    dialog.form.control("goes_on").click()
    dialog.done_button.click()
    assert (settings.load().target, settings.load().goes_on) == (300, False)
    assert not panel.review_tab.goes_on_box.isChecked()


def test_a_new_smear_begins_with_the_target_and_margin_of_the_settings(open_panel, field, qtbot):
    settings.change(target=300, margin_um=3.0)
    _viewer, panel = open_panel()
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(field)
    session = panel.controller.smear.session
    assert (session.target, session.margin_um) == (300, 3.0)
    assert panel.slide_tab.target_box.value() == 300


@pytest.fixture
def page(open_panel):
    """napari's page of our settings, as it is before a panel is open."""
    found = napari_page()
    if found is None:
        pytest.skip("this napari has no pages for plugins")
    return found


def test_page_and_settings_are_equal_while_a_panel_is_open(page, open_panel):
    settings.change(target=300)
    _viewer, panel = open_panel()
    panel.controller.settings_page.begin()  # as it does by itself when the window has been seen
    assert page.target == 300
    page.target = 200
    assert settings.load().target == 200
    settings.change(goes_on=False)
    assert page.goes_on is False


def test_what_is_changed_on_the_page_without_a_panel_is_taken_over(page, open_panel, qtbot):
    viewer, panel = open_panel()
    panel.controller.settings_page.begin()
    with qtbot.waitSignal(panel.destroyed):
        viewer.window.remove_dock_widget(panel)
    page.target = 250
    assert settings.load().target == TARGET  # nobody listens
    settings.change(reviewer="Dr A")  # as a command line would
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
    panel.controller.settings_page.begin()
    assert settings.load().target == 250
    assert page.reviewer == "Dr A"
    page.reset()
