"""Robustness of the figures to changes of colour, light, focus, storage, scale and direction."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.models.crops import fit_crop
from napari_bonemarrow.training.figures.bootstrap import drop_interval

Image8 = NDArray[np.uint8]
Change = Callable[[Image8], Image8]

CAST = 0.1
"""Relative change of one colour channel."""

GAMMAS = (0.8, 1.25)

BLUR_UM = 0.1
"""Sigma of the Gaussian blur, µm."""

JPEG_QUALITY = 60

SCALE_ERROR = 0.1
"""Relative error of the µm per pixel."""


def cast(crop: Image8, channel: int, gain: float) -> Image8:
    """Return a crop with one channel multiplied, as by a shifted white balance."""
    factors = np.ones(3)
    factors[channel] = gain
    return np.rint(np.clip(crop * factors, 0, 255)).astype(np.uint8)


def gamma(crop: Image8, exponent: float) -> Image8:
    """Return a crop scaled to 0-1 and raised to a power."""
    table = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return table[crop]


def blur(crop: Image8, sigma: float) -> Image8:
    """Return a crop blurred by a Gaussian, sigma in px."""
    from scipy.ndimage import gaussian_filter

    soft: NDArray[np.float32] = gaussian_filter(crop.astype(np.float32), (sigma, sigma, 0), mode="nearest")
    return np.rint(soft).astype(np.uint8)


def jpeg(crop: Image8, quality: int) -> Image8:
    """Return a crop after JPEG compression."""
    from PIL import Image

    stored = io.BytesIO()
    Image.fromarray(crop).save(stored, "JPEG", quality=quality)
    with Image.open(stored) as image:
        return np.asarray(image.convert("RGB"))


def rescale(crop: Image8, factor: float) -> Image8:
    """Return a crop scaled about the centre at the same side, padded with the border's median."""
    from PIL import Image

    side = max(1, round(len(crop) * factor))
    resized = Image.fromarray(crop).resize((side, side), Image.Resampling.BICUBIC)
    return fit_crop(np.asarray(resized), len(crop))


def rotate(crop: Image8, quarters: int) -> Image8:
    """Return a crop rotated by multiples of 90°."""
    return np.ascontiguousarray(np.rot90(crop, quarters))


def changes(microns_per_pixel: float) -> Mapping[str, Change]:
    """Return the changes by name, for crops of a scale in µm per pixel."""
    table: dict[str, Change] = {}
    for channel, colour in enumerate(("red", "green", "blue")):
        for gain in (1 - CAST, 1 + CAST):
            table[f"{colour} {gain - 1:+.0%}"] = partial(cast, channel=channel, gain=gain)
    for exponent in GAMMAS:
        table[f"gamma {exponent:g}"] = partial(gamma, exponent=exponent)
    table[f"blur {BLUR_UM:g} µm"] = partial(blur, sigma=BLUR_UM / microns_per_pixel)
    table[f"JPEG {JPEG_QUALITY}"] = partial(jpeg, quality=JPEG_QUALITY)
    for factor in (1 - SCALE_ERROR, 1 + SCALE_ERROR):
        table[f"size {factor - 1:+.0%}"] = partial(rescale, factor=factor)
    for quarters in (1, 2, 3):
        table[f"turned {90 * quarters}°"] = partial(rotate, quarters=quarters)
    return table


def robustness(
    truth: NDArray[np.intp],
    clean: NDArray[np.intp],
    batches: Callable[[], Iterator[NDArray[np.uint8]]],
    classify: Callable[[NDArray[np.uint8]], NDArray[np.floating]],
    microns_per_pixel: float,
    tell: Callable[[int], None] = lambda crops: None,
) -> dict[str, Any]:
    """Return the figures of the same crops under each change.

    Parameters
    ----------
    truth, clean : ndarray of int, shape (n,)
        Columns: the true classes, and those predicted from the unchanged crops.
    batches : callable
        Yields the n crops in order, some at a time, again at each call.
    classify : callable
        Crops (m, s, s, 3) to probabilities (m, k).
    microns_per_pixel : float
    tell : callable
        Called with the number of further crops done.

    Returns
    -------
    dict
        ``n, balanced_accuracy`` of the unchanged crops, ``changes`` (by name: ``balanced_accuracy, drop,
        drop_ci95`` by paired bootstrap), and the ``largest_drop`` with its name.
    """
    table = changes(microns_per_pixel)
    right = {name: np.zeros(0, bool) for name in table}
    start = 0
    for crops in batches():
        part = truth[start : start + len(crops)]
        for name, change in table.items():
            predicted = classify(np.stack([change(crop) for crop in crops])).argmax(axis=1)
            right[name] = np.concatenate([right[name], predicted == part])
        start += len(crops)
        tell(len(crops))
    before = clean == truth
    base = float(np.mean([before[truth == code].mean() for code in np.unique(truth)]))
    rows: dict[str, Any] = {}
    for name, after in right.items():
        drop, low, high = drop_interval(truth, before, after)
        rows[name] = {
            "balanced_accuracy": round(base - drop, 4),
            "drop": round(drop, 4),
            "drop_ci95": [round(low, 4), round(high, 4)],
        }
    worst = max(rows, key=lambda name: float(rows[name]["drop"]))
    return {
        "n": len(truth),
        "balanced_accuracy": round(base, 4),
        "changes": rows,
        "largest_drop": {"change": worst, **rows[worst]},
    }
