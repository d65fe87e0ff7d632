"""Errors on their way from the child to its parent."""

from __future__ import annotations

import pickle
import traceback

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.lines import one_line
from napari_bonemarrow.engine.messages import EngineError


def sendable(error: Exception) -> BoneMarrowError:
    """Return the error to send to the parent for one being handled.

    Returns
    -------
    BoneMarrowError
        The error itself if it is one and can be pickled, else an `EngineError` of one line, with the
        attribute ``child_traceback``.
    """
    text = traceback.format_exc()
    sent: BoneMarrowError
    if isinstance(error, BoneMarrowError) and _survives_pickling(error):
        sent = error
    elif isinstance(error, BoneMarrowError):
        sent = EngineError(str(error))
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        sent = EngineError("engine: out of memory: close other programs, or choose the device cpu")
    else:
        sent = EngineError(one_line(f"engine: {type(error).__name__}: {error}"))
    sent.child_traceback = text  # type: ignore[attr-defined]
    return sent


def _survives_pickling(error: Exception) -> bool:
    """Return whether an exception can be unpickled; otherwise it would break the parent's pool."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)
    except Exception:
        return False
