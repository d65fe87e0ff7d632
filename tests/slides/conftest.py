"""Hand the drawn shapes to the tests of this folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """The module `_drawn`, loaded by path because test folders are no packages."""
    spec = importlib.util.spec_from_file_location("slides_drawn", Path(__file__).with_name("_drawn.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
