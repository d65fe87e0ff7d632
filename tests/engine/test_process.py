"""The child process that runs one call at a time, and how it may end."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection

import pytest

from napari_bonemarrow.engine.process import ChildPool


def _die_in_the_midst_of_the_answer() -> bytes:
    """Run in the child: kill it when half of what is returned has been written."""
    whole = connection.Connection._send

    def half(self, buffer, *args):
        if len(buffer) > 500_000:
            whole(self, buffer[: len(buffer) // 2], *args)
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, buffer, *args)

    connection.Connection._send = half
    return bytes(1_000_000)


@pytest.mark.skipif(sys.platform == "win32", reason="there the pipe is written in one piece")
def test_a_child_that_dies_in_the_midst_of_an_answer_is_noticed():
    pool = ChildPool(1)
    with pytest.raises(BrokenProcessPool):
        pool.run(_die_in_the_midst_of_the_answer).result(timeout=60)
    assert pool.reap() == -signal.SIGKILL


def test_one_call_after_another_is_answered():
    pool = ChildPool(1)
    assert [pool.run(abs, number).result(timeout=60) for number in (-1, 2, -3)] == [1, 2, 3]
    pool.end(wait=True)
    assert pool.exit_code is not None
