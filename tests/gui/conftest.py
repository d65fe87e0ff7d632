"""A panel in a real viewer, with an engine that answers at once and knows the drawn truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import DrawnSmear, draw_smear, write_sample
from napari_bonemarrow.engine import Embedded, EngineError, EngineStatus
from napari_bonemarrow.gui.core import settings
from napari_bonemarrow.slides import Scale

TRAINED = ("ART", "BLA", "EOS", "LYT", "MON", "NGS", "NIF", "PMO")
MODEL = ModelReference("truth", "0" * 64)


class TruthEngine:
    """Stands in for the child process: it says what was drawn, in the same futures."""

    smear: DrawnSmear
    fails: str = ""
    scales: tuple[Scale, ...] = ()
    """What it estimates."""
    status: EngineStatus | None = None

    def __init__(self) -> None:
        self.closed = False
        self.asked: list[str] = []

    def _answer(self, name: str, value: object) -> Future:
        self.asked.append(name)
        future: Future = Future()
        if self.fails == name:
            future.set_exception(EngineError(f"engine: it could not {name}: close other programs"))
        else:
            future.set_result(value)
        return future

    def load(self, model: object = "starter") -> Future:
        status = EngineStatus("cpu", MODEL, BMC21, self.support(), 250, 0.1)
        return self._answer("load", status)

    @staticmethod
    def support() -> dict[str, Support]:
        return {code: Support.TRAINED if code in TRAINED else Support.NONE for code in BMC21}

    def detect(self, source: object, frame: Frame | None = None) -> Future:
        cells = self.smear.cells
        inside = frame.contains(cells.x, cells.y, source.microns_per_pixel)
        columns = {name: getattr(cells, name) for name in cells.__slots__}
        return self._answer("detect", Cells(**{**columns, "in_frame": inside}))

    def classify(self, source: object, cells: Cells) -> list[Future]:
        return [
            self._answer("classify", self._predictions(cells.select(part))) for part in _halves(len(cells))
        ]

    def _predictions(self, cells: Cells) -> Predictions:
        truth = self.smear.cells
        probabilities = np.full((len(cells), len(BMC21)), 0.2 / (len(BMC21) - 1), np.float32)
        for row in range(len(cells)):
            nearest = int(np.hypot(truth.x - cells.x[row], truth.y - cells.y[row]).argmin())
            probabilities[row, BMC21.index(self.smear.codes[nearest])] = 0.8 - 0.001 * row
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return Predictions(cells.cell_id, probabilities, BMC21, self.support(), MODEL)

    def explain(self, source: object, x: float, y: float, method: str, *, target: str) -> Future:
        values = np.zeros((250, 250), np.float32)
        values[124:126, 124:126] = 1
        return self._answer("explain", SimpleNamespace(values=values, microns_per_pixel=0.1))

    def explain_crop(self, crop: np.ndarray, *, target: str) -> Future:
        values = np.zeros(crop.shape[:2], np.float32)
        values[: len(values) // 2] = 1
        return self._answer("explain_crop", SimpleNamespace(values=values, microns_per_pixel=0.1))

    def map_tiles(self, name: str, source: object, items: list) -> list[Future]:
        assert name == "estimate"
        return [self._answer(name, self.scales) for _item in items]

    def embed(self, source: object, cells: Cells) -> list[Future]:
        """Cells of one class lie together: the features are the probabilities, a little apart."""
        said = self._predictions(cells)
        near = np.random.default_rng(0).normal(scale=0.02, size=said.probabilities.shape)
        return [_done(Embedded(cells.cell_id, (said.probabilities + near).astype(np.float16), MODEL))]

    def fit_axes(self, features: np.ndarray) -> Future:
        return _done((features.mean(axis=0).astype(np.float32), np.eye(features.shape[1], dtype=np.float32)))

    def lay_out(self, features: np.ndarray, seed: int) -> Future:
        self.asked.append("lay out")
        return _done(features[:, [BMC21.index("EBO"), BMC21.index("NGS")]].astype(np.float32))

    def prepare_layout(self) -> None:
        self.asked.append("prepare layout")

    def end_layout(self) -> None:
        self.asked.append("end layout")

    def drop_stale(self, *kinds: str) -> None:
        self.asked.append("drop")

    def close(self) -> None:
        self.closed = True


def _done(value: object) -> Future:
    future: Future = Future()
    future.set_result(value)
    return future


def _halves(count: int) -> list[np.ndarray]:
    return [part for part in np.array_split(np.arange(count), 2) if len(part)]


@pytest.fixture(scope="session", autouse=True)
def _one_look_for_plugins() -> Iterator[None]:
    """Look for installed plugins once: napari does for each viewer, 0.2 s of the 2 s of a test with one."""
    from npe2 import PluginManifest

    found = tuple(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): iter(found))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_style_sheet() -> Iterator[None]:
    """Fill in napari's style sheets once: it does for each window and dock, 0.1 s of a test with one."""
    from napari.utils import theme

    filled, fill = {}, theme.template

    def template(css: str, **values: object) -> str:
        key = (css, *sorted((name, str(value)) for name, value in values.items()))
        if key not in filled:
            filled[key] = fill(css, **values)
        return filled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theme, "template", template)
        yield


