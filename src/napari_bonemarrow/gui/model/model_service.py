"""The model bundle of the window, and its replacement by another one."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.engine import Engine, EngineStatus
from napari_bonemarrow.gui.core import notice_text, settings
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.gui.model.bundle_info import ModelInfo
from napari_bonemarrow.gui.model.model_tab import ModelTab
from napari_bonemarrow.gui.widgets.notices import MODEL, Notices
from napari_bonemarrow.models import STARTER


class ModelService(QObject):
    """The loading of the last chosen bundle, or of another one, by the engine."""

    loaded = Signal()
    changed = Signal()  # another bundle is in use: cells must be classified again

    def __init__(self, engine: Engine, tasks: Tasks, tab: ModelTab, notices: Notices) -> None:
        super().__init__(tasks)
        self._engine, self._tasks, self._tab, self._notices = engine, tasks, tab, notices
        self.name = settings.model()

    def load(self) -> None:
        """Load the bundle in the child process while the reviewer looks at the smear."""
        self._tasks.wait_for(self._engine.load(self.name), self._on_status, self._on_load_failed)

    def use(self, name: str) -> None:
        """Use another bundle; the old one stays if the new one cannot be loaded."""

        def taken(status: EngineStatus) -> None:
            self.name = name
            settings.set_model(name)
            self._on_status(status)
            self.changed.emit()

        self._tasks.wait_for(self._engine.load(name), taken, self._fail)

    def _on_status(self, status: EngineStatus) -> None:
        order = tuple((code, status.support[code]) for code in status.classes)
        self._tab.show_model(ModelInfo(status.model.name, status.model.sha256, status.device, order))
        self._notices.settle(MODEL)
        self.loaded.emit()

    def _fail(self, error: BoneMarrowError) -> None:
        self._notices.fail(error, MODEL)

    def _on_load_failed(self, error: BoneMarrowError) -> None:
        self._fail(error)
        if self.name != STARTER:  # the user's own bundle is missing or broken: use the shipped one
            self.name = STARTER
            self.load()
            return
        self._tab.show_model(ModelInfo("", "", "no device", (), notice_text.one_line(error)))
