"""Something is seen before napari is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_bonemarrow.gui.splash import Splash

CHILD = [sys.executable, "-m", "napari_bonemarrow.gui.splash"]


def test_the_small_window_ends_with_who_began_it():
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    said = "Opening the window…\nGetting the panel ready…\n"
    done = subprocess.run(CHILD, input=said.encode(), env=env, timeout=120, check=False, capture_output=True)
    assert done.returncode == 0


def test_it_is_there_while_it_is_wanted_and_says_what_it_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with Splash() as splash:
        process = splash._process
        assert process.poll() is None
        splash.say("Opening the window…")
    process.wait(timeout=60)
    splash.say("nobody listens")
    splash.close()


def test_nobody_looks_nothing_is_shown(monkeypatch: pytest.MonkeyPatch):
    assert Splash(wanted=False)._process is None
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert Splash()._process is None


def test_a_dead_one_harms_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with Splash() as splash:
        splash._process.kill()
        splash._process.wait()
        splash.say("is anybody there?")
        assert splash._process.returncode


@pytest.mark.parametrize("command", [[], ["open"], ["demo"]])
def test_the_command_line_shows_it_before_anything_slow_is_imported(command: list[str], tmp_path: Path):
    """The import that takes seconds is napari's; Qt must not be begun before it either."""
    code = (
        "import sys\n"
        "from napari_bonemarrow import cli\n"
        "from napari_bonemarrow.gui import splash\n"
        "def seen(self, *, wanted=True):\n"
        "    print(wanted, sorted({'napari', 'qtpy', 'numpy', 'scipy'} & set(sys.modules)))\n"
        "    sys.exit(7)\n"
        "splash.Splash.__init__ = seen\n"
        f"sys.argv = ['napari-bonemarrow', *{command!r}]\n"
        "cli.main()\n"
    )
    env = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd=tmp_path,
        timeout=120,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (7, "True []\n")
