"""How it ends, whichever way: the engine's child and the case must not outlive the window (no Qt)."""

from __future__ import annotations

from napari_bonemarrow.engine import Engine
from napari_bonemarrow.review import Case


class Ending:
    """Ends the engine and closes the case. It knows no widget, for it is called when they are gone.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.case: Case | None = None

    def __call__(self, *_ignored: object) -> None:
        """End both, without waiting; a second time does nothing."""
        self._engine.close()
        case, self.case = self.case, None
        if case is not None:
            case.close()
