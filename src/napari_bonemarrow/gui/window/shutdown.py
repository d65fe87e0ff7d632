"""The shutdown in every case: child processes and the case must not outlive the window (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.gui.core import garbage
from napari_bonemarrow.gui.finetune.run_process import TrainingProcess
from napari_bonemarrow.review import Case


class Shutdown:
    """The shutdown of the engine and of training, and the closing of the case.

    It uses no widget, since it is called after they are deleted. A fine-tune can be resumed from its last
    finished epoch.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.training = TrainingProcess()
        self.case: Case | None = None

    def __call__(self, *_ignored: object) -> None:
        """End them all; a second call does nothing."""
        self._engine.close()
        self.training.end()
        case, self.case = self.case, None
        if case is not None:
            case.close()
        garbage.take_up()
