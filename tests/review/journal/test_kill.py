"""A correction that the screen has shown survives the death of the program at any moment."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from napari_bonemarrow.cytology import Predictions
from napari_bonemarrow.review import Case

KILLS = (60, pytest.param(200, marks=pytest.mark.slow))


def killed_after(reviewers: subprocess.Popen[str], seed: int, dice: random.Random) -> list[list[str]]:
    """Let a reviewer work, kill it anywhere, and return what it had said."""
    ask, answer = reviewers.stdin, reviewers.stdout
    assert ask is not None
    assert answer is not None
    ask.write(f"{seed}\n")
    ask.flush()
    pid = int(answer.readline().removeprefix("pid "))
    said = [answer.readline() for _ in range(dice.randrange(6))]
    # It goes on while we dawdle, so that it dies anywhere: opening, within a write, between two, in a sync.
    sum(range(dice.randrange(200_000)))
    os.kill(pid, signal.SIGKILL)
    said += iter(answer.readline, "end\n")
    assert not psutil.pid_exists(pid)
    return [line.split() for line in said]


@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("kills", KILLS)
def test_every_shown_correction_survives_kill_9(
    kills: int, case: Case, say: Callable[..., Predictions], tmp_path_factory: pytest.TempPathFactory
) -> None:
    case.model.record_predictions(say(case.cells.cell_id))
    case.close()
    path = Path(shutil.copy(case.path, tmp_path_factory.mktemp("disk")))  # where syncing takes its time
    dice = random.Random(20_231)
    shown: dict[int, str] = {}
    before = len(case.history.events())
    view = 0
    kinds: set[str] = set()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("reviewing.py")), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as reviewers:
        for kill in range(1, kills + 1):
            said = killed_after(reviewers, kill, dice)
            latest = {int(first): second for first, second in said if first != "view"}
            view = max([view, *(int(second) for first, second in said if first == "view")])
            shown |= latest
            with Case.open(path, reviewer="Ada") as again:
                assert again.verification.ok
                written = {event.seq: event.hash for event in again.history.events()}
                assert shown.items() <= written.items()
                # At most the act under way was written and not shown yet.
                assert len(written) <= max(latest, default=before) + 1
                assert view <= again.view_memory.remembered.get("view", 0) <= max(view, kill * 1000) + 100
                kinds |= {event.kind for event in again.history.events()[before:]}
                before = len(written)
            assert [file.name for file in path.parent.iterdir()] == [path.name]
        assert reviewers.stdin is not None
        reviewers.stdin.close()
    assert len(shown) > kills
    assert view > 0
    met = {"label set", "undo"}
    if kills > KILLS[0]:  # which acts a few kills meet is chance
        met |= {"bulk rule", "redo", "flag set", "tallied", "tally field begun"}
    assert kinds >= met
