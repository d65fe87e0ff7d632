"""From an empty window: what cannot be opened, the palette, a folder, and back to what was opened last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QLineEdit

from napari_bonemarrow.drawing import draw_smear, write_sample
from napari_bonemarrow.gui.canvas.napari_compat import napari_application

from .reviewer import Reviewer


def _open(reviewer: Reviewer, qtbot, path: Path) -> None:
    with qtbot.waitSignal(reviewer.controller.queue.all_opened, timeout=60_000):
        reviewer.controller.open_path(path)


def _by_palette(reviewer: Reviewer, qtbot, words: str) -> None:
    """Type a command's words into napari's palette, as a user does."""
    napari_application().commands.execute_command("napari.window.view.toggle_command_palette").result()
    [box] = [
        each
        for each in reviewer.panel.window().findChildren(QLineEdit)
        if type(each).__name__ == "QCommandLineEdit" and each.isVisible()
    ]
    qtbot.keyClicks(box, words)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def test_from_an_empty_window_to_a_folder_and_back(
    come_in: Callable[[], Reviewer], tmp_path: Path, qtbot
) -> None:
    smear = draw_smear(3, width=700, height=500, cells_per_class={"BLA": 1, "NGS": 2, "EBO": 1})
    folder, field = tmp_path / "fields", write_sample(tmp_path / "field.png", smear)
    folder.mkdir()
    for name in ("a", "b", "c"):
        write_sample(folder / f"{name}.png", smear)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "nothing").mkdir()
    reviewer = come_in()
    panel, controller = reviewer.panel, reviewer.controller

    for bad in (tmp_path / "text.png", tmp_path / "nothing"):
        _open(reviewer, qtbot, bad)
        assert bad.name in panel.notices.text.text()
    assert panel.notices.count_text.text() == "2 of 2"
    _open(reviewer, qtbot, folder)
    assert panel.notices.isHidden()

    fields = controller.smear.session.slide.fields
    controller.smear_viewer.view.show_region(fields[0].region)
    overview = controller.smear.overview.view
    qtbot.waitUntil(overview.isVisible)
    _by_palette(reviewer, qtbot, "go to the next field")
    assert controller.smear_viewer.view.nearest_region([each.region for each in fields]) == 1
    last = fields[2].region
    place, scale = overview._place()
    x, y = last.x + last.width / 2, last.y + last.height / 2
    spot = QPoint(int(place.left() + x * scale), int(place.top() + y * scale))
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, pos=spot)
    assert controller.smear_viewer.view.nearest_region([each.region for each in fields]) == 2

    _open(reviewer, qtbot, field)
    _by_palette(reviewer, qtbot, "Count tab")
    assert panel.tabs.currentWidget() is panel.count_tab
    menu = panel.header.recent_menu
    assert [each.text().partition(" · ")[0] for each in menu.actions()[:2]] == ["field.png", "fields"]
    with qtbot.waitSignal(controller.opened, timeout=60_000):
        menu.actions()[1].trigger()
    assert controller.smear.session.slide.path == folder
    reviewer.viewer.close()

    again = come_in()
    qtbot.waitUntil(lambda: len(again.panel.welcome.recent_buttons) == 2)
    with qtbot.waitSignal(again.controller.opened, timeout=60_000):
        again.click_button(again.panel.welcome.recent_buttons[0])
    assert again.controller.smear.session.slide.path == folder
