"""Take the pictures of the documentation in the real window, on drawn smears: ``make docs``."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from qtpy.QtCore import QEventLoop, QTimer
from scipy import ndimage as ndi

from napari_bonemarrow.cytology import CLASSES, Lineage
from napari_bonemarrow.drawing import draw_smear, sample_smear
from napari_bonemarrow.gui.launch import docked_window
from napari_bonemarrow.gui.window.plugin import DockedPanel
from napari_bonemarrow.report import ReportOptions
from napari_bonemarrow.report.page.page import gather_report
from napari_bonemarrow.report.page.pdf import pictures_of
from napari_bonemarrow.review import Case
from napari_bonemarrow.workflow import write_sample_slide

FOLDER = Path(__file__).resolve().parent / "pictures"
PATIENCE_MS = 120_000
TEACHING_MS = 900_000
EPOCHS = 8
SETTLE_MS = 1000
REVIEWED = 40
"""Cells that are reviewed on the picture of the gallery."""
SAMPLED = 56
"""Cells of the random sample that are reviewed on its pictures."""
SHORTLY_MS = 150
REPORT_DPI = 110

MICRONS = 0.25
PIECE = 2560
"""Side of a drawn piece of smear, px; what the whole slide is laid out of, 640 µm."""
ROWS, COLUMNS = 3, 4
STEP = 16
"""Pixels that share one kind of place."""
GLASS, INK = (238, 234, 240), (38, 44, 120)
MARROW = {"NGS": 80, "EBO": 90, "LYT": 60, "MYB": 40, "MMZ": 40, "NGB": 40, "PMO": 16, "BLA": 12, "EOS": 12}
PARTICLES = ((0.45, 0.55, 0.13), (0.6, 1.3, 0.17), (1.25, 0.85, 0.1))
"""Where particles of marrow lie and their radius, mm; their trails run to the right."""


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


def settle(milliseconds: int = SETTLE_MS) -> None:
    """Let napari draw what has changed."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_()


def central_cell(case) -> int:
    """Return the counted cell nearest the middle of the smear, so that the picture shows no empty canvas."""
    cells, frame = case.cells, case.frame
    away = (cells.x - frame.width / 2) ** 2 + (cells.y - frame.height / 2) ** 2
    counts = [CLASSES[code].lineage is not Lineage.NOT_COUNTED for code in case.effective_codes()]
    away = np.where(counts, away, np.inf)
    return int(cells.cell_id[away.argmin()])


def draw_pieces() -> dict[str, NDArray[np.uint8]]:
    """Draw a piece of each kind of place."""
    side = {"width": PIECE, "height": PIECE, "microns_per_pixel": MICRONS}
    trail = draw_smear(5, cells_per_class=MARROW, **side).image
    light = trail / np.array(GLASS, np.float32)
    layers = light * light[::-1] * np.rot90(light)
    particle = (layers * light[:, ::-1]) ** 1.8
    noise = np.random.default_rng(1).normal(0, 2, trail.shape)
    return {
        "glass": np.clip(noise + GLASS, 0, 255).astype(np.uint8),
        "blood": draw_smear(6, cells_per_class={"NGS": 3, "LYT": 2}, **side).image,
        "trail": trail,
        "thick": np.clip(layers * GLASS, 0, 255).astype(np.uint8),
        "particle": np.clip(particle * GLASS, 0, 255).astype(np.uint8),
        "blurred": ndi.gaussian_filter(trail, (5, 5, 0)),
        "ink": np.clip(noise + INK, 0, 255).astype(np.uint8),
    }


