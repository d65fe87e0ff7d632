"""The splash screen: a small window in a separate process, until napari's window is ready.

Importing napari takes seconds in which nothing could be drawn here. In this process no Qt may be started
before napari does it: napari chooses the platform and names the application. The other process reads its
texts from its standard input, and ends with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType

from napari_bonemarrow.cytology.statements import RESEARCH_USE

NAME = "Bone marrow"
BEGIN = "Starting napari…"
_SIZE = (380, 150)
_UNSEEN = ("offscreen", "minimal", "vnc")
"""Platforms of Qt without a screen."""


class Splash:
    """The context in which the small window is shown.

    Parameters
    ----------
    wanted : bool
        False shows nothing, for a window without a waiting user.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if not wanted or os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in _UNSEEN:
            return
        with suppress(OSError):  # no further process is possible: the window opens without it
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def __enter__(self) -> Splash:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def say(self, text: str) -> None:
        """Show the current step."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):  # it has ended: nothing depends on it
                self._process.stdin.write(f"{text}\n".encode())
                self._process.stdin.flush()

    def close(self) -> None:
        """Close the window."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with suppress(OSError):
            process.stdin.close()
        # A thread waits for it: it ends by itself, and the caller has a window to draw.
        threading.Thread(target=process.wait, name="splash", daemon=True).start()


def main() -> None:
    """Show the window until the standard input ends."""
    from qtpy.QtCore import QObject, Qt, Signal
    from qtpy.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

    from napari_bonemarrow.gui.core.qt_objects import existing

    class Lines(QObject):
        heard = Signal(str)
        ended = Signal()

        def read(self) -> None:
            for line in sys.stdin:
                self.heard.emit(line.strip())
            self.ended.emit()

    application = QApplication([NAME])
    window = QWidget(None, Qt.WindowType.SplashScreen | Qt.WindowType.FramelessWindowHint)
    window.setWindowTitle(NAME)
    window.setFixedSize(*_SIZE)
    window.setStyleSheet("background: #262930; color: #f0f1f2;")
    layout = QVBoxLayout(window)
    layout.setContentsMargins(24, 20, 24, 18)
    said = QLabel(BEGIN)
    said.setTextFormat(Qt.TextFormat.PlainText)
    for made, style in (
        (QLabel(NAME), "font-size: 20pt; font-weight: bold;"),
        (QLabel(RESEARCH_USE), "color: #a9afb8;"),
        (said, ""),
    ):
        made.setStyleSheet(style)
        layout.addWidget(made)
    window.move(existing(application.primaryScreen()).availableGeometry().center() - window.rect().center())
    window.show()
    lines = Lines()
    lines.heard.connect(said.setText)
    lines.ended.connect(application.quit)
    # A thread, not Qt's notifier, which does not support pipes on Windows.
    threading.Thread(target=lines.read, daemon=True).start()
    application.exec()
    os._exit(0)  # nothing has to be saved, and Qt's shutdown would take time


if __name__ == "__main__":
    main()
