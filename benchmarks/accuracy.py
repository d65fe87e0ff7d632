"""What finding cells reaches on real images: recall, precision and F1 with their numbers and intervals.

``python -m benchmarks.accuracy [fields] [blood] [masks] [transforms] [--step N]``; all of them by
default. Measured by the same functions as `benchmarks.detect`, on the folder that
`NAPARI_BONEMARROW_TEST_DATA` names. The eight fields' points and the plasma masks were not fitted to.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage as ndi

from benchmarks.detect import Points, data, in_boxes, on_blood, on_masks, on_points, ours
from napari_bonemarrow.cytology.intervals import wilson

Image_ = NDArray[np.uint8]
Transform = Callable[[Image_, float], tuple[Image_, float]]

DISPUTED = {
    "30a596f3": "one box on a platelet",
    "37d44e4a": "a white cell without a box",
    "4e2139d2": "five boxes too many on one cell",
    "82cdedc1": "one box on a red cell",
    "9a5a40ca": "one box too many on one cell",
    "a362cf18": "a white cell without a box",
    "d29d4c0e": "one box on a red cell",
    "d5ac6b8b": "a white cell without a box",
    "f00f2594": "one box on a red cell",
}
"""Blood images whose boxes are wrong by eye, by the first eight characters of their names."""


def _jpeg(rgb: Image_, scale: float) -> tuple[Image_, float]:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer)), scale


def _tinted(*factors: float) -> Transform:
    return lambda rgb, scale: (np.clip(rgb * np.array(factors), 0, 255).astype(np.uint8), scale)


def _blurred(rgb: Image_, scale: float) -> tuple[Image_, float]:
    return ndi.gaussian_filter(rgb, (0.2 / scale, 0.2 / scale, 0)), scale


def _halved(rgb: Image_, scale: float) -> tuple[Image_, float]:
    size = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX)), 2 * scale


TRANSFORMS: dict[str, Transform] = {
    **{
        f"{name} {factor:+.0%}": _tinted(*(1 + factor * (k == channel) for k in range(3)))
        for channel, name in enumerate(("red", "green", "blue"))
        for factor in (-0.15, 0.15)
    },
    "brightness 0.7": _tinted(0.7, 0.7, 0.7),
    "brightness 1.3": _tinted(1.3, 1.3, 1.3),
    "blur 0.2 µm": _blurred,
    "JPEG 40": _jpeg,
    "half resolution": _halved,
}


def after(transform: Transform) -> Callable[[Image_, float], Points]:
    """Find cells in a changed image; positions of the image as it was."""

    def find(rgb: Image_, scale: float) -> Points:
        changed, its_scale = transform(rgb, scale)
        factor = its_scale / scale
        return (ours(changed, its_scale) + 0.5) * factor - 0.5

    return find


def share(part: int, total: int) -> str:
    """Print a share with its 95 % Wilson interval."""
    low, high = wilson(part, total)
    return f"{part}/{total} = {part / max(1, total):.3f} ({low:.3f} to {high:.3f})"


def rates(counts: tuple[int, int, int]) -> str:
    """Print recall and precision with their 95 % Wilson intervals, and F1."""
    true, false, missed = counts
    f1 = 2 * true / max(1, 2 * true + false + missed)
    return f"recall {share(true, true + missed)}, precision {share(true, true + false)}, F1 {f1:.3f}"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = ("fields", "blood", "masks", "transforms")
    parser.add_argument("what", nargs="*", metavar="|".join(kinds))
    parser.add_argument("--step", type=int, default=1, help="every N-th image of the plasma masks")
    asked = parser.parse_args()
    if unknown := set(asked.what) - set(kinds):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(kinds)}")
    what = asked.what or kinds
    folder = data()
    if folder is None:
        parser.error("no real images: set NAPARI_BONEMARROW_TEST_DATA")
    if "fields" in what:
        print("marked cells of 8 fields:", rates(on_points(folder, ours)))
    if "masks" in what:
        hit, total = on_masks(folder, ours, step=asked.step)
        print("plasma cells by mask:", share(hit, total))
    if "blood" in what:
        hit, total, true, found = in_boxes(folder, ours)
        print("white cells in blood, boxes with a centre in them:", share(hit, total))
        print("white cells in blood, centres in a box:", share(true, found))
        print("the same one to one, as labelled:", rates(on_blood(folder, ours)))
        print("one to one, overlapping boxes merged:", rates(on_blood(folder, ours, merge=True)))
        for name, why in DISPUTED.items():
            print(f"  wrong by eye: {name}…: {why}")
    if "transforms" in what:
        for name, transform in TRANSFORMS.items():
            print(f"{name}:", rates(on_points(folder, after(transform))))


if __name__ == "__main__":
    main()
