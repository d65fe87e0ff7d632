from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_bonemarrow.training.data.duplicates import Prints, equal_pairs, join
from tests.training.textures import cut, recompress, texture


def prints_of(crops: list[np.ndarray]) -> Prints:
    prints = Prints()
    for crop in crops:
        prints.add(np.ascontiguousarray(crop))
    return prints


def test_copies_encoded_again_or_cut_aside_are_found() -> None:
    images = [texture(seed) for seed in range(30)]
    copies = [
        recompress(cut(images[0]), 60),
        cut(images[1], 6, -5),
        recompress(cut(images[2], -7, 7), 75),
    ]
    prints = prints_of([cut(image) for image in images] + copies)
    assert sorted(map(tuple, prints.near_pairs().tolist())) == [(0, 30), (1, 31), (2, 32)]
    groups = prints.groups()
    assert groups[30:].tolist() == [0, 1, 2]
    assert len(np.unique(groups)) == 30


def test_equal_pixels_are_exact_and_not_near() -> None:
    crops = [cut(texture(1)), cut(texture(2)), cut(texture(1))]
    prints = prints_of(crops)
    assert prints.exact_pairs().tolist() == [[0, 2]]
    assert not len(prints.near_pairs())
    assert prints.groups().tolist() == [0, 1, 0]


def test_other_colours_and_mirrored_cells_are_not_the_same() -> None:
    crop = cut(texture(5))
    tinted = np.add(crop, (40, 0, -40)).clip(0, 255).astype(np.uint8)
    assert not len(prints_of([crop, tinted, crop[:, ::-1]]).near_pairs())


def test_empty_crops_are_not_taken_for_each_other() -> None:
    flat = [np.full((64, 64, 3), value, np.uint8) for value in (200, 201, 202)]
    assert prints_of(flat).groups().tolist() == [0, 1, 2]
    assert prints_of([]).groups().tolist() == []


def test_pairs_are_joined_into_groups() -> None:
    assert join(5, np.array([[0, 2], [2, 4]]), np.array([[1, 3]])).tolist() == [0, 1, 0, 1, 0]
    assert equal_pairs(["a", "b", "a", "a"]).tolist() == [[0, 2], [0, 3]]
    assert equal_pairs([]).shape == (0, 2)


@pytest.mark.parametrize("folder", ["bmc/LYT", "pbc/SNE"])
def test_on_real_cells(real_data: Path, folder: str) -> None:
    rng = np.random.default_rng(0)
    originals, copies = [], []
    for file in sorted((real_data / folder).iterdir())[:120]:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
        down, right = rng.integers(-8, 9, 2)
        originals.append(pixels[8:242, 8:242])
        copies.append(recompress(pixels[8 + down : 242 + down, 8 + right : 242 + right], 60))
    pairs = prints_of(originals + copies).near_pairs()
    right_ones = (pairs[:, 1] - pairs[:, 0] == 120).sum()
    assert right_ones == len(pairs), "no two different cells are taken for one"
    assert right_ones >= 0.9 * 120


def test_cells_of_one_shape_and_another_colour_are_two() -> None:
    """A disc of the same place and about the same brightness: what it is, its colour alone tells."""
    rows, columns = np.mgrid[:250, :250] - 125
    crops = []
    for colour in ((90, 40, 150), (40, 95, 70)):
        crop = cut(texture(3)).copy()
        crop[np.hypot(rows, columns) < 20] = colour
        crops.append(crop)
    assert not len(prints_of(crops).near_pairs())
