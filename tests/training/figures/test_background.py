from __future__ import annotations

import numpy as np
import pytest

from napari_bonemarrow.training.figures.background import (
    background_features,
    background_mask,
    guess_source,
    shared_images,
)


def scene(seed: int, ground: tuple[int, int, int] = (225, 215, 220)) -> np.ndarray:
    """A purple cell in the middle, a red cell and a purple neighbour beside it."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:100, :100]
    image = np.full((100, 100, 3), ground, float)
    for row, column, radius, colour in (
        (50, 50, 18, (90, 40, 150)),
        (12, 50, 9, (200, 140, 150)),
        (90, 10, 8, (110, 60, 160)),
    ):
        image[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = colour
    return (image + rng.normal(0, 5, image.shape)).clip(0, 255).astype(np.uint8)


def test_nucleated_cells_are_no_background() -> None:
    mask = background_mask(scene(0))
    assert not mask[50, 50]
    assert not mask[90, 10], "a neighbour's nucleus"
    assert mask[6, 50], "a red cell"
    assert mask[5, 5]
    assert 0.3 < mask.mean() < 0.6


def test_a_crop_full_of_stain_still_has_features() -> None:
    features = background_features(np.full((100, 100, 3), (90, 40, 150), np.uint8))
    assert features.shape == (25,)
    assert np.isfinite(features).all()


def test_the_cell_itself_leaves_the_features_alone() -> None:
    image = scene(1)
    other = image.copy()
    other[40:60, 40:60] = (20, 200, 20)
    np.testing.assert_array_equal(background_features(image), background_features(other))


@pytest.mark.parametrize(("ground", "lowest", "highest"), [((205, 215, 220), 0.95, 1), (None, 0.3, 0.7)])
def test_a_tint_gives_the_source_away_and_nothing_else_does(
    ground: tuple[int, int, int] | None, lowest: float, highest: float
) -> None:
    crops = [scene(s) for s in range(60)] + [scene(s, ground or (225, 215, 220)) for s in range(60, 120)]
    features = np.stack([background_features(crop) for crop in crops])
    told = guess_source(features, np.repeat(["a", "b"], 60))
    assert lowest <= told["balanced_accuracy"] <= highest
    assert told["balanced_accuracy_ci95"][0] <= told["balanced_accuracy"] <= told["balanced_accuracy_ci95"][1]
    assert (told["n"], told["chance"]) == (120, 0.5)
    assert told["told"] <= told["balanced_accuracy"]


def test_sources_are_compared_on_equally_many_images_of_shared_classes() -> None:
    code = np.array(["LYT"] * 30 + ["BLA"] * 20 + ["LYT"] * 8 + ["MON"] * 9 + ["EOS"] * 3)
    source = np.array(["a"] * 50 + ["b"] * 17 + ["a"] + ["b"] * 2)
    chosen = shared_images(source, code, most=10)
    assert set(code[chosen]) == {"LYT"}
    assert sorted(source[chosen].tolist()) == ["a"] * 8 + ["b"] * 8
    assert not len(shared_images(source[:50], code[:50]))
