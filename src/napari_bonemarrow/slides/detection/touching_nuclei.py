"""Division of touching nuclei at the neck between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.detection.nucleus_segments import WORKING_MICRONS, Moments

CONVEX = 0.955
"""Ellipticity from which a shape is one nucleus: two discs overlapping by a fifth still have 0.94."""

NECK = 0.78
"""Widest neck between two nuclei, over the width of the narrower one."""

SMALLEST_PART_UM2 = 14.0
SMALLEST_WHOLE_UM2 = 46.0
"""Least area of a nucleus; smaller parts are lobes."""

_PART_ELLIPTICITY = 0.9
_ROUND_ELLIPTICITY = 0.955
_ROUND_NECK = 0.72
_LOBED_WHOLE_UM2 = 84.0
"""Largest area of one segmented nucleus (granulocytes of blood reach it, two late erythroblasts of a field
have 88): below it only two parts, both quite round and with a narrow neck, are two cells."""

_DEPTH_UM = 0.2
_SMOOTHING_PX = 1.0


def divide(labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return labels in which round nuclei joined by a neck are divided.

    The parts are the basins of the distance to the border (watershed). Two parts stay together where
    the neck is wide, one of them is small or one of them is not round.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n, all present.

    Returns
    -------
    divided : ndarray of int32, shape (h, w)
        1 to m, m >= n.
    whole : ndarray of int32, shape (m,)
        For each part, the label it comes from.
    """
    count = int(labels.max())
    if count == 0:
        return labels, np.empty(0, np.int32)
    height, width = labels.shape
    moments = Moments.of_labels(labels, count)
    divided = labels.copy()
    whole = list(range(1, count + 1))
    suspect = (moments.ellipticity < CONVEX) & (moments.area >= SMALLEST_WHOLE_UM2)
    places = ndi.find_objects(labels)
    for index in np.flatnonzero(suspect):
        rows, columns = places[index]
        shape = labels[rows, columns] == index + 1
        # A nucleus cut by the image continues: the cut is not a border for the distance.
        rim = (
            (int(rows.start > 0), int(rows.stop < height)),
            (int(columns.start > 0), int(columns.stop < width)),
        )
        parts = _parts(shape, rim)
        for part in range(2, int(parts.max()) + 1):
            whole.append(int(index) + 1)
            divided[places[index]][parts == part] = len(whole)
    return divided, np.array(whole, np.int32)


def _parts(shape: NDArray[np.bool_], rim: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.int32]:
    """Return the parts of one shape; all ones for a single nucleus. `rim` is the background padding."""
    from skimage import morphology, segmentation

    padded = ndi.distance_transform_edt(np.pad(shape, rim)) * WORKING_MICRONS
    (top, _), (left, _) = rim
    distance = padded[top : top + shape.shape[0], left : left + shape.shape[1]]
    smooth = ndi.gaussian_filter(distance, _SMOOTHING_PX)
    peaks = morphology.h_maxima(smooth, _DEPTH_UM) & shape  # type: ignore[no-untyped-call]
    markers, _ = ndi.label(peaks, structure=np.ones((3, 3)))
    parts: NDArray[np.int32] = segmentation.watershed(  # type: ignore[no-untyped-call]
        -smooth, markers, mask=shape
    ).astype(np.int32)
    lobed = shape.sum() * WORKING_MICRONS**2 <= _LOBED_WHOLE_UM2
    while parts.max() > 1:
        weakest = _weakest_border(parts, smooth, lobed)
        if weakest is None:
            return shape.astype(np.int32) if lobed and parts.max() > 2 else parts
        first, second = weakest
        parts[parts == second] = first
        parts[parts > second] -= 1
    return parts


def _weakest_border(
    parts: NDArray[np.int32], distance: NDArray[np.float64], lobed: bool
) -> tuple[int, int] | None:
    """Return the two parts most likely to be one nucleus, or None where all are separate nuclei."""
    count = int(parts.max())
    moments = Moments.of_labels(parts, count)
    depth = ndi.maximum(distance, parts, np.arange(1, count + 1))
    worst: tuple[float, int, int] | None = None
    for first in range(1, count):
        near = ndi.binary_dilation(parts == first, structure=np.ones((3, 3)))
        for second in range(first + 1, count + 1):
            border = near & (parts == second)
            if not border.any():
                continue
            pair = [first - 1, second - 1]
            neck = float(distance[border].max() / depth[pair].min())
            small = moments.area[pair].min() < SMALLEST_PART_UM2
            odd = moments.ellipticity[pair].min() < (_ROUND_ELLIPTICITY if lobed else _PART_ELLIPTICITY)
            if (neck > (_ROUND_NECK if lobed else NECK) or small or odd) and (
                worst is None or neck > worst[0]
            ):
                worst = neck, first, second
    return None if worst is None else (worst[1], worst[2])
