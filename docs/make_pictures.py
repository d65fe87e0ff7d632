"""Take the pictures of the documentation in the real window, on the drawn smear: ``make docs``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from qtpy.QtCore import QEventLoop, QTimer

from napari_bonemarrow.drawing import sample_smear
from napari_bonemarrow.gui.app import docked_window
from napari_bonemarrow.gui.panel import BoneMarrowPanel
from napari_bonemarrow.workflow import write_sample_slide

FOLDER = Path(__file__).resolve().parent / "pictures"
PATIENCE_MS = 120_000
TEACHING_MS = 900_000
EPOCHS = 8
SETTLE_MS = 1000


def wait_for(signal, act: Callable[[], object], patience_ms: int = PATIENCE_MS) -> None:
    """Act, and run the event loop until the signal comes."""
    loop = QEventLoop()
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: loop.exit(1))
    signal.connect(lambda *_: loop.exit(0))
    timer.start(patience_ms)
    QTimer.singleShot(0, act)
    if loop.exec_():
        raise SystemExit("error: the window did not answer in time")


def settle() -> None:
    """Let napari draw what has changed."""
    loop = QEventLoop()
    QTimer.singleShot(SETTLE_MS, loop.quit)
    loop.exec_()


def central_cell(case) -> int:
    """Return the cell nearest the middle of the smear, so that the picture shows no empty canvas."""
    cells, frame = case.cells, case.frame
    away = (cells.x - frame.width / 2) ** 2 + (cells.y - frame.height / 2) ** 2
    return int(cells.cell_id[away.argmin()])


def main() -> None:
    """Walk through the sample as a reviewer would, taking pictures."""
    FOLDER.mkdir(exist_ok=True)
    slides = Path(tempfile.mkdtemp())
    os.environ["NAPARI_BONEMARROW_HOME"] = str(slides / "home")  # leave the user's own models and runs alone
    viewer, panel = docked_window()
    coordinator = panel.coordinator

    def take(name: str) -> None:
        settle()
        pixels = viewer.window.screenshot(canvas_only=False, flash=False)
        Image.fromarray(pixels).convert("RGB").save(FOLDER / name, quality=85, method=6)

    _walk(panel, take, slides)
    coordinator.leave()
    viewer.close()
    shutil.rmtree(slides, ignore_errors=True)


def _walk(panel: BoneMarrowPanel, take: Callable[[str], None], slides: Path) -> None:
    coordinator = panel.coordinator
    take("empty.webp")
    sample = write_sample_slide(slides)
    wait_for(coordinator.opened, lambda: coordinator.open_path(sample))
    take("slide.webp")
    wait_for(coordinator.preparing.analysed, coordinator.preparing.find_cells)
    cell = central_cell(coordinator.session.case)
    panel.show_review()
    coordinator.explaining.set_method("gradcam")
    wait_for(coordinator.explaining.shown, lambda: coordinator.review.select(cell, go=True))
    take("review.webp")
    panel.tabs.setCurrentWidget(panel.count_tab)
    take("window.webp")
    panel.tabs.setCurrentWidget(panel.model_tab)
    take("model.webp")
    _fine_tune(panel)
    take("fine-tune.webp")


def _fine_tune(panel: BoneMarrowPanel) -> None:
    """Review every cell as it was drawn, and teach a model from that."""
    coordinator, tab, truth = panel.coordinator, panel.finetune_tab, sample_smear()
    case = coordinator.session.case
    drawn: dict[str, list[int]] = {}
    for cell, x, y in zip(case.cells.cell_id.tolist(), case.cells.x, case.cells.y, strict=True):
        nearest = int(((truth.cells.x - x) ** 2 + (truth.cells.y - y) ** 2).argmin())
        drawn.setdefault(truth.codes[nearest], []).append(cell)
    for code, cells in drawn.items():
        case.set_label(cells, code)
    wait_for(coordinator.finetuning.looked, lambda: panel.tabs.setCurrentWidget(tab))
    tab.epochs_box.setValue(EPOCHS)
    wait_for(coordinator.finetuning.ended, tab.start_button.click, TEACHING_MS)


if __name__ == "__main__":
    main()
