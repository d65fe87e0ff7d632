"""Generators in threads, heard on the main thread."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QThreadPool

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.gui.core.tasks import Tasks


@pytest.fixture
def tasks(qapp):
    parent = QObject()
    yield Tasks(parent)
    parent.deleteLater()


def _run(tasks: Tasks, steps, qtbot) -> tuple[list, list[str]]:
    heard, failed, done = [], [], []

    def hear(step: object) -> None:
        heard.append((step, threading.current_thread() is threading.main_thread()))

    tasks.run(steps, on_step=hear, on_done=lambda: done.append(1), on_failed=lambda e: failed.append(str(e)))
    qtbot.waitUntil(lambda: bool(done))
    return heard, failed


def test_steps_come_in_order_on_the_main_thread(tasks, qtbot):
    heard, failed = _run(tasks, lambda: iter(range(50)), qtbot)
    assert heard == [(step, True) for step in range(50)]
    assert failed == []


def test_an_error_of_the_users_is_one_line_after_the_steps_before_it(tasks, qtbot):
    def steps():
        yield 1
        raise BoneMarrowError("field.png: it is empty: export it again")

    heard, failed = _run(tasks, steps, qtbot)
    assert heard == [(1, True)]
    assert failed == ["field.png: it is empty: export it again"]


def test_a_cancelled_generator_is_not_heard_of_again(tasks, qtbot):
    begun, go, heard = threading.Event(), threading.Event(), []

    def steps():
        begun.set()
        go.wait(20)
        yield 1
        yield 2

    worker = tasks.run(
        steps, on_step=heard.append, on_done=lambda: heard.append("done"), on_failed=heard.append
    )
    qtbot.waitUntil(begun.is_set)
    tasks.cancel(worker)
    go.set()
    qtbot.waitUntil(lambda: not worker.is_running)
    assert heard == []


def test_a_future_is_waited_for_and_a_cancelled_one_says_nothing(tasks, qtbot):
    heard: list = []
    done, cancelled = Future(), Future()
    tasks.wait_for(cancelled, heard.append, heard.append)
    tasks.wait_for(done, heard.append, heard.append)
    assert cancelled.cancel()
    done.set_result("heatmap")
    qtbot.waitUntil(lambda: heard == ["heatmap"])


def test_what_ends_after_the_window_has_nowhere_to_go(qapp, qtbot):
    parent, go, heard = QObject(), threading.Event(), []
    tasks = Tasks(parent)

    def steps():
        go.wait(20)
        yield 1

    worker = tasks.run(
        steps, on_step=heard.append, on_done=lambda: heard.append("done"), on_failed=heard.append
    )
    parent.deleteLater()
    qtbot.waitUntil(lambda: not isalive(parent))
    go.set()
    qtbot.waitUntil(lambda: not worker.is_running)
    assert heard == []


def test_a_worker_that_outlives_the_application_says_nothing(tasks, qtbot, recwarn):
    begun, go = threading.Event(), threading.Event()

    def steps():
        begun.set()
        go.wait(20)
        yield 1

    worker = tasks.run(steps, on_step=_unheard, on_done=_unheard, on_failed=_unheard)
    qtbot.waitUntil(begun.is_set)
    signals = worker.signals
    signals.deleteLater()  # as Qt does with all that is left when it ends
    qtbot.waitUntil(lambda: not isalive(signals))
    with qtbot.captureExceptions() as raised:
        go.set()
        assert QThreadPool.globalInstance().waitForDone(20_000)
    worker._set_discard(worker)
    assert raised == []
    assert not recwarn.list


def test_a_defect_that_is_a_runtime_error_is_reported_and_the_end_is_heard(tasks, qtbot):
    done: list[int] = []

    def steps():
        yield 1
        raise RuntimeError("defect")

    with qtbot.captureExceptions() as raised:
        tasks.run(steps, on_step=lambda _step: None, on_done=lambda: done.append(1), on_failed=_unheard)
        qtbot.waitUntil(lambda: done == [1])
    assert [str(value) for _type, value, _trace in raised] == ["defect"]


def _unheard(*_ignored: object) -> None:
    raise AssertionError("nobody was there to hear it")
