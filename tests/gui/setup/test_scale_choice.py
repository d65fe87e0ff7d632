"""A scale by hand: a line along the scale bar, a microscope, the last one of the camera."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QDockWidget

from napari_bonemarrow.gui.setup import scale_memory
from napari_bonemarrow.gui.setup.microscope_dialog import MicroscopeDialog
from napari_bonemarrow.slides import ScaleSource
from napari_bonemarrow.slides.scale.microscopes import Microscope
from napari_bonemarrow.system.home import home


def _open(qtbot, controller, path: Path) -> None:
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(path)


@pytest.fixture
def opened(open_panel, qtbot, plain_field):
    viewer, panel = open_panel()
    _open(qtbot, panel.controller, plain_field)
    qtbot.waitUntil(lambda: not panel.controller.smear.session.estimating)
    return viewer, panel


def test_an_estimate_that_is_on_its_way_is_not_called_impossible(open_panel, qtbot, plain_field):
    _viewer, panel = open_panel()
    said = []
    button = panel.slide_tab.scale_part.offer_buttons["estimate"]
    panel.controller.opened.connect(lambda: said.append(button.text()))
    _open(qtbot, panel.controller, plain_field)
    assert said == ["Estimating it from the red cells…"]
    qtbot.waitUntil(lambda: button.text() != said[0], timeout=20_000)


def _place(viewer, panel, x: float, y: float) -> QPoint:
    """Return where a pixel of the smear is on the canvas."""
    camera, native = panel.controller.smear_viewer.camera, panel.window()._qt_viewer.canvas.native
    down, across = np.array([y, x]) - np.array(camera.center[-2:])
    centre = native.rect().center()
    return QPoint(round(centre.x() + across * camera.zoom), round(centre.y() + down * camera.zoom))


def _in_front(qtbot, panel) -> None:
    """Give the window the keyboard: Qt asks shortcuts of the active window alone."""
    panel.window().activateWindow()
    qtbot.waitUntil(panel.window().isActiveWindow, timeout=20_000)


def _drag(qtbot, viewer, panel, start: tuple[float, float], end: tuple[float, float]) -> None:
    native = panel.window()._qt_viewer.canvas.native
    first, last = _place(viewer, panel, *start), _place(viewer, panel, *end)
    left = Qt.MouseButton.LeftButton
    qtbot.mouseMove(native, first)
    qtbot.mousePress(native, left, pos=first)
    for part in (0.3, 0.6, 1.0):
        qtbot.mouseMove(native, first + (last - first) * part)
    qtbot.mouseRelease(native, left, pos=last)


def test_a_line_along_the_scale_bar_gives_the_scale(opened, qtbot):
    viewer, panel = opened
    part, case = panel.slide_tab.scale_part, panel.controller.smear.session.case
    qtbot.mouseClick(part.bar.start_button, Qt.MouseButton.LeftButton)
    assert viewer.layers.selection.active.name == "scale bar"
    _drag(qtbot, viewer, panel, (200, 600), (450, 600))
    pixels = panel.controller.smear_viewer.bar_length()
    assert pixels == pytest.approx(250, abs=3)
    assert part.bar.length_box.isEnabled()
    qtbot.keyClicks(part.bar.length_box, "20 µm")
    qtbot.keyClick(part.bar.length_box, Qt.Key.Key_Return)
    assert "scale bar" not in [layer.name for layer in viewer.layers]
    assert part.box.value() == pytest.approx(20 / pixels, rel=1e-3)
    assert case.scale is None  # it counts once it is confirmed
    qtbot.keyClick(part.box, Qt.Key.Key_Return)
    assert case.scale.source is ScaleSource.USER
    assert case.scale.microns_per_pixel == pytest.approx(20 / pixels)
    assert case.scale.basis.startswith("a scale bar of 20 µm")


def test_a_second_line_replaces_the_first(opened, qtbot):
    viewer, panel = opened
    panel.slide_tab.scale_part.bar.start_button.click()
    _drag(qtbot, viewer, panel, (200, 600), (450, 600))
    _drag(qtbot, viewer, panel, (200, 300), (300, 300))
    assert len(viewer.layers["scale bar"].data) == 1
    assert panel.controller.smear_viewer.bar_length() == pytest.approx(100, abs=3)
    start, extent = viewer.layers["scale bar"].data[0]
    assert start == pytest.approx([300, 200], abs=3)
    assert extent == pytest.approx([0, 100], abs=3)
    assert viewer.layers["scale bar"].opacity == 1
    _drag(qtbot, viewer, panel, (400, 400), (400, 400))  # a click alone leaves no line to be seen
    assert viewer.layers["scale bar"].opacity == 0
    assert not panel.slide_tab.scale_part.bar.length_box.isEnabled()


def test_escape_gives_the_scale_bar_up(opened, qtbot):
    viewer, panel = opened
    part = panel.slide_tab.scale_part
    _in_front(qtbot, panel)
    qtbot.keyClicks(part.box, "0.05")
    part.bar.start_button.click()
    native = panel.window()._qt_viewer.canvas.native
    native.setFocus()
    qtbot.waitUntil(native.hasFocus)
    qtbot.keyClick(native, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: "scale bar" not in [layer.name for layer in viewer.layers])
    assert not part.bar.isVisible()
    assert part.box.text() == "0.05"
    part.bar.start_button.click()
    _drag(qtbot, viewer, panel, (200, 600), (450, 600))
    qtbot.waitUntil(part.bar.length_box.hasFocus)
    qtbot.keyClick(part.bar.length_box, Qt.Key.Key_Escape)
    assert not part.bar.isVisible()
    assert "scale bar" not in [layer.name for layer in viewer.layers]
    assert part.box.text() == "0.05"


def test_escape_on_the_smear_gives_the_scale_bar_up_beside_a_floating_panel(opened, qtbot):
    viewer, panel = opened
    window, part = panel.window(), panel.slide_tab.scale_part
    [dock] = [each for each in window.findChildren(QDockWidget) if each.isAncestorOf(panel)]
    dock.setFloating(True)
    assert part.window() is not window
    part.bar.start_button.click()
    native = window._qt_viewer.canvas.native
    window.activateWindow()
    native.setFocus()
    qtbot.waitUntil(native.hasFocus, timeout=20_000)
    qtbot.keyClick(native, Qt.Key.Key_Escape)
    assert not part.bar.isVisible()
    assert "scale bar" not in [layer.name for layer in viewer.layers]


def test_a_length_that_is_none_gets_a_line(opened, qtbot):
    viewer, panel = opened
    part = panel.slide_tab.scale_part
    part.bar.start_button.click()
    _drag(qtbot, viewer, panel, (200, 600), (450, 600))
    for text in ("", "x", "-3", "0"):
        part.bar.length_box.setText(text)
        part.bar.take_button.click()
        assert "in µm" in part.bar.text.text()
        assert part.bar.isVisible()
    part.bar.length_box.setText("12,5")
    part.bar.take_button.click()
    assert not part.bar.isVisible()


def test_the_line_goes_with_the_smear_and_with_its_layer(opened, qtbot, field):
    viewer, panel = opened
    part = panel.slide_tab.scale_part
    part.bar.start_button.click()
    viewer.layers.remove("scale bar")
    qtbot.waitUntil(lambda: not part.bar.isVisible())
    part.bar.start_button.click()
    _open(qtbot, panel.controller, field)
    assert "scale bar" not in [layer.name for layer in viewer.layers]
    assert not part.bar.isVisible()


def test_a_microscope_of_the_list_gives_the_scale(opened, qtbot):
    _viewer, panel = opened
    part, case = panel.slide_tab.scale_part, panel.controller.smear.session.case
    actions = {action.text(): action for action in part.microscope_button.menu().actions()}
    wanted = "100× · adapter 0.5× · 3.45 µm"
    [chosen] = [action for text, action in actions.items() if text.startswith(wanted)]
    chosen.trigger()
    assert part.box.value() == pytest.approx(3.45 / 50)
    part.confirm_button.click()
    assert case.scale.basis == f"microscope and camera: {wanted}"


def test_a_microscope_of_ones_own_is_kept_offered_and_forgotten(opened, qtbot):
    _viewer, panel = opened
    part = panel.slide_tab.scale_part
    panel.controller.smear.scale_choice.ask_for_microscope()
    [dialog] = part.findChildren(MicroscopeDialog)
    dialog.form.control("objective").setValue(63)
    dialog.form.control("camera_pixel_um").setValue(4.54)
    dialog.form.control("adapter").setValue(0.5)
    assert dialog.result_text.text() == "0.1441 µm per pixel"
    dialog.form.control("name").setText("Room 3")
    dialog.take_button.click()
    assert part.box.value() == pytest.approx(0.1441)
    assert scale_memory.microscopes() == (
        Microscope(name="Room 3", objective=63, adapter=0.5, camera_pixel_um=4.54),
    )
    menu = part.microscope_button.menu()
    assert menu.actions()[0].text().startswith("Room 3: 63×")
    [forget] = [action.menu() for action in menu.actions() if action.menu() is not None]
    forget.actions()[0].trigger()
    assert scale_memory.microscopes() == ()
    assert not part.microscope_button.menu().actions()[0].text().startswith("Room 3")


def test_a_microscope_that_cannot_be_is_said_in_the_form(opened, qtbot):
    _viewer, panel = opened
    panel.controller.smear.scale_choice.ask_for_microscope()
    [dialog] = panel.slide_tab.scale_part.findChildren(MicroscopeDialog)
    dialog.form.control("objective").setValue(1)
    dialog.form.control("camera_pixel_um").setValue(40)
    assert "µm per pixel, which lies outside" in dialog.form.problem
    assert not dialog.take_button.isEnabled()


def test_the_last_scale_of_the_camera_is_offered(opened, qtbot, plain_field, field, tmp_path):
    _viewer, panel = opened
    controller, part = panel.controller, panel.slide_tab.scale_part
    assert not part.offer_buttons["camera"].isVisible()
    part.box.setValue(0.0413)
    part.confirm_button.click()
    folder = tmp_path / "Mustermann, Erika"
    folder.mkdir()
    other = Path(shutil.copy(plain_field, folder / "Mustermann 1957.png"))
    _open(qtbot, controller, other)
    offer = part.offer_buttons["camera"]
    assert "0.0413" in offer.text()
    assert part.box.text() == ""
    offer.click()
    part.confirm_button.click()
    assert controller.smear.session.case.microns_per_pixel == 0.0413
    kept = (home() / "settings.json").read_text("utf-8")
    [(key, value)] = json.loads(kept)["cameras"].items()
    assert value == 0.0413
    assert "Mustermann" not in key
    assert "png" not in key


def test_a_scale_that_the_file_states_is_not_a_cameras(open_panel, qtbot, field):
    _viewer, panel = open_panel()
    _open(qtbot, panel.controller, field)
    panel.controller.smear.setup.confirm_scale(panel.controller.smear.session.slide.microns_per_pixel)
    assert (
        scale_memory.last_scale(panel.controller.smear.session.camera) is not None
    )  # confirmed by the user as well


def test_spoilt_settings_of_cameras_and_microscopes_are_passed_over():
    (home() / "settings.json").parent.mkdir(parents=True, exist_ok=True)
    (home() / "settings.json").write_text(
        json.dumps({"cameras": {"a": "x", "b": 50, "c": 0.1}, "microscopes": [{"objective": 0}, 3]}), "utf-8"
    )
    assert [scale_memory.last_scale(key) for key in "abcd"] == [None, None, 0.1, None]
    assert scale_memory.microscopes() == ()
    scale_memory.remember_scale("d", 0.2)
    assert scale_memory.last_scale("d") == 0.2


def test_the_nuclei_of_the_smear_are_measured(opened, qtbot, smear):
    _viewer, panel = opened
    session = panel.controller.smear.session
    qtbot.waitUntil(lambda: session.nucleus_px is not None, timeout=20_000)
    part = panel.slide_tab.scale_part
    part.box.setValue(1.0)
    assert "Is the scale right?" in part.text.text()
    assert part.text.property("role") == "warning"
    part.box.setValue(smear.microns_per_pixel)
    assert "a nucleus of this smear about" in part.text.text()
    assert part.text.property("role") == "quiet"
