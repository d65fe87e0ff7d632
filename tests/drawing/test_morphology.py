"""The classes look different: a straight line through plain features tells them apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21
from napari_bonemarrow.drawing import MORPHOLOGY, Stain, draw_cell

EACH = 6


def features(crop: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Densities and texture in rings of 1.5 µm round the nucleus's middle."""
    background = np.percentile(crop, 95, axis=(0, 1))
    density = -np.log10(np.clip(crop, 4, None) / background)
    height, width = crop.shape[:2]
    y, x = np.mgrid[:height, :width]
    ring = (np.hypot(x - width / 2, y - height / 2) * 0.2 / 1.5).astype(int)
    green = density[..., 1]
    edges = np.hypot(*np.gradient(green))
    found = [np.mean(green > 0.5) * 10, np.mean(green > 0.25) * 10]
    for k in range(7):
        part = ring == k
        found += [*density[part].mean(0), green[part].std(), edges[part].mean() * 5]
        found += [(density[part][:, 2] - 0.3 * density[part][:, 1]).std()]
    return np.array(found)


def test_every_class_has_a_row() -> None:
    assert set(MORPHOLOGY) == set(BMC21)
    for row in MORPHOLOGY.values():
        assert 0 < row.diameter[0] <= row.diameter[1] < 40
        assert 0 < row.nuclear_fraction[0] <= row.nuclear_fraction[1] <= 1


def test_classes_are_told_apart_by_a_linear_model() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import cross_val_score

    rows, labels = [], []
    for code in BMC21:
        for seed in range(EACH):
            crop = draw_cell(
                code, seed, microns_per_pixel=0.2, size=125, stain=Stain.varied(seed), red_cells_per_um2=0.004
            )
            rows.append(features(crop))
            labels.append(code)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    accuracy = cross_val_score(model, np.array(rows), np.array(labels), cv=3).mean()
    assert accuracy > 0.6  # chance is 0.05
