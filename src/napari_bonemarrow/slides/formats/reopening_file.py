"""A file for several threads, reopened after a network drive was lost."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import BinaryIO


class FileBytes:
    """Bytes of a file through one handle, locked while they are copied, not while they are decoded.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._closing: weakref.finalize[[], FileBytes] | None = None

    def read(self, offset: int, count: int) -> bytes:
        """Return a range of bytes.

        Parameters
        ----------
        offset, count : int

        Returns
        -------
        bytes

        Raises
        ------
        OSError
            If the file cannot be read or reopened.
        ValueError
            If the file is too short.
        """
        with self._lock:
            try:
                data = self._read(offset, count)
            except OSError:
                self._close()
                data = self._read(offset, count)
        if len(data) < count:
            raise ValueError("the file ends before it: part of it is missing")
        return data

    def _read(self, offset: int, count: int) -> bytes:
        if self._file is None:
            self._file = self.path.open("rb", buffering=0)
            self._closing = weakref.finalize(self, self._file.close)
        self._file.seek(offset)
        data = self._file.read(count)
        while 0 < len(data) < count:  # an unbuffered read may return fewer bytes
            more = self._file.read(count - len(data))
            if not more:
                break
            data += more
        return data

    def _close(self) -> None:
        if self._closing is not None:
            self._closing()
        self._file = self._closing = None
