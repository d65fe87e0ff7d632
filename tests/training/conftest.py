"""A run on drawn crops, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.training import train

from .drawn_crops import quick, write_blobs


@pytest.fixture(scope="session")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 crops of each of three classes."""
    return write_blobs(tmp_path_factory.mktemp("data") / "blobs", 60)


@pytest.fixture(scope="session")
def trained(blobs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Path]:
    """A bundle taught on the blobs, and its run."""
    out = tmp_path_factory.mktemp("run")
    return train(blobs, out, config=quick(), device="cpu"), out
