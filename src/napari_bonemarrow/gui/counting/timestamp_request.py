"""Request of a timestamp in a thread, ended by the answer, the user or a time limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from qtpy.QtCore import QObject, QTimer

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.notice_text import one_line
from napari_bonemarrow.gui.core.tasks import Tasks
from napari_bonemarrow.review import CaseError, ask_timestamp

logger = logging.getLogger(__name__)

LIMIT_S = 10
"""Time limit, s. An answer takes under 1 s; a server may also send single bytes slowly."""

Then = Callable[[bytes, str], None]
"""Called with the answer, or with none and the reason."""


class TimestampRequest(QObject):
    """A request of one timestamp at a time, which always returns it or the reason for having none.

    Parameters
    ----------
    parent : QObject
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = Tasks(self)
        self._host = ""
        self._then: Then | None = None
        self._worker: Any = None
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(lambda: self.give_up(f"{self._host} did not answer within {LIMIT_S} s"))

    def ask(self, server: str, data: bytes, then: Then) -> str:
        """Request a timestamp of some bytes from a server.

        Returns
        -------
        str
            A text on the wait and its limit.
        """
        self._host, self._then = str(urlsplit(server).hostname), then
        future: Future[bytes] = Future()
        # Neither a name lookup nor a silent server can be interrupted. The thread must not prevent the
        # program from ending, so it is not one of napari's, which are waited for.
        Thread(target=_fill, args=(future, server, data), name="timestamp", daemon=True).start()
        self._worker = self._tasks.wait_for(
            future, lambda token: self._end(token, ""), lambda error: self._end(b"", one_line(error))
        )
        self._limit.start(round(LIMIT_S * 1000))
        return f"Asking {self._host} for a timestamp, {LIMIT_S} s at most…"

    def give_up(self, why: str) -> None:
        """Stop a running wait."""
        if self._then is not None:
            self._tasks.cancel(self._worker)
            self._end(b"", why)

    def _end(self, token: bytes, why: str) -> None:
        then, self._then = self._then, None
        self._limit.stop()
        if then is not None:
            then(token, why)


def _fill(future: Future[bytes], server: str, data: bytes) -> None:
    try:
        future.set_result(ask_timestamp(server, data))
    except BoneMarrowError as error:
        future.set_exception(error)
    except Exception as error:  # no error of a server or library may prevent the signature
        logger.debug("asking for a timestamp failed", exc_info=True)
        future.set_exception(CaseError(f"asking for it failed ({type(error).__name__})"))
