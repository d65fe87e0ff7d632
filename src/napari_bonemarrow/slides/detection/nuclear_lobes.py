"""Merging the lobes of one nucleus, but not the nuclei of neighbouring cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.detection.nucleus_segments import WORKING_MICRONS, Moments

LARGEST_LOBE_UM2 = 34.0
"""A lobe is at most 6.6 µm across; the nucleus of a small lymphocyte has about 40 µm²."""

LARGEST_PARTNER_UM2 = 50.0
FRAGMENT_UM2 = 14.0
"""A whole round nucleus merges with no lobe, only with a fragment of itself."""

LARGEST_NUCLEUS_UM2 = 88.0
LONGEST_NUCLEUS_UM = 17.5
"""Limits of all lobes together: a segmented nucleus of 40 to 80 µm² lies within a cell of 12 to 15 µm."""

WIDEST_GAP_UM = 2.4
NEAR_GAP_UM = 1.2
SADDLE_NEAR = 0.5
SADDLE_OF_ROUND = 0.6
SADDLE_OF_ODD = 0.3
SADDLE_FAR = 0.31
SADDLE_OF_ROUND_FAR = 0.45
"""Least stain between two lobes, over that of the paler one. Blur alone keeps it at 0.45 between two
cells' nuclei 0.8 µm apart, and at 0.2 from 1.2 µm on; filaments and the cytoplasm between lobes raise it.
Round neighbours of the size of an erythroblast's nucleus must be joined more firmly, a bent or
a very small pair (lobes for sure) less."""

ALIKE = 0.5
"""Least stain of one lobe over that of another; granules and cytoplasm next to a nucleus are paler."""

ONE_CELL_GREEN = 0.17
ONE_CELL_NUCLEAR = 0.6
ONE_CELL_GAP_UM = 3.0
ONE_CELL_UM2 = 88.0
ONE_CELL_LENGTH_UM = 16.0
"""Lobes too far apart or too faintly joined for the saddle, and nuclei divided by a neck, are one nucleus
where the whole convex hull around them is cytoplasm: its green absorbance is nowhere the background's
(5th percentile at least 0.17) nor that of a third nucleus (median at most 0.6 of the lobes'). Of 143 such
pairs within one granulocyte of blood or marrow 121 have such a hull, and 101 are at most 16 µm long and
not both round; of 34 pairs of neighbouring small cells, in fields of marrow and among erythroblasts, 3 and
0."""

_ROUND_NUCLEUS = 1.3
"""Two nuclei with elongations below this are never joined by the area around them: between neighbouring late
erythroblasts thick plasma is as dark as the cytoplasm of a neutrophil."""

_ODD = 0.9
_ROUND = 0.965
_ROUND_UM2 = 18.0
_SAMPLES = 9
_SMOOTHING_PX = 1.0
_RIM_PX = 5
"""More than the reach of the smoothing."""


def merge_lobes(
    labels: NDArray[np.int32],
    smooth: NDArray[np.float32],
    whole: NDArray[np.int32],
    green: NDArray[np.float32],
) -> NDArray[np.int32]:
    """Return the nucleus of each label, with the lobes of one nucleus merged.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n, all present.
    smooth : ndarray of float32, shape (h, w)
        The smoothed nuclear stain.
    whole : ndarray of int32, shape (n,)
        Labels with the same number here were divided: no saddle joins them again, but their common cell may.
    green : ndarray of float32, shape (h, w)
        Absorbance of green.

    Returns
    -------
    ndarray of int32, shape (n + 1,)
        The nucleus of each label, 1 to m; 0 for 0.
    """
    count = int(labels.max())
    moments = Moments.of_labels(labels, count)
    mean = ndi.mean(smooth, labels, np.arange(1, count + 1))
    group = {index: [index] for index in range(count)}
    places = ndi.find_objects(labels)
    pairs, apart = _neighbours(labels, smooth, moments, mean, places)
    for _, lobe, other in sorted(pairs, reverse=True):
        _join(group, lobe, other, whole, moments, (LARGEST_NUCLEUS_UM2, LONGEST_NUCLEUS_UM))
    for _, lobe, other in sorted(apart):
        together = group[lobe] + group[other]
        if group[lobe] is not group[other] and _in_one_cell(labels, together, moments, places, green):
            for member in together:
                group[member] = together
    renumbered = np.zeros(count + 1, np.int32)
    for index in range(count):
        if renumbered[index + 1] == 0:
            renumbered[np.array(group[index]) + 1] = renumbered.max() + 1
    return renumbered


def _join(
    group: dict[int, list[int]],
    lobe: int,
    other: int,
    whole: NDArray[np.int32],
    moments: Moments,
    largest: tuple[float, float],
) -> None:
    """Merge the groups of two lobes unless the result is too large or they were divided for good."""
    if group[lobe] is group[other] or {whole[i] for i in group[lobe]} & {whole[i] for i in group[other]}:
        return
    together = group[lobe] + group[other]
    area, _, length = moments.union(together)
    if area <= largest[0] and length <= largest[1]:
        for member in together:
            group[member] = together


def _in_one_cell(
    labels: NDArray[np.int32],
    members: list[int],
    moments: Moments,
    places: list[tuple[slice, slice]],
    green: NDArray[np.float32],
) -> bool:
    """Return whether only cytoplasm fills the convex hull around some lobes."""
    from skimage import morphology

    area, _, length = moments.union(members)
    shapes, drawn_out = moments.ellipticity[members], moments.elongation[members]
    round_nuclei = shapes.min() >= _ROUND and drawn_out.max() < _ROUND_NUCLEUS
    if area > ONE_CELL_UM2 or length > ONE_CELL_LENGTH_UM or round_nuclei:
        return False
    window = tuple(
        slice(max(0, min(side.start for side in sides) - _RIM_PX), max(side.stop for side in sides) + _RIM_PX)
        for sides in zip(*(places[member] for member in members), strict=True)
    )
    local = labels[window]
    own = np.isin(local, np.array(members) + 1)
    hull = morphology.convex_hull_image(own) & (local == 0)  # type: ignore[no-untyped-call]
    if not hull.any():
        return False
    smooth = ndi.gaussian_filter(green[window], _SMOOTHING_PX)
    inside, nuclear = smooth[hull], ONE_CELL_NUCLEAR * float(smooth[own].mean())
    return bool(np.percentile(inside, 5) >= ONE_CELL_GREEN and np.median(inside) <= nuclear)


def _neighbours(
    labels: NDArray[np.int32],
    smooth: NDArray[np.float32],
    moments: Moments,
    mean: NDArray[np.float64],
    places: list[tuple[slice, slice]],
) -> tuple[list[tuple[float, int, int]], list[tuple[float, int, int]]]:
    """Return pairs of lobes of one nucleus as (saddle, index, index), and other near pairs as (gap, ...)."""
    pairs, apart = [], []
    reach = int(np.ceil(ONE_CELL_GAP_UM / WORKING_MICRONS)) + 1
    for lobe in np.flatnonzero(moments.area <= max(LARGEST_LOBE_UM2, ONE_CELL_UM2 / 2)):
        window = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in places[lobe])
        local = labels[window]
        small = moments.area[lobe] <= LARGEST_LOBE_UM2
        others = [
            int(other)
            for other in np.unique(local)
            if other not in (0, lobe + 1)
            and (small or moments.area[lobe] + moments.area[other - 1] <= ONE_CELL_UM2)
        ]
        if not others:
            continue
        distance, nearest = ndi.distance_transform_edt(local != lobe + 1, return_indices=True)
        for other in others:
            rows, columns = np.nonzero(local == other)
            closest = distance[rows, columns].argmin()
            end = np.array([rows[closest], columns[closest]])
            gap = float(distance[tuple(end)]) * WORKING_MICRONS
            if gap > ONE_CELL_GAP_UM:
                continue
            apart.append((gap, int(lobe), other - 1))
            if not small:
                continue
            start = nearest[:, end[0], end[1]]
            steps = np.linspace(start, end, _SAMPLES).T
            bridge = ndi.map_coordinates(smooth[window], steps, order=1)
            paler, darker = sorted((mean[lobe], mean[other - 1]))
            if paler < ALIKE * darker:
                continue
            saddle = float(bridge.min() / paler)
            if gap <= WIDEST_GAP_UM and saddle >= _needed(moments, int(lobe), other - 1, gap):
                pairs.append((saddle, int(lobe), other - 1))
    return pairs, apart


def _needed(moments: Moments, lobe: int, other: int, gap_um: float) -> float:
    """Return the least saddle for a lobe and its neighbour; 2 where they cannot be one nucleus."""
    areas = moments.area[[lobe, other]]
    if areas.max() > LARGEST_PARTNER_UM2 and areas.min() > FRAGMENT_UM2:
        return 2.0
    shapes = moments.ellipticity[[lobe, other]]
    round_pair = shapes.min() >= _ROUND and areas.min() >= _ROUND_UM2
    if gap_um > NEAR_GAP_UM:
        return SADDLE_OF_ROUND_FAR if round_pair else SADDLE_FAR
    if shapes.min() < _ODD or areas.max() < _ROUND_UM2:
        return SADDLE_OF_ODD
    return SADDLE_OF_ROUND if round_pair else SADDLE_NEAR
