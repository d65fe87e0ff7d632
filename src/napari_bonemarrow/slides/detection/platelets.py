"""Separation of large platelets from small nuclei: a platelet is bare, a nucleus lies in a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from napari_bonemarrow.slides.detection.nucleus_filter import rising
from napari_bonemarrow.slides.detection.nucleus_segments import WORKING_MICRONS

AREA_UM2 = (28.0, 40.0)
"""Half of 300 platelets of blood have less than 21 µm², one in twenty more than 38. A larger object without
cytoplasm is a bare nucleus or a small lymphocyte."""

BARE = (0.4, 0.6)
"""Empty part of the ring around it. Platelets 0.5 to 0.99, nuclei of erythroblasts 0 to
0.76 (2nd to 98th percentile of 296 and 300 in blood)."""

NOTHING = 0.1
"""Mean of the three absorbances below which a pixel is empty."""

UNEVEN = (0.24, 0.32)
"""Standard deviation of the nuclear stain over its mean. Platelets 0.21 to 0.56, erythroblasts' nuclei 0.05
to 0.31, those of aspirate fields 0.04 to 0.28 (2nd to 98th percentile); all three are needed,
as bare pyknotic nuclei are even, and uneven ones of that size lie in cytoplasm."""

_RING_UM = (0.6, 1.5)
_INSIDE_UM = 0.6


def platelet_likeness(
    labels: NDArray[np.int32],
    area: NDArray[np.float64],
    stain: NDArray[np.float32],
    density: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return how similar each object is to a platelet: small, uneven and bare.

    An object cut by the image's border gets 0, since neither its size nor its surroundings are known.

    Parameters
    ----------
    labels : ndarray of int32, shape (h, w)
        1 to n, all present.
    area : ndarray of float64, shape (n,)
        µm².
    stain : ndarray of float32, shape (h, w)
        The nuclear stain, not smoothed.
    density : ndarray of float32, shape (h, w, 3)
        Absorbance of red, green and blue.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 1.
    """
    uneven, bare = np.zeros(len(area)), np.zeros(len(area))
    small = area < AREA_UM2[1]
    if not small.any():
        return np.zeros(len(area))
    height, width = labels.shape
    reach = int(np.ceil(_RING_UM[1] / WORKING_MICRONS)) + 1
    for index, place in enumerate(ndi.find_objects(labels)):
        if not small[index]:
            continue
        rows, columns = place
        if rows.start == 0 or columns.start == 0 or rows.stop == height or columns.stop == width:
            continue
        window = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in place)
        local = labels[window]
        own = local == index + 1
        inside = ndi.distance_transform_edt(own) * WORKING_MICRONS >= _INSIDE_UM
        if not inside.any():
            continue
        values = stain[window][inside]
        uneven[index] = float(values.std()) / max(float(values.mean()), 0.05)
        if uneven[index] <= UNEVEN[0]:
            continue
        away = ndi.distance_transform_edt(~own) * WORKING_MICRONS
        ring = (away > _RING_UM[0]) & (away <= _RING_UM[1]) & (local == 0)
        if ring.any():
            bare[index] = (density[window][ring].mean(axis=1) < NOTHING).mean()
    return rising(uneven, UNEVEN) * rising(bare, BARE) * (1 - rising(area, AREA_UM2))
