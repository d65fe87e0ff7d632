from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.training.figures.robustness import (
    blur,
    cast,
    changes,
    gamma,
    jpeg,
    rescale,
    robustness,
    rotate,
)


@pytest.fixture
def crop() -> np.ndarray:
    """A dark disc of radius 10 on a light ground."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    image = np.full((64, 64, 3), (220, 200, 210), np.uint8)
    image[rows**2 + columns**2 < 100] = (90, 40, 150)
    return image


def area(image: np.ndarray) -> int:
    return int((image[..., 1] < 120).sum())


def test_every_change_keeps_the_form_and_changes_something(crop: np.ndarray) -> None:
    crop[:20, 40:] = (10, 200, 90)  # no symmetry left
    table = changes(0.1)
    assert len(table) == 15
    for name, change in table.items():
        image = change(crop)
        assert (image.shape, image.dtype) == (crop.shape, np.uint8), name
        assert (image != crop).any(), name


def test_colours_and_light(crop: np.ndarray) -> None:
    assert cast(crop, 0, 1.1)[0, 0].tolist() == [242, 200, 210]
    assert cast(crop, 0, 1.3)[0, 0, 0] == 255
    assert gamma(crop, 0.8).mean() > crop.mean() > gamma(crop, 1.25).mean()
    assert gamma(crop, 1.25)[0, 0, 1] == pytest.approx(255 * (200 / 255) ** 1.25, abs=1)


def test_size_and_direction(crop: np.ndarray) -> None:
    assert area(rescale(crop, 1.1)) == pytest.approx(1.21 * area(crop), rel=0.06)
    assert area(rescale(crop, 0.9)) == pytest.approx(0.81 * area(crop), rel=0.06)
    assert rescale(crop, 0.9)[0, 0].tolist() == [220, 200, 210]
    crop[0, 0] = 7
    assert rotate(crop, 1)[-1, 0].tolist() == [7, 7, 7]
    assert rotate(crop, 2)[-1, -1].tolist() == [7, 7, 7]


def test_focus_and_storage(crop: np.ndarray) -> None:
    step = np.abs(np.diff(crop[32].astype(int), axis=0)).max()
    soft = np.abs(np.diff(blur(crop, 1.0)[32].astype(int), axis=0)).max()
    assert soft < 0.5 * step
    assert blur(crop, 1.0)[0, 0].tolist() == [220, 200, 210]
    stored = jpeg(crop, 60)
    assert 0 < np.abs(stored.astype(int) - crop).mean() < 10


def test_a_classifier_that_looks_at_red_falls_where_red_changes(crop: np.ndarray) -> None:
    crops = np.stack([crop, crop] * 10)
    crops[1::2, ..., 0] = 190
    truth = np.tile([1, 0], 10)

    def classify(images: np.ndarray) -> np.ndarray:
        red = images[:, 0, 0, 0] > 200
        return np.stack([~red, red], axis=1).astype(float)

    told: list[int] = []
    found = robustness(
        truth, truth, lambda: iter([crops[:8], crops[8:]]), classify, 0.1, lambda n: told.append(n)
    )
    assert told == [8, 12]
    assert (found["n"], found["balanced_accuracy"]) == (20, 1)
    assert found["changes"]["red -10%"] == {"balanced_accuracy": 0.5, "drop": 0.5, "drop_ci95": [0.5, 0.5]}
    for name in ("green -10%", "blue +10%", "JPEG 60", "turned 90°", "blur 0.1 µm"):
        assert found["changes"][name]["drop"] == 0, name
    assert found["largest_drop"]["drop"] == 0.5
