"""What a trained network is shown to look at is what it must look at: the coloured disc."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_crops import SIZE, draw_blob

from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.classifier import Classifier


@pytest.mark.parametrize("method", ["gradcam", "smoothgrad"])
def test_heat_lies_on_the_object(trained: tuple[Bundle, Path], method: str) -> None:
    classifier = Classifier(trained[0], "cpu")
    rows, columns = np.mgrid[:SIZE, :SIZE]
    shares = []
    for seed in range(3000, 3012):
        crop, (row, column) = draw_blob("EOS", seed)
        heat = classifier.explain(crop, method, "EOS").values
        near = (rows - row) ** 2 + (columns - column) ** 2 <= 14**2
        shares.append(heat[near].sum() / heat.sum())
    # The neighbourhood is 15 % of the crop; evenly spread heat would have that share of it.
    assert np.median(shares) > 0.4
