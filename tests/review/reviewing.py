"""A program that reviews a case until it is killed; run by test_case_kill.

It imports once and forks a reviewer for each line it reads. A reviewer writes ``pid N``, then after each
act, when the act has returned, the number and hash of the line that the screen would now show. ``end``
follows when the reviewer has died.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from napari_bonemarrow.review import Case

CODES = ("BLA", "PMO", "MYB", "LYT", "PLM")


def say(text: str) -> None:
    """Write a line in one piece, unbuffered."""
    os.write(1, f"{text}\n".encode())


def review(path: Path, seed: int) -> None:
    """Do one act after another for ever."""
    dice = random.Random(seed)
    case = Case.open(path, reviewer="Ada")
    say(f"pid {os.getpid()}")
    while True:
        cells = case.cells.cell_id.tolist()
        match dice.randrange(8):
            case 0:
                case.undo()
            case 1:
                case.set_tag(dice.choice(cells), "dysplastic", dice.random() < 0.5)
            case 2:
                case.set_label(cells, dice.choice(CODES))
            case 3:
                case.comment(dice.choice(cells), "x" * dice.randrange(1, 5000))
            case _:
                case.set_label(dice.choice(cells), dice.choice(CODES))
        last = case.events()[-1]
        say(f"{last.seq} {last.hash}")


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
