"""One smear drawn once for all tests of its truth."""

from __future__ import annotations

import pytest

from napari_bonemarrow.drawing import DrawnSmear, sample_smear


@pytest.fixture(scope="session")
def sample() -> DrawnSmear:
    return sample_smear()
