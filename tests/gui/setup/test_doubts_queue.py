"""A queue of doubted crops in the window: by rank, with the keys of any review."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_bonemarrow.cytology.schemes import SCHEMES
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.training.data.crop_index import Source
from napari_bonemarrow.training.label_review.review_queue import Doubt, correct, write_queue


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """Six crops of no blast; the model thinks that four are lymphocytes."""
    files = []
    for at in range(6):
        files.append(tmp_path / "set" / "BLA" / f"{at}.png")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(at).integers(0, 255, (250, 250, 3), np.uint8)
        Image.fromarray(pixels).save(files[-1])
    source = Source("set", SCHEMES["bmc21"], tuple(files), ("BLA",) * 6, 0, tmp_path / "set")
    sure = (0.9, 0.6, 0.8, 0.7)  # not in the order of the ranks
    doubts = [
        Doubt(source, files[at], "BLA", "LYT", 0.1 * at, {"BLA": 1 - p, "LYT": p})
        for at, p in enumerate(sure)
    ]
    out = tmp_path / "queue"
    write_queue(out, [(source, at) for at in range(6)], doubts, Bundle.open("starter"))
    return out


def test_a_reviewer_goes_through_the_queue(open_panel, queue, qtbot) -> None:
    _viewer, panel = open_panel()
    controller = panel.controller
    native = panel.window()._qt_viewer.canvas.native
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(queue / "doubts.bmcase")
    panel.show_review()
    rings = controller.smear_viewer.rings
    qtbot.waitUntil(lambda: len(rings.layer.data) == 4)
    assert list(rings.layer.features["class"]) == ["BLA"] * 4, "the labels that the data give"
    assert not any(rings.layer.features["reviewed"])
    review = controller.smear.review
    qtbot.keyClick(native, Qt.Key.Key_Space)
    assert review.selection.current == 1, "the worst first, however sure the model is"
    qtbot.keyClick(native, Qt.Key.Key_L)
    assert review.selection.current == 2
    qtbot.keyClick(native, Qt.Key.Key_Return)  # the given label holds
    assert review.selection.current == 3
    qtbot.keyClick(native, Qt.Key.Key_1)  # the model's first guess
    assert review.selection.current == 4
    qtbot.waitUntil(lambda: list(rings.layer.features["reviewed"]) == [True, True, True, False])
    panel.close()
    counts = correct(queue / "doubts.bmcase", queue / "corrected.csv")
    assert counts == {"confirmed": 1, "corrected": 2, "left_out": 0, "waiting": 1, "crops": 6}
    labels = [line.split(",")[1] for line in (queue / "corrected.csv").read_text().splitlines()[1:]]
    assert labels == ["LYT", "BLA", "LYT", "BLA", "BLA", "BLA"]
