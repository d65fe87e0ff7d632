from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from napari_bonemarrow.engine.queue import TaskKind, TaskQueue, settle


def names(queue: TaskQueue, count: int) -> list[str]:
    taken = []
    for _ in range(count):
        task = queue.take()
        assert task is not None
        taken.append(task.name)
    return taken


def test_explain_comes_before_classify_before_detect_and_older_before_younger() -> None:
    queue = TaskQueue()
    queue.put(TaskKind.DETECT, "detect")
    queue.put(TaskKind.CLASSIFY, "first chunk")
    queue.put(TaskKind.CLASSIFY, "second chunk")
    queue.put(TaskKind.EXPLAIN, "explain")
    queue.put(TaskKind.LOAD, "load")
    assert names(queue, 5) == ["load", "explain", "first chunk", "second chunk", "detect"]


def test_what_was_dropped_is_cancelled_and_never_taken() -> None:
    queue = TaskQueue()
    stale = queue.put(TaskKind.CLASSIFY, "stale")
    kept = queue.put(TaskKind.EXPLAIN, "kept")
    assert stale is not None
    assert kept is not None
    queue.drop((TaskKind.CLASSIFY,))
    queue.put(TaskKind.CLASSIFY, "fresh")
    assert stale.cancelled()
    assert names(queue, 2) == ["kept", "fresh"]


def test_a_task_that_runs_while_its_kind_is_dropped_is_no_longer_current() -> None:
    queue = TaskQueue()
    queue.put(TaskKind.EXPLAIN, "running")
    task = queue.take()
    assert task is not None
    assert queue.is_current(task)
    queue.drop((TaskKind.EXPLAIN,))
    assert not queue.is_current(task)


def test_a_future_cancelled_by_its_owner_is_not_taken() -> None:
    queue = TaskQueue()
    cancelled = queue.put(TaskKind.CLASSIFY, "cancelled")
    queue.put(TaskKind.CLASSIFY, "next")
    assert cancelled is not None
    cancelled.cancel()
    assert names(queue, 1) == ["next"]


def test_closing_cancels_what_waits_and_takes_no_more() -> None:
    queue = TaskQueue()
    waiting = queue.put(TaskKind.CLASSIFY, "waiting")
    queue.close()
    assert waiting is not None
    with pytest.raises(CancelledError):
        waiting.result()
    assert queue.take() is None
    assert queue.put(TaskKind.CLASSIFY, "late") is None


def test_settling_a_cancelled_future_changes_nothing() -> None:
    queue = TaskQueue()
    future = queue.put(TaskKind.CLASSIFY, "x")
    assert future is not None
    future.cancel()
    settle(future, value=1)
    assert future.cancelled()
