"""Hand the drawn shapes to the tests of this folder."""

from __future__ import annotations

from types import ModuleType

import pytest

from . import _drawn


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """Shapes of known geometry, and what to draw them on."""
    return _drawn
