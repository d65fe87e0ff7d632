"""The preview shows the pages that are saved; findings stay in the case, and a patient's name nowhere."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_bonemarrow.gui.report_preview.preview import ReportPreview
from napari_bonemarrow.review import Case
from napari_bonemarrow.system.home import home


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
