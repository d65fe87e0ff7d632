"""A correction that the screen has shown survives the death of the program at any moment."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from napari_bonemarrow.review import Case

KILLS = 25


@pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("seed", [20_231])
def test_every_shown_correction_survives_kill_9(
    case: Case, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    case.close()
    path = Path(shutil.copy(case.path, tmp_path_factory.mktemp("disk")))  # where syncing takes its time
    dice = random.Random(seed)
    shown: dict[int, str] = {}
    before = len(case.events())
    program = Path(__file__).with_name("reviewing.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, str(program), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as reviewers:
        assert reviewers.stdin is not None
        assert reviewers.stdout is not None
        for kill in range(KILLS):
            reviewers.stdin.write(f"{seed + kill}\n")
            reviewers.stdin.flush()
            pid = int(reviewers.stdout.readline().removeprefix("pid "))
            lines = [reviewers.stdout.readline() for _ in range(dice.randrange(25))]
            # It goes on while we dawdle, so that it dies anywhere: within a write, between two, in a sync.
            sum(range(dice.randrange(200_000)))
            os.kill(pid, signal.SIGKILL)
            lines += iter(reviewers.stdout.readline, "end\n")
            latest = {int(seq): digest for seq, digest in (line.split() for line in lines)}
            shown |= latest
            with Case.open(path, reviewer="Ben") as again:
                assert again.verify().ok
                written = {event.seq: event.hash for event in again.events()}
                assert shown.items() <= written.items()
                # At most the act under way was written and not shown yet.
                assert len(written) <= max(latest, default=before) + 1
                before = len(written)
        reviewers.stdin.close()
    assert len(shown) > KILLS
