"""Sign in the window, verify on the command line, tamper with the file, and see the window say so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from qtpy.compat import isalive
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.review import Case, case_path_for
from napari_bonemarrow.slides import Scale, ScaleSource, open_slide
from tests.adversarial.forging import alter, following

from .reviewer import Reviewer


@pytest.fixture
def read(tmp_path: Path) -> Path:
    """A case of a field, all of whose cells are reviewed."""
    from PIL import Image

    path = tmp_path / "field.png"
    Image.fromarray(np.full((400, 600, 3), 225, np.uint8)).save(path)
    slide = open_slide(path).with_scale(Scale(0.1, ScaleSource.USER, basis="given"))
    with Case.create(case_path_for(path), slide, reviewer="Dr Ada") as case:
        case.sampling.set_frame(Frame.whole_field(600, 400, 0.0), 8)
        ones = np.ones(8, np.float32)
        x = 60.0 + 60 * np.arange(8)
        case.detection.record(Cells(np.arange(1, 9), x, np.full(8, 200.0), 9 * ones, ones, ones > 0))
        case.set_label(range(1, 9), "NGS")
    return case.path


def verify(path: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "napari_bonemarrow", "verify", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def opened(reviewer: Reviewer, path: Path, qtbot) -> Case:
    controller = reviewer.panel.controller
    with qtbot.waitSignal(controller.opened, timeout=60_000):
        controller.open_path(path)
    return controller.smear.session.case


def test_what_is_written_after_a_signature_is_seen(
    come_in: Callable[[], Reviewer], read: Path, qtbot
) -> None:
    reviewer = come_in()
    panel = reviewer.panel
    case = opened(reviewer, read, qtbot)
    panel.tabs.setCurrentWidget(panel.count_tab)
    part = panel.count_tab.sign
    part.ask_to_sign()
    dialog = part.dialog
    dialog.name_edit.setText("Dr Ada")
    qtbot.keyClick(dialog, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert case.is_signed
    qtbot.waitUntil(lambda: not isalive(dialog))
    panel.controller.leave_smear()  # as closing the smear does

    code, told = verify(read)
    assert code == 0
    assert "by the key of Dr Ada" in told
    assert "known to this computer" in told

    cells = list(range(1, 9))
    alter(
        read,
        lambda lines: lines.append(
            following(lines[-1], kind="label set", cells=cells, old=[None] * 8, new="BLA")
        ),
    )
    code, told = verify(read)
    assert code == 1
    assert "was not allowed: the case was signed by Dr Ada" in told

    case = opened(reviewer, read, qtbot)
    assert case.read_only
    assert case.differential().row("NGS").count == 8
    for page in range(panel.tabs.count()):
        panel.tabs.setCurrentIndex(page)
        assert panel.header.banner.isVisible()
        assert "Do not rely on this case" in panel.header.banner.toolTip()
    assert panel.header.saved_label.text() == "read only"
    assert "Not to be relied on" in part.text.text()
    assert not part.sign_button.isEnabled()