@pytest.fixture(scope="session")
def smear() -> DrawnSmear:
    cells = {"BLA": 2, "NGS": 3, "EBO": 2, "LYT": 2, "PMO": 1}
    return draw_smear(5, width=900, height=700, cells_per_class=cells)


@pytest.fixture(scope="session")
def _drawn_file(smear: DrawnSmear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("drawn") / "field.png", smear)


@pytest.fixture
def field(_drawn_file: Path, tmp_path: Path) -> Path:
    """A drawn field whose file states its scale, in a folder of its own."""
    return Path(shutil.copy(_drawn_file, tmp_path / "field.png"))


@pytest.fixture
def plain_field(smear: DrawnSmear, tmp_path: Path) -> Path:
    """The same field in a file that states no scale."""
    from PIL import Image

    path = tmp_path / "plain.png"
    Image.fromarray(smear.image).save(path)
    return path


@pytest.fixture
def truth_engine(smear: DrawnSmear, monkeypatch: pytest.MonkeyPatch) -> type[TruthEngine]:
    engine = type("Engine", (TruthEngine,), {"smear": smear})
    monkeypatch.setattr("napari_bonemarrow.gui.window.app_controller.Engine", engine)
    return engine


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the user was told."""
    from napari.utils.notifications import notification_manager

    told: list[str] = []

    def hear(notice: object) -> None:
        told.append(notice.message)

    notification_manager.notification_ready.connect(hear)
    yield told
    notification_manager.notification_ready.disconnect(hear)


@pytest.fixture
def open_panel(make_napari_viewer_proxy: Callable, truth_engine: type, qtbot, notices: list[str]) -> Callable:
    """Open a viewer with the panel, before which somebody sits whose name is known."""

    def make(*, show: bool = True, reviewer: str = "Ada"):
        if reviewer:
            settings.set_reviewer(reviewer)
        viewer = make_napari_viewer_proxy(show=show)
        viewer.window.resize(1000, 640)
        _dock, panel = viewer.window.add_plugin_dock_widget("napari-bonemarrow", "Bone marrow")
        return viewer, panel

    return make


@pytest.fixture
def analysed(open_panel: Callable, field: Path, qtbot):
    """A viewer and its panel with a drawn field, found and classified, in the Review tab."""
    viewer, panel = open_panel()
    controller = panel.controller
    with qtbot.waitSignal(controller.opened, timeout=20_000):
        controller.open_path(field)
    with qtbot.waitSignal(controller.smear.setup.analysed, timeout=20_000):
        controller.smear.setup.find_cells()
    panel.show_review()
    qtbot.waitUntil(lambda: len(controller.smear_viewer.rings.layer.data) > 0)
    return viewer, panel
