"""Fixtures shared by every layer's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Tests hold what is right, not how fast a busy machine finds it out.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Threads that wait by spinning slow each other down many times where the cores are shared; read by OpenMP
# when torch is imported, here and in the processes that tests start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_VARIABLE = "NAPARI_BONEMARROW_TEST_DATA"


def _real_data_folder() -> Path | None:
    named = os.environ.get(_VARIABLE)
    candidates = [Path(named)] if named else []
    candidates.append(Path(__file__).resolve().parents[2] / "shared" / "data")
    return next((folder for folder in candidates if (folder / "fields").is_dir()), None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, or a skip with the reason."""
    folder = _real_data_folder()
    if folder is None:
        pytest.skip(f"no real images: set {_VARIABLE} to a folder with bmc/, fields/, blood_boxes/")
    return folder


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep models, cases and settings of the person who runs the tests out of them."""
    monkeypatch.setenv("NAPARI_BONEMARROW_HOME", str(tmp_path_factory.mktemp("home")))
