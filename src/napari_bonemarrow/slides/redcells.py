"""Estimate the physical scale of a field from its red cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.colour import background_colour, optical_density, resized
from napari_bonemarrow.slides.slide import Scale, ScaleSource, Slide, is_plausible

RED_CELL_UM = 7.35
RED_CELL_SPREAD_UM = 0.3
"""Mean diameter of red cells on a dried, stained smear: 7.2 to 7.5 µm in normal adults, which is about
7.35 with a spread of 0.3 µm between smears (micro- and macrocytic blood lies outside)."""
METHOD_ERROR = 0.05
"""Relative error of an outline, which lies half-way up a blurred border."""

FEWEST_CELLS = 4
LARGEST_SPREAD = 0.16
"""Fewest cells, and largest relative spread of their diameters (about 0.08 in health)."""

_LONG_SIDE = 1024
_DIAMETER_PX = (12.0, 220.0)
_ROUND = 0.97
_LONGEST_AXIS_RATIO = 1.35
_FREE_BORDER = 0.6
_BLUE_OVER_GREEN = 0.33
_LEAST_DENSITY = 0.06
_BANDWIDTH = 0.08
_LEAST_COVERAGE = 0.1


def estimate_scale(slide: Slide) -> Scale | None:
    """Estimate µm per pixel from red cells, which are 7.2 to 7.5 µm across on a smear.

    Red cells are what absorbs blue nearly as much as green. Discs that stand apart, or whose border is
    mostly free where they touch, are measured by their area; the commonest diameter is taken to be
    7.35 µm.

    Parameters
    ----------
    slide : Slide
        Its own scale, if any, is not looked at.

    Returns
    -------
    Scale or None
        With a 95 % interval from the spread of the diameters and that between people; None where fewer
        than four discs agree, as in a field full of nucleated cells or of rouleaux.
    """
    level = slide.levels[0]
    factor = max(1.0, max(level.shape[:2]) / _LONG_SIDE)
    width, height = max(1, round(slide.width / factor)), max(1, round(slide.height / factor))
    rgb = resized(level, width, height)
    agreeing = _disc_diameters(rgb) * (slide.width / width)
    if len(agreeing) < FEWEST_CELLS:
        return None
    middle = float(np.median(agreeing))
    spread = float(np.std(agreeing) / middle)
    value = RED_CELL_UM / middle
    if spread > LARGEST_SPREAD or not is_plausible(value):
        return None
    # 1.25: the standard error of a median over that of a mean.
    parts = (RED_CELL_SPREAD_UM / RED_CELL_UM, METHOD_ERROR, 1.25 * spread / np.sqrt(len(agreeing)))
    relative = 1.96 * float(np.linalg.norm(parts))
    return Scale(
        value,
        ScaleSource.ESTIMATE,
        low=float(value * (1 - relative)),
        high=float(value * (1 + relative)),
        basis=f"{len(agreeing)} red cells of {RED_CELL_UM:g} µm",
    )


def _disc_diameters(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Diameters of round red cells, pixels of this image."""
    from scipy import ndimage as ndi
    from skimage import filters, measure

    density = optical_density(rgb, background_colour(rgb))
    density = np.stack([ndi.gaussian_filter(density[..., channel], 1.0) for channel in range(3)], axis=-1)
    absorbed = density.mean(axis=2)
    if np.ptp(np.clip(absorbed, 0, 0.6)) < _LEAST_DENSITY:
        return np.empty(0)
    # Background, red cells, nuclei: the lower of two thresholds. Nuclei far darker must not pull it up.
    classes = filters.threshold_multiotsu(np.clip(absorbed, 0, 0.6), 3)  # type: ignore[no-untyped-call]
    threshold = max(_LEAST_DENSITY, float(classes[0]))
    mask = ndi.binary_fill_holes(absorbed > threshold)
    parts = _separate(mask)
    table = measure.regionprops(parts, density)  # type: ignore[no-untyped-call]
    free = _free_border(parts, mask)
    height, width = mask.shape
    diameters = []
    coloured = 0.0
    for region in table:
        red, green, blue = region.intensity_mean
        stain = green - 0.5 * blue - 0.35 * red
        if blue < (_BLUE_OVER_GREEN + 0.25 * max(0.0, stain - 0.3)) * green:
            continue
        coloured += region.area
        top, left, bottom, right = region.bbox
        if top == 0 or left == 0 or bottom == height or right == width:
            continue
        diameter = region.equivalent_diameter_area
        long, short = region.axis_major_length, region.axis_minor_length
        if not _DIAMETER_PX[0] <= diameter <= _DIAMETER_PX[1] or long > _LONGEST_AXIS_RATIO * short:
            continue
        ellipticity = 4 * region.area / (np.pi * long * short)
        if ellipticity >= _ROUND and free[region.label] >= _FREE_BORDER:
            diameters.append(diameter)
    agreeing = _largest_cluster(np.array(diameters))
    # Rings on red cells (drying artefacts) and specks can be round too, but cover little.
    covered = np.pi / 4 * (agreeing**2).sum()
    return agreeing if covered >= _LEAST_COVERAGE * coloured else np.empty(0)


def _separate(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Divide touching cells at their necks, at any scale: the depth asked for is relative."""
    from scipy import ndimage as ndi
    from skimage import segmentation

    distance = ndi.distance_transform_edt(mask)
    components, _ = ndi.label(mask)
    deepest = ndi.maximum(distance, components, np.arange(components.max() + 1))
    typical = float(np.median(deepest[1:][deepest[1:] > 4])) if (deepest[1:] > 4).any() else 4.0
    smooth = ndi.gaussian_filter(distance, typical / 8)
    peaks = (ndi.maximum_filter(smooth, int(typical) | 1) == smooth) & (distance > typical / 2)
    markers, _ = ndi.label(peaks, structure=np.ones((3, 3)))
    parts = segmentation.watershed(-smooth, markers, mask=mask)  # type: ignore[no-untyped-call]
    return np.asarray(parts, np.int32)


def _free_border(parts: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each part's border that lies on background."""
    from scipy import ndimage as ndi

    count = int(parts.max())
    outer = (parts > 0) & ~ndi.binary_erosion(mask, structure=np.ones((3, 3)), border_value=1)
    border = (parts > 0) & (ndi.minimum_filter(parts, 3) != parts)
    inner = (parts > 0) & (ndi.maximum_filter(parts, 3) != parts)
    free = np.bincount(parts[outer], minlength=count + 1)
    whole = np.bincount(parts[border | inner | outer], minlength=count + 1)
    return np.asarray(free / np.maximum(whole, 1))


def _largest_cluster(diameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """The diameters around the commonest one, within a fifth."""
    if len(diameters) == 0:
        return diameters
    logs = np.log(diameters)
    density = np.exp(-0.5 * ((logs[:, None] - logs) / _BANDWIDTH) ** 2).sum(axis=1)
    mode = logs[density.argmax()]
    return np.asarray(diameters[np.abs(logs - mode) < 0.2])
