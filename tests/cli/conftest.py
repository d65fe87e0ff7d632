"""Commands run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from napari_bonemarrow import cli
from napari_bonemarrow.cli.common import Switches


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the console script does; give its exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["napari-bonemarrow", *(str(a) for a in arguments)])
        monkeypatch.setattr(Switches, "debug", False)
        monkeypatch.setenv("COLUMNS", "200")
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        else:
            code = 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
