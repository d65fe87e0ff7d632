"""The tree of components, against labelling the image at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_bonemarrow.slides.detection.component_tree import component_tree

STEPS = 6


def _image(seed: int) -> np.ndarray:
    rough = ndi.gaussian_filter(np.random.default_rng(seed).normal(size=(40, 57)), 1.5)
    return np.clip((rough / rough.max() * (STEPS + 1)), 0, STEPS).astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_nodes_are_the_components_at_every_threshold(seed: int) -> None:
    steps = _image(seed)
    tree = component_tree(steps, STEPS)
    expected = set()
    for threshold in range(1, STEPS + 1):
        labels, count = ndi.label(steps >= threshold)
        expected |= {frozenset(np.flatnonzero(labels == index).tolist()) for index in range(1, count + 1)}
    members = [set(tree.pixels[tree.node == node].tolist()) for node in range(len(tree))]
    for node, parent in enumerate(tree.parent):
        assert parent == -1 or parent > node
        if parent >= 0:
            members[parent] |= members[node]
    assert len(members) == len(expected)
    assert {frozenset(pixels) for pixels in members} == expected
    assert np.array_equal(tree.totals(), [len(pixels) for pixels in members])
    least, greatest = tree.extremes(tree.pixels)
    assert np.array_equal(least, [min(pixels) for pixels in members])
    assert np.array_equal(greatest, [max(pixels) for pixels in members])


@pytest.mark.parametrize("seed", range(5))
def test_chosen_nodes_are_apart_and_label_what_they_hold(seed: int) -> None:
    tree = component_tree(_image(seed), STEPS)
    quality = np.random.default_rng(seed).random(len(tree))
    keep = tree.chosen(quality, tree.totals())
    for node in np.flatnonzero(keep):
        parent = tree.parent[node]
        while parent >= 0:
            assert not keep[parent]
            parent = tree.parent[parent]
    labels = tree.labels(keep)
    assert labels.max() == keep.sum()
    assert np.array_equal(np.bincount(labels.ravel())[1:], tree.totals()[keep])


def test_a_better_whole_beats_its_parts_and_the_other_way_round() -> None:
    steps = np.zeros((5, 9), np.uint8)
    steps[1:4, 1:8] = 1
    steps[2, 2], steps[2, 6] = 3, 2
    tree = component_tree(steps, 3)
    assert len(tree) == 3
    whole = int(np.argmax(tree.totals()))
    quality = np.full(3, 0.5)
    quality[whole] = 0.6
    assert tree.chosen(quality, tree.totals()).tolist() == [node == whole for node in range(3)]
    quality[whole] = 0.4
    assert tree.chosen(quality, tree.totals()).tolist() == [node != whole for node in range(3)]


def test_nothing_stained_is_an_empty_tree() -> None:
    tree = component_tree(np.zeros((4, 5), np.uint8), STEPS)
    assert len(tree) == 0
    assert not tree.labels(np.zeros(0, bool)).any()
