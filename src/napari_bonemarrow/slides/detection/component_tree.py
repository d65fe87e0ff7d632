"""Component tree of an image at rising thresholds, built from stained pixels only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ComponentTree:
    """Components (4-connected) of the pixels above each threshold.

    A node is a set of pixels that is a component at one or more thresholds. Nodes are numbered from the
    highest threshold down, so a parent always has a higher number than its children.

    Attributes
    ----------
    pixels : ndarray of int64, shape (m,)
        Flat indices of the pixels above the lowest threshold.
    node : ndarray of int64, shape (m,)
        The smallest node that holds each of them.
    parent : ndarray of int64, shape (n,)
        The next larger node; -1 for a component at the lowest threshold.
    starts : tuple of int
        First number of each threshold's nodes, from the highest threshold on, then n.
    shape : (int, int)
        Shape of the image.
    """

    pixels: NDArray[np.int64]
    node: NDArray[np.int64]
    parent: NDArray[np.int64]
    starts: tuple[int, ...]
    shape: tuple[int, int]

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.parent)

    def totals(self, values: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the sum of a value of each pixel (1 by default) over each node; shape (n,)."""
        return self.gathered(np.bincount(self.node, values, len(self)).astype(np.float64))

    def gathered(self, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each node's value plus those of all nodes inside it; shape (n,)."""
        total = own.copy()
        for nodes in self._nested():
            np.add.at(total, self.parent[nodes], total[nodes])
        return total

    def extremes(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the minimum and maximum of each node's pixels; each of shape (n,)."""
        least = np.full(len(self), np.iinfo(np.int64).max)
        greatest = np.full(len(self), np.iinfo(np.int64).min)
        np.minimum.at(least, self.node, values)
        np.maximum.at(greatest, self.node, values)
        for nodes in self._nested():
            np.minimum.at(least, self.parent[nodes], least[nodes])
            np.maximum.at(greatest, self.parent[nodes], greatest[nodes])
        return least, greatest

    def chosen(self, quality: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return the disjoint nodes of best quality, weighted by area.

        Parameters
        ----------
        quality : ndarray of float64, shape (n,)
            0 for a node that must not be chosen.
        area : ndarray of float64, shape (n,)

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        best, keep = quality.copy(), quality > 0
        weighed, weight = np.zeros(len(self)), np.zeros(len(self))
        for layer in self._layers():
            inside = weighed[layer] / np.maximum(weight[layer], 1e-12)
            better = inside > best[layer]
            best[layer] = np.where(better, inside, best[layer])
            keep[layer] &= ~better
            nested = layer[self.parent[layer] >= 0]
            np.add.at(weighed, self.parent[nested], best[nested] * area[nested])
            np.add.at(weight, self.parent[nested], area[nested])
        taken = np.zeros(len(self) + 1, bool)  # the last entry stands for a missing parent
        for layer in reversed(self._layers()):
            above = taken[self.parent[layer]]
            keep[layer] &= ~above
            taken[layer] = above | keep[layer]
        return keep

    def labels(self, keep: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return labels 1 to k of the kept nodes' pixels, in the order of nodes; int32, the image's shape."""
        label = np.zeros(len(self) + 1, np.int32)
        label[:-1][keep] = np.arange(1, keep.sum() + 1)
        for layer in reversed(self._layers()):
            label[layer] = np.where(label[layer] > 0, label[layer], label[self.parent[layer]])
        image = np.zeros(self.shape[0] * self.shape[1], np.int32)
        image[self.pixels] = label[self.node]
        return image.reshape(self.shape)

    def _layers(self) -> list[NDArray[np.int64]]:
        """Return each threshold's nodes, from the highest threshold on."""
        return [np.arange(first, last) for first, last in pairwise(self.starts)]

    def _nested(self) -> list[NDArray[np.int64]]:
        """Return each threshold's nodes that have a parent, from the highest threshold on."""
        return [layer[self.parent[layer] >= 0] for layer in self._layers()]


def component_tree(steps: NDArray[np.uint8], count: int) -> ComponentTree:
    """Return the component tree of an image.

    From the highest threshold down, the new pixels at a threshold are joined to each other and to
    neighbouring components. Each pair of neighbours is visited once, at the lower one's threshold, so the
    cost is that of labelling the image once (cf. Najman & Couprie, Building the component tree in
    quasi-linear time, IEEE TIP 2006).

    Parameters
    ----------
    steps : ndarray of uint8, shape (h, w)
        Number of thresholds that each pixel is above.
    count : int
        Number of thresholds.

    Returns
    -------
    ComponentTree
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    shape = (steps.shape[0], steps.shape[1])
    pixels = np.flatnonzero(steps)
    step = steps.ravel()[pixels]
    order = np.argsort(step, kind="stable")
    rank = np.empty(len(pixels), np.int64)
    rank[order] = np.arange(len(pixels))
    bounds = np.searchsorted(step[order], np.arange(1, count + 2))
    pairs = _pairs(steps, pixels, rank, step[order])
    pair_bounds = np.searchsorted(step[order][pairs[0]], np.arange(1, count + 2))
    node = np.empty(len(pixels), np.int64)
    parent = np.full(len(pixels), -1, np.int64)  # never more nodes than pixels
    root = np.arange(len(pixels))
    starts = [0]
    for level in range(count, 0, -1):
        first, last = bounds[level - 1], bounds[level]
        made = starts[-1]
        here = pairs[:, pair_bounds[level - 1] : pair_bounds[level]]
        # New pixels at this threshold stand for themselves, the others for the component around them.
        fresh = here < last
        ends = np.where(fresh, here - first, 0)
        ends[~fresh] = root[node[here[~fresh]]]
        touched, compact = np.unique(ends[~fresh], return_inverse=True)
        ends[~fresh] = compact + (last - first)
        size = last - first + len(touched)
        graph = sparse.coo_matrix((np.ones(ends.shape[1], bool), (ends[0], ends[1])), (size, size))
        joined, which = csgraph.connected_components(graph, directed=False)
        node[first:last] = which[: last - first] + made
        inner = which[last - first :] + made
        parent[touched] = inner
        root[touched] = inner
        root[:made] = root[root[:made]]
        starts.append(made + int(joined))
    return ComponentTree(pixels, node[rank], parent[: starts[-1]], tuple(starts), shape)


def _pairs(
    steps: NDArray[np.uint8], pixels: NDArray[np.int64], rank: NDArray[np.int64], ordered: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return the ranks of neighbouring pixels, lower one first, in its threshold's order; shape (2, e)."""
    height, width = steps.shape
    ranks = np.full(steps.size, -1, np.int64)
    ranks[pixels] = rank
    found = []
    for offset, inside in ((1, pixels % width < width - 1), (width, pixels < (height - 1) * width)):
        ends = np.stack([rank[inside], ranks[pixels[inside] + offset]])
        found.append(ends[:, ends[1] >= 0])
    pairs = np.sort(np.concatenate(found, axis=1), axis=0)
    return pairs[:, np.argsort(ordered[pairs[0]], kind="stable")]
