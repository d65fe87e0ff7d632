"""Where a file is saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtWidgets import QDialog, QFileDialog, QWidget

from napari_bonemarrow.gui.widgets.file_choice import ask_save


@pytest.mark.parametrize(
    ("typed", "saved"),
    [(None, "smear 'Ü' 1 report.pdf"), ("mine", "mine.pdf"), ("mine.pdf", "mine.pdf")],
)
def test_a_name_keeps_its_suffix_and_has_no_quotation_marks(
    typed: str | None, saved: str, tmp_path: Path, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)

    def accept(dialog: QFileDialog) -> int:
        if typed is not None:
            dialog.selectFile(typed)
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QFileDialog, "exec", accept)
    suggested = tmp_path / 'smear "Ü" 1 report.pdf'
    assert ask_save(parent, "Save", suggested, "Report (*.pdf)") == tmp_path / saved


def test_giving_up_saves_nothing(tmp_path: Path, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    monkeypatch.setattr(QFileDialog, "exec", lambda dialog: QDialog.DialogCode.Rejected)
    assert ask_save(parent, "Save", tmp_path / "a.pdf", "Report (*.pdf)") is None
