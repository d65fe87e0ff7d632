"""What a trained network is shown to look at is what it must look at: the coloured disc."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier
from tests.training.drawn_crops import SIZE, draw_blob


def means(classifier: Classifier, method: str, seed: int) -> tuple[float, float, float]:
    """Mean heat on the coloured disc, on the grey one and on the whole crop."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    crop, (row, column) = draw_blob("EOS", seed)
    heat = classifier.explain(crop, method, "EOS").values
    coloured = (rows - row) ** 2 + (columns - column) ** 2 <= 81
    grey = (np.abs(crop.astype(int) - 150).max(axis=-1) < 25) & ~coloured
    return float(heat[coloured].mean()), float(heat[grey].mean()), float(heat.mean())


@pytest.mark.parametrize(("method", "times"), [("gradcam", 1.1), ("smoothgrad", 1.25)])
def test_heat_lies_on_the_object(trained: tuple[Bundle, Path], method: str, times: float) -> None:
    classifier = Classifier(trained[0], "cpu")
    rows = [means(classifier, method, seed) for seed in range(3000, 3012)]
    coloured, grey, whole = np.median(rows, axis=0)
    assert coloured > times * grey
    assert coloured > 1.1 * whole
