"""A program whose window reviews a smear by keys until it is killed; run by test_kills.

It imports once and forks a process with a window of its own for each line it reads. ``find`` finds the
cells, closes the window and says ``closed``; a number is the seed of a review that goes on for ever. The
review says ``pid N``, then, each time the window has shown a change, the number and hash of the journal's
last line. ``end`` follows when the process has ended.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest

from napari_bonemarrow.gui.launch import docked_window
from napari_bonemarrow.gui.window.plugin import DockedPanel

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
PLAIN = Qt.KeyboardModifier.NoModifier
CLASSES = [(getattr(Qt.Key, f"Key_{letter}"), PLAIN) for letter in "BPYLCNS"]
OTHERS = [
    (Qt.Key.Key_Return, PLAIN),
    (Qt.Key.Key_2, PLAIN),
    (Qt.Key.Key_Space, PLAIN),
    (Qt.Key.Key_Backspace, PLAIN),
    (Qt.Key.Key_Z, CTRL),
    (Qt.Key.Key_Z, CTRL),
    (Qt.Key.Key_Z, CTRL | SHIFT),
    (Qt.Key.Key_D, ALT),
    (Qt.Key.Key_F, SHIFT),
    (Qt.Key.Key_W, PLAIN),
    (Qt.Key.Key_E, PLAIN),
    (Qt.Key.Key_F, PLAIN),
]


def say(text: str) -> None:
    """Write a line in one piece, unbuffered."""
    os.write(1, f"{text}\n".encode())


class Typist:
    """Presses one key after another, as soon as the window has dealt with the last."""

    def __init__(self, panel: DockedPanel, seed: int) -> None:
        self.panel, self.dice = panel, random.Random(seed)
        self.review = panel.controller.smear.review
        self.case = panel.controller.smear.session.case
        self.canvas = panel.window()._qt_viewer.canvas.native
        self.review.case_sync.cells_changed.connect(self.shown)
        panel.show_review()
        QTimer.singleShot(0, self.act)

    def act(self) -> None:
        """Press a key, or write a comment."""
        if self.dice.random() < 0.1 and self.review.selection.current is not None:
            box = self.panel.review_tab.comment_box
            QTest.keyClicks(box, "x" * self.dice.randrange(1, 60))
            QTest.keyClick(box, Qt.Key.Key_Return)
        else:
            QTest.keyClick(self.canvas, *self.dice.choice(CLASSES if self.dice.random() < 0.6 else OTHERS))
        QTimer.singleShot(0, self.act)

    def shown(self, _changed: object) -> None:
        """Tell that the window shows what the case says."""
        self.panel.repaint()
        last = self.case.history.events()[-1]
        say(f"{last.seq} {last.hash}")


def run(path: Path, command: str) -> None:
    """Open a window on the smear and do what was asked for."""
    say(f"pid {os.getpid()}")
    viewer, panel = docked_window()
    controller = panel.controller
    controller.reviewer.use("Ada")

    def fail(text: str) -> None:
        say(f"failed {text}")
        os._exit(1)

    def closed() -> None:
        viewer.close()
        say("closed")

    then: Callable[[], object] = controller.smear.setup.find_cells
    if command == "find":
        controller.smear.setup.analysed.connect(lambda: QTimer.singleShot(0, closed))
    else:
        typists = []
        then = lambda: typists.append(Typist(panel, int(command)))  # noqa: E731
    controller.opened.connect(lambda: QTimer.singleShot(0, then))
    controller.notices.failed.connect(fail)
    controller.open_path(path)
    import napari

    napari.run()


def main() -> None:
    """Fork a window for each line that comes in."""
    import napari._qt.qt_viewer  # what a window needs, once for all

    assert napari._qt.qt_viewer
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                run(Path(sys.argv[1]), line.strip())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        say("end")


if __name__ == "__main__":
    main()
