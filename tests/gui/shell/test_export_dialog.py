"""The export dialog: names and filters of every format, and long exports off the window's thread."""

from __future__ import annotations

import threading

import openpyxl
import pytest

from napari_bonemarrow.gui.shell import export_dialog
from napari_bonemarrow.gui.shell.export_dialog import ExportOptions, ask_export, begin_export, file_filter
from napari_bonemarrow.report import FORMATS


def test_every_format_is_offered_with_its_filter():
    for kind, each in FORMATS.items():
        assert ExportOptions(format=kind).format == kind
        if each.name:
            assert file_filter(kind).endswith(f"(*.{each.name.rpartition('.')[2]})")
            assert file_filter(kind).count("(") == 1


@pytest.fixture
def window(analysed, monkeypatch):
    _viewer, panel = analysed
    monkeypatch.setattr(export_dialog, "_MANY_CELLS", 0)  # every export is a long one
    return panel.controller


def test_a_long_export_is_written_in_another_thread(window, tmp_path, qtbot, notices, monkeypatch):
    seen, written = [], export_dialog.export

    def export(*given, **kept):
        seen.append(threading.get_ident())
        written(*given, **kept)

    monkeypatch.setattr(export_dialog, "export", export)
    path = tmp_path / "counts.xlsx"
    asked = []
    monkeypatch.setattr(export_dialog, "ask_save", lambda *given: asked.append(given) or path)
    ask_export(window.panel, window.smear.session, ExportOptions(format="xlsx"), window.notices, window.tasks)
    assert asked[0][3] == "Workbook for Excel (*.xlsx)"
    assert asked[0][2].name.endswith(" counts.xlsx")
    qtbot.waitUntil(lambda: notices[-1].startswith("Written"), timeout=20_000)
    assert seen != [threading.get_ident()]
    sheet = openpyxl.load_workbook(path)["Cells"]
    assert sheet.max_row == len(window.smear.session.case.cells) + 1


def test_an_error_in_the_thread_stays_in_the_panel(window, tmp_path, qtbot):
    case = window.smear.session.case
    options = ExportOptions(format="crops")
    with qtbot.waitSignal(window.notices.failed, timeout=20_000) as failed:
        begin_export(window.smear.session, options, tmp_path / "crops", window.notices, window.tasks)
    assert "no cell has been reviewed yet" in failed.args[0]
    assert len(window.notices.open) == 1
    case.set_label(case.cells.cell_id[:1].tolist(), "LYT")
    begin_export(window.smear.session, options, tmp_path / "crops", window.notices, window.tasks)
    qtbot.waitUntil(lambda: not window.notices.open, timeout=20_000)
    assert (tmp_path / "crops" / "LYT" / "LYT_00001.png").stat().st_size
