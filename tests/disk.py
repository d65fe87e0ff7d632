"""A disk that is full, for root too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def small_disk(room: int) -> Iterator[None]:
    """Let no file of this process grow beyond some bytes while the block runs.

    Only around the call that is tested: the limit holds for pytest's own output too.
    """
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
