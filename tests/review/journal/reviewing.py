"""A program that reviews a case until it is killed; run by test_case_kill.

It imports once and forks a reviewer for each line it reads. A reviewer writes ``pid N`` before it opens
the case; then after each act, when the act has returned, the number and hash of the line that the screen
would now show, or ``view N`` for what it was to remember of the window. ``end`` follows when the reviewer
has died.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from napari_bonemarrow.review import Case, CaseError

CODES = ("BLA", "PMO", "MYB", "LYT", "PLM")


def say(text: str) -> None:
    """Write a line in one piece, unbuffered."""
    os.write(1, f"{text}\n".encode())


def acts(case: Case, dice: random.Random) -> tuple[Callable[[], object], ...]:
    """Return one of each act, with the cells that it would be about just now."""
    cells = case.cells.cell_id.tolist()
    one, code = dice.choice(cells), dice.choice(CODES)
    return (
        lambda: case.set_label(one, code),
        lambda: case.set_label(one, code),
        lambda: case.set_label(one, code),
        lambda: case.set_label(cells, dice.choice((code, None))),
        lambda: case.bulk.accept_above("NGS", 0.8),
        lambda: case.edits.set_flag(one, one not in case.flags),
        lambda: case.set_tag(one, "dysplastic", dice.random() < 0.5),
        lambda: case.tally.count(code),
        case.tally.next_field,
        lambda: case.edits.comment(one, "x" * dice.randrange(1, 5000)),
        case.undo,
        case.redo,
    )


def review(path: Path, seed: int) -> None:
    """Do one act after another for ever."""
    dice = random.Random(seed)
    say(f"pid {os.getpid()}")
    case = Case.open(path, reviewer="Ada")
    views = 0
    while True:
        if dice.random() < 0.1:
            views += 1
            case.view_memory.remember({"view": seed * 1000 + views})
            say(f"view {seed * 1000 + views}")
            continue
        try:
            dice.choice(acts(case, dice))()
        except CaseError:  # nothing to accept, or nothing tallied in this field yet
            continue
        say(f"{case.history.last.seq} {case.history.last.hash}")


def main() -> None:
    """Fork a reviewer for each seed that comes in."""
    path = Path(sys.argv[1])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            review(path, int(line))
        os.waitpid(child, 0)
        say("end")


if __name__ == "__main__":
    main()