def lay_out() -> NDArray[np.str_]:
    """Say which kind of place each square of `STEP` pixels is."""
    shape = (ROWS * PIECE // STEP, COLUMNS * PIECE // STEP)
    rough = ndi.gaussian_filter(np.random.default_rng(2).normal(size=(2, *shape)), (0, 10, 10))
    exact = np.indices(shape) * (STEP * MICRONS / 1000)
    y, x = exact + rough
    kinds = np.full(shape, "glass", dtype="<U8")
    smear = (np.abs(y - 0.96) < 0.83 - 0.05 * x) & (x > 0.13) & (x < 2.4)
    kinds[smear] = "blood"
    for at_x, at_y, radius in PARTICLES:
        behind = x - at_x
        kinds[smear & (behind > 0) & (behind < 1.5) & (np.abs(y - at_y) < 1.3 * radius + 0.1 * behind)] = (
            "trail"
        )
    for at_x, at_y, radius in PARTICLES:
        away = np.hypot(x - at_x, y - at_y)
        kinds[smear & (away < 1.5 * radius)] = "thick"
        kinds[away < radius] = "particle"
    kinds[smear & (np.hypot(x - 1.75, y - 1.5) < 0.22)] = "blurred"
    kinds[np.abs(exact[0] - 0.35 * (exact[1] - 1.6) ** 2 - 0.05 - 0.3 * rough[0]) < 0.03] = "ink"
    return kinds


def write_slide(folder: Path) -> Path:
    """Draw a whole slide: particles, trails, blood, glass and ink, as a pyramidal TIFF with its scale."""
    path, pieces, kinds = folder / "drawn slide.tif", draw_pieces(), lay_out()
    image = np.empty((ROWS * PIECE, COLUMNS * PIECE, 3), np.uint8)
    for at in np.ndindex(ROWS, COLUMNS):
        number, part = at[0] * COLUMNS + at[1], tuple(slice(k * PIECE, (k + 1) * PIECE) for k in at)
        here = kinds[tuple(slice(k * PIECE // STEP, (k + 1) * PIECE // STEP) for k in at)]
        for kind in np.unique(here):
            turned = np.rot90(pieces[str(kind)], number)[:, :: -1 if number % 8 > 3 else 1]
            where = (here == kind).repeat(STEP, 0).repeat(STEP, 1)
            image[part][where] = turned[where]
    per_cm = 1e4 / MICRONS
    options = {
        "tile": (256, 256),
        "photometric": "rgb",
        "compression": "zlib",
        "compressionargs": {"level": 1},
    }
    with tifffile.TiffWriter(path) as file:
        file.write(image, resolution=(per_cm, per_cm), resolutionunit="CENTIMETER", subifds=2, **options)
        for _ in range(2):
            height, width = image.shape[0] // 4, image.shape[1] // 4
            image = image.reshape(height, 4, width, 4, 3).mean(axis=(1, 3)).astype(np.uint8)
            file.write(image, subfiletype=1, **options)
    return path


def main() -> None:
    """Walk through the sample as a reviewer would, taking pictures."""
    FOLDER.mkdir(exist_ok=True)
    slides = Path(tempfile.mkdtemp())
    os.environ["NAPARI_BONEMARROW_HOME"] = str(slides / "home")  # leave the user's own models and runs alone
    viewer, panel = docked_window()
    controller = panel.controller
    controller.reviewer.use("A. Reviewer")

    def take(name: str) -> None:
        settle()
        pixels = viewer.window.screenshot(canvas_only=False, flash=False)
        Image.fromarray(pixels).convert("RGB").save(FOLDER / name, quality=85, method=6)

    asked = set(sys.argv[1:]) or {"field", "sample", "slide"}
    if "slide" in asked:
        _walk_slide(panel, take, slides)
    if "sample" in asked:
        _walk_sample(panel, take, slides / "sample")
    if "field" in asked:
        _walk(panel, take, slides)
    controller.leave()
    viewer.close()
    shutil.rmtree(slides, ignore_errors=True)


def _walk_slide(panel: DockedPanel, take: Callable[[str], None], slides: Path) -> None:
    """Survey a whole slide and take its best regions."""
    controller, smear_viewer = panel.controller, panel.controller.smear_viewer
    path = write_slide(slides)
    wait_for(controller.opened, lambda: controller.open_path(path))
    wait_for(controller.smear.survey.surveyed, panel.slide_tab.where.survey_button.click)
    panel.slide_tab.where.best_button.click()
    smear_viewer.viewer.reset_view()
    take("survey.webp")
    smear_viewer.viewer.layers.remove(smear_viewer.smear)  # its case is closed: what follows begins empty
    settle()


def _walk_sample(panel: DockedPanel, take: Callable[[str], None], folder: Path) -> None:
    """Review a random sample of the drawn smear, which teaches the guesses of the others."""
    controller = panel.controller
    folder.mkdir()
    sample = write_sample_slide(folder)
    wait_for(controller.opened, lambda: controller.open_path(sample))
    wait_for(controller.smear.setup.analysed, controller.smear.setup.find_cells)
    case, review = controller.smear.session.case, controller.smear.review
    while case.model.features is None:  # the first lesson needs them
        settle()
    case.sample.begin(seed=1, goal={"of": "erythroid", "width": 8.0})
    panel.show_review()
    truth = _drawn_codes(case)
    review.worklist.order = "sample"
    review.navigation.next()
    for _cell in range(SAMPLED):
        review.corrections.label(truth[review.selection.current])
        settle(SHORTLY_MS)
    settle()
    take("taught.webp")
    panel.tabs.setCurrentWidget(panel.count_tab)
    take("sample.webp")
    controller.leave_smear()
    settle()


def _walk(panel: DockedPanel, take: Callable[[str], None], slides: Path) -> None:
    controller = panel.controller
    take("empty.webp")
    sample = write_sample_slide(slides)
    wait_for(controller.opened, lambda: controller.open_path(sample))
    take("slide.webp")
    wait_for(controller.smear.setup.analysed, controller.smear.setup.find_cells)
    cell = central_cell(controller.smear.session.case)
    panel.show_review()
    controller.smear.heatmap.set_method("gradcam")
    wait_for(controller.smear.heatmap.shown, lambda: controller.smear.review.navigation.select(cell, go=True))
    take("review.webp")
    panel.tabs.setCurrentWidget(panel.count_tab)
    take("window.webp")
    panel.tabs.setCurrentWidget(panel.model_tab)
    take("model.webp")
    _gallery(panel, take)
    _fine_tune(panel)
    controller.smear.gallery.dock.parentWidget().hide()
    controller.smear.similarity.map.parentWidget().hide()
    take("fine-tune.webp")
    controller.smear.session.case.sign("A. Reviewer")
    panel.tabs.setCurrentWidget(panel.count_tab)
    take("signed.webp")
    take_report(controller.smear.session.case, FOLDER / "report.webp")


def take_report(case: Case, path: Path) -> None:
    """Take the first page of the report."""
    options = ReportOptions(
        fields={"sample_number": "drawn smear", "site": "iliac crest", "cellularity": "normal"}
    )
    pages = pictures_of(gather_report(case, options=options), REPORT_DPI)
    Image.open(io.BytesIO(pages[0])).convert("RGB").save(path, quality=85, method=6)


def _gallery(panel: DockedPanel, take: Callable[[str], None]) -> None:
    """Review the first of the work list as they were drawn, and look at all cells class by class."""
    controller = panel.controller
    review, dock = controller.smear.review, controller.smear.gallery.dock
    panel.show_review()
    controller.smear.heatmap.set_method("off")
    truth = _drawn_codes(controller.smear.session.case)
    review.selection.clear()
    review.navigation.next()
    for _cell in range(REVIEWED):
        review.corrections.label(truth[review.selection.current])
    controller.smear.gallery.show()
    dock.grouped.setChecked(True)
    take("gallery.webp")
    controller.smear.similarity.show_map()
    wait_for(controller.smear.similarity.map_controller.made, controller.smear.similarity.map_controller.make)
    take("map.webp")


def _drawn_codes(case) -> dict[int, str]:
    """Return the class that each found cell was drawn as."""
    truth = sample_smear()
    found = zip(case.cells.cell_id.tolist(), case.cells.x, case.cells.y, strict=True)
    return {
        cell: truth.codes[int(((truth.cells.x - x) ** 2 + (truth.cells.y - y) ** 2).argmin())]
        for cell, x, y in found
    }


def _fine_tune(panel: DockedPanel) -> None:
    """Review every cell as it was drawn, and teach a model from that."""
    controller, tab = panel.controller, panel.finetune_tab
    case = controller.smear.session.case
    drawn: dict[str, list[int]] = {}
    for cell, code in _drawn_codes(case).items():
        drawn.setdefault(code, []).append(cell)
    for code, cells in drawn.items():
        case.set_label(cells, code)
    wait_for(controller.finetune.looked, lambda: panel.tabs.setCurrentWidget(tab))
    tab.epochs_box.setValue(EPOCHS)
    wait_for(controller.finetune.ended, tab.start_button.click, TEACHING_MS)


if __name__ == "__main__":
    main()
