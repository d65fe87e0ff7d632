"""The preview shows the pages that are saved; findings stay in the case, and a patient's name nowhere."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pypdfium2
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.engine import EngineStatus
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.gui.report_preview.preview import ReportPreview
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.review import Case
from napari_bonemarrow.system.home import home
from napari_bonemarrow.workflow.report_options import report_options
from tests.gui.conftest import MODEL


def pages_of(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    try:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


@pytest.fixture
def preview(analysed, qtbot):
    _viewer, panel = analysed
    panel.show_count()
    qtbot.mouseClick(panel.count_tab.report_button, Qt.MouseButton.LeftButton)
    shown: ReportPreview = panel.controller.dialogs.preview
    qtbot.waitUntil(lambda: bool(shown.dialog.pages.pages), timeout=20_000)
    yield shown
    panel.controller.dialogs.close_preview()


def settled(preview: ReportPreview, qtbot) -> None:
    qtbot.waitUntil(lambda: not preview._soon.isActive() and preview._worker is None, timeout=20_000)


def saved(preview: ReportPreview, path: Path, qtbot) -> Path:
    preview.save(path.suffix.removeprefix("."), path)
    qtbot.waitUntil(lambda: "Written" in preview.dialog.status.text(), timeout=20_000)
    return path


def test_what_is_typed_is_printed_and_only_findings_are_kept(preview, tmp_path, qtbot) -> None:
    form, case = preview.dialog.form, preview.session.case
    lines = case.history.last.seq
    QTest.keyClicks(form.box("patient"), "Zyx #let <b>")
    QTest.keyClicks(form.box("site"), "sternum")
    form.box("comment").setPlainText("two\nlines")
    text = pages_of(saved(preview, tmp_path / "a.pdf", qtbot))
    assert all(each in text for each in ("Zyx #let <b>", "sternum", "two lines"))
    assert dict(case.findings.values) == {"site": "sternum", "comment": "two\nlines"}
    assert case.history.last.seq > lines
    preview.close()
    files = (*case.path.parent.glob("*.bmcase*"), *home().rglob("*"))
    kept = [path.read_bytes() for path in files if path.is_file()]
    assert kept
    assert not any(b"Zyx" in data for data in kept)


def test_the_pages_follow_language_and_pictures(preview, qtbot) -> None:
    settled(preview, qtbot)
    before = preview.dialog.pages.pages[0].toImage()
    preview.dialog.form.language.setCurrentIndex(2)
    settled(preview, qtbot)
    assert preview.options.language == "de"
    german = preview.dialog.pages.pages[0].toImage()
    assert german != before
    preview.dialog.form.montage.setChecked(False)
    settled(preview, qtbot)
    assert preview.dialog.pages.pages[0].toImage() != german
    assert len(preview.dialog.pages.pages) == 1


@pytest.fixture
def truthful_bundle(monkeypatch) -> None:
    """A bundle on this computer is the one that classified."""
    card = Bundle.open("starter").card
    here = SimpleNamespace(sha256=MODEL.sha256, card=card, path=Path())
    monkeypatch.setattr("napari_bonemarrow.workflow.report_options.bundle_of", lambda _case: here)


def test_heatmaps_are_those_of_the_export(truthful_bundle, preview, tmp_path, qtbot) -> None:
    settled(preview, qtbot)
    form, engine = preview.dialog.form, preview._rendering.engine
    before = preview.dialog.pages.pages[-1].toImage()
    assert not form.heatmaps.isChecked()
    assert "explain_crop" not in engine.asked
    form.heatmaps.setChecked(True)
    settled(preview, qtbot)
    assert preview.dialog.pages.pages[-1].toImage() != before
    asked = engine.asked.count("explain_crop")
    saved(preview, tmp_path / "a.html", qtbot)
    assert "Heatmap of cell" in (tmp_path / "a.html").read_text("utf-8")
    assert engine.asked.count("explain_crop") == asked == 2  # blasts; each is made once
    with Case.open(preview.session.case.path, read_only=True) as case:
        exported = report_options(case, heatmaps=True, engine=engine).heatmaps
    shown = {cell: pixels for (_bundle, cell, _code), pixels in preview._rendering._made.items()}
    assert shown.keys() == exported.keys()
    assert all(np.array_equal(shown[cell], exported[cell]) for cell in shown)
    form.montage.setChecked(False)
    assert not form.heatmaps.isEnabled()
    assert not form.wants_heatmaps


def test_the_dialog_can_be_closed_while_heatmaps_are_made(
    truthful_bundle, preview, monkeypatch, qtbot
) -> None:
    settled(preview, qtbot)
    waiting: Future = Future()
    monkeypatch.setattr(preview._rendering.engine, "explain_crop", lambda _crop, target: waiting)
    preview.dialog.form.heatmaps.setChecked(True)
    qtbot.waitUntil(lambda: preview.dialog.status.text() == "Heatmap 1 of 2…", timeout=20_000)
    preview.dialog.close_button.click()
    assert preview._closed
    waiting.set_result(SimpleNamespace(values=np.zeros((200, 200), np.float32)))


def test_heatmaps_that_fail_are_one_line_and_the_pages_are_shown(preview, qtbot) -> None:
    dialog = preview.dialog
    dialog.form.heatmaps.setChecked(True)
    qtbot.waitUntil(lambda: "no heatmaps, since the bundle" in dialog.error.text(), timeout=20_000)
    settled(preview, qtbot)
    dialog.form.language.setCurrentIndex(2)
    german = dialog.pages.pages[0].toImage()
    settled(preview, qtbot)
    assert dialog.pages.pages[0].toImage() != german
    assert "\n" not in dialog.error.text()


def test_another_bundle_in_the_engine_makes_no_heatmap(truthful_bundle, preview, monkeypatch, qtbot) -> None:
    other = EngineStatus("cpu", Bundle.open("starter").reference, (), {}, 250, 0.1)
    monkeypatch.setattr(preview._rendering.engine, "status", other)
    preview.dialog.form.heatmaps.setChecked(True)
    qtbot.waitUntil(lambda: "another bundle is loaded" in preview.dialog.error.text(), timeout=20_000)
    assert "explain_crop" not in preview._rendering.engine.asked


def test_a_laboratorys_file_and_the_last_choices_are_remembered(
    analysed, preview, tmp_path, monkeypatch, qtbot
) -> None:
    form, chosen = preview.dialog.form, tmp_path / "north.yaml"
    monkeypatch.setattr(
        "napari_bonemarrow.gui.report_preview.preview.QFileDialog.getOpenFileName",
        lambda *_: (str(chosen), ""),
    )
    chosen.write_text("laborotory: North\n", "utf-8")
    form.layout_box.setCurrentIndex(form.layout_box.count() - 1)
    assert "north.yaml" in preview.dialog.error.text()
    assert "\n" not in preview.dialog.error.text()
    assert preview.options.layout == ""
    chosen.write_text("laboratory: North\n", "utf-8")
    form.layout_box.setCurrentIndex(form.layout_box.count() - 1)
    assert preview.options.layout == str(chosen)
    form.language.setCurrentIndex(2)
    QTest.keyClicks(form.box("patient"), "Zyx")
    settled(preview, qtbot)
    assert preview.dialog.error.text() == ""
    _viewer, panel = analysed
    panel.controller.dialogs.export("report")
    again = panel.controller.dialogs.preview
    assert (again.options.layout, again.options.language) == (str(chosen), "de")
    assert again.dialog.form.box("patient").text() == ""
    chosen.unlink()
    panel.controller.dialogs.export("report")
    last = panel.controller.dialogs.preview
    settled(last, qtbot)
    assert last.options.layout == ""
    assert "no such layout" in last.dialog.error.text()
    assert settings.load().report_language == "de"


def test_a_wrong_layout_stays_in_the_dialog(preview, qtbot) -> None:
    folder = home() / "layouts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bad.yaml").write_text("laboratory: x\nlogo: gone.png\n", "utf-8")
    form = preview.dialog.form
    form.layout_box.addItem("bad", "bad")
    form.layout_box.setCurrentIndex(form.layout_box.count() - 1)
    qtbot.waitUntil(lambda: "logo of the layout is not there" in preview.dialog.error.text(), timeout=20_000)
    form.layout_box.setCurrentIndex(0)
    qtbot.waitUntil(lambda: not preview.dialog.error.isVisible(), timeout=20_000)


def test_undo_is_followed_and_a_signed_case_is_read_only(preview, qtbot) -> None:
    form, case = preview.dialog.form, preview.session.case
    QTest.keyClicks(form.box("site"), "sternum")
    form.leave()
    assert case.findings.values["site"] == "sternum"
    case.undo()
    assert form.box("site").text() == ""
    case.sign("Ada", "unreviewed on purpose")
    assert form.box("site").isReadOnly()
    assert not form.box("patient").isReadOnly()


def test_it_fits_a_small_screen(preview) -> None:
    dialog = preview.dialog
    dialog.resize(1100, 680)
    QApplication.processEvents()
    assert dialog.minimumSizeHint().width() <= 1366
    assert dialog.minimumSizeHint().height() <= 768
    for each in (*dialog.save_buttons.values(), dialog.close_button):
        assert each.width() >= each.sizeHint().width()
        assert dialog.rect().contains(each.geometry())


def test_it_opens_by_key_and_closes_with_its_smear(analysed, qtbot) -> None:
    _viewer, panel = analysed
    native = panel.window()._qt_viewer.canvas.native
    qtbot.keyClick(native, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    preview = panel.controller.dialogs.preview
    qtbot.waitUntil(lambda: bool(preview.dialog.pages.pages), timeout=20_000)
    QTest.keyClicks(preview.dialog.form.box("site"), "sternum")
    case = preview.session.case.path
    panel.controller.leave_smear()
    assert panel.controller.dialogs.preview is None
    with Case.open(case, read_only=True) as again:
        assert again.findings.values["site"] == "sternum"
