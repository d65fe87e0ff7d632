"""Cases that were opened before: listed, opened again, cleared, and not kept where that is not wanted."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.shell import recent_cases
from napari_bonemarrow.gui.shell.recent_cases import RecentCase
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import open_slide
from napari_bonemarrow.system.home import home


def _open(panel, qtbot, path: Path) -> None:
    with qtbot.waitSignal(panel.controller.opened, timeout=20_000):
        panel.controller.open_path(path)


def _note(path: Path, day: int = 1) -> None:
    slide = open_slide(path)
    with Case.create(case_path_for(path), slide, reviewer="Ada") as case:
        recent_cases.note(slide, case, date(2026, 11, day))


def test_the_last_comes_first_and_once(field, plain_field):
    _note(field)
    _note(plain_field, 2)
    with Case.open(case_path_for(field), reviewer="Ada") as case:
        recent_cases.note(open_slide(field), case, date(2026, 11, 3))
    assert [(each.name, each.opened) for each in recent_cases.recent()] == [
        ("field.png", "3 Nov 2026"),
        ("plain.png", "2 Nov 2026"),
    ]


def test_no_more_are_kept_than_can_be_read(field, tmp_path):
    for at in range(recent_cases.MOST + 3):
        path = tmp_path / f"{at}.png"
        shutil.copy(field, path)
        _note(path)
    assert len(recent_cases.recent()) == recent_cases.MOST
    assert recent_cases.recent()[0].name == f"{recent_cases.MOST + 2}.png"


def test_what_is_missing_is_known_by_looking(field):
    _note(field)
    assert not recent_cases.with_missing(recent_cases.recent())[0].missing
    field.unlink()
    [gone] = recent_cases.with_missing(recent_cases.recent())
    assert gone.missing
    assert gone.text == "field.png · 1 Nov 2026 · not found"


def test_nothing_is_kept_once_it_is_switched_off(field):
    _note(field)
    settings.change(remembers_cases=False)
    assert recent_cases.recent() == ()
    with Case.open(case_path_for(field), reviewer="Ada") as case:
        recent_cases.note(open_slide(field), case)
    assert "field.png" not in (home() / "settings.json").read_text()


def test_a_spoilt_entry_is_left_out(field):
    _note(field)
    path = home() / "settings.json"
    saved = json.loads(path.read_text())
    saved["recent"] = [{"path": 3}, "text", *saved["recent"]]
    path.write_text(json.dumps(saved))
    assert len(recent_cases.recent()) == 1
    saved["recent"] = "text"
    path.write_text(json.dumps(saved))
    assert recent_cases.recent() == ()


def test_the_empty_panel_lists_them_and_opens_one(open_panel, field, plain_field, qtbot):
    _note(plain_field)
    _note(field, 2)
    plain_field.unlink()
    _viewer, panel = open_panel()
    controller = panel.controller
    qtbot.waitUntil(lambda: any("not found" in each.text() for each in panel.welcome.recent_buttons))
    first, second = panel.welcome.recent_buttons
    assert panel.welcome.recent_part.isVisible()
    assert (first.isEnabled(), second.isEnabled()) == (True, False)
    assert "not found" in second.toolTip()
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        first.click()
    assert controller.smear.session.slide.path == field
    assert panel.header.recent_menu.actions()[0].text().startswith("field.png")


def test_progress_is_told_and_the_list_is_cleared(analysed, qtbot):
    _viewer, panel = analysed
    review, case = panel.controller.smear.review, panel.controller.smear.session.case
    review.navigation.next()
    review.corrections.label("BLA")
    counted = int(case.cells.in_frame.sum())
    panel.controller._on_smear_removed()
    [only] = recent_cases.recent()
    assert only.text.endswith(f"1 of {counted} reviewed") or not case.cells.in_frame[0]
    assert (only.reviewed, only.cells) in {(1, counted), (0, counted)}
    qtbot.waitUntil(lambda: len(panel.welcome.recent_buttons) == 1)
    panel.welcome.clear_button.click()
    assert recent_cases.recent() == ()
    assert panel.welcome.recent_part.isHidden()
    assert not panel.header.recent_menu.isEnabled()


def test_a_name_is_shown_as_it_is():
    case = RecentCase("/a/b&c <b>.png", "b&c <b>.png", "1 Nov 2026", 0, 0)
    assert case.text == "b&c <b>.png · 1 Nov 2026"
