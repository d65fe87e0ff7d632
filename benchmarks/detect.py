"""Finding cells: speed beside a plain full-resolution pipeline, and accuracy on real images.

The peer is what a first script does: threshold (multi-Otsu), distance transform and watershed by
scikit-image on the image as it is, at level 0. Accuracy needs the real images that
`NAPARI_BONEMARROW_TEST_DATA` names (or ``../shared/data``); without them only the speed on a drawn
smear is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage as ndi
from scipy.optimize import linear_sum_assignment

from napari_bonemarrow.slides import cut_crops, detect_cells, estimate_scale, open_slide, slide_from_array

MATCH_UM = 4.0
BORDER_UM = 3.0
SMALLEST_COMPONENT_UM = 6.0
BOX_RED_CELL_UM = 7.3
SEGMENTED_FIELD = "102.jpg"
REPEATS = 3

Points = NDArray[np.float64]
Finder = Callable[[NDArray[np.uint8], float], Points]


def ours(rgb: NDArray[np.uint8], scale: float) -> Points:
    """Find cells with the package, as (n, 2) x and y."""
    cells = detect_cells(slide_from_array(rgb, scale))
    return np.column_stack([cells.x, cells.y])


def plain(rgb: NDArray[np.uint8], scale: float) -> Points:
    """Find cells as a plain script does, at full resolution."""
    from skimage import feature, filters, measure, morphology, segmentation

    green = filters.gaussian(rgb[..., 1], 0.2 / scale)
    mask = green < filters.threshold_multiotsu(green, 3)[0]
    mask = morphology.remove_small_objects(ndi.binary_fill_holes(mask), max_size=int(12 / scale**2))
    distance = filters.gaussian(ndi.distance_transform_edt(mask), 0.5 / scale)
    peaks = feature.peak_local_max(distance, min_distance=int(2.5 / scale), labels=measure.label(mask))
    markers = np.zeros(mask.shape, int)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = segmentation.watershed(-distance, markers, mask=mask)
    centres = [region.centroid[::-1] for region in measure.regionprops(labels) if region.area * scale**2 > 12]
    return np.array(centres, float).reshape(-1, 2)


def data() -> Path | None:
    """The folder of real images, or None."""
    named = os.environ.get("NAPARI_BONEMARROW_TEST_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    return folder if (folder / "fields").is_dir() else None


def field_scale(width: int) -> float:
    """µm per pixel of the two kinds of field: from red cells, and from the scale bar."""
    return 0.05 if width == 2560 else 0.0413


def _rgb(path: Path) -> NDArray[np.uint8]:
    return open_slide(path).levels[0]


def _matched(found: Points, truth: Points, radius: float) -> list[tuple[int, int]]:
    if not len(found) or not len(truth):
        return []
    distance = np.linalg.norm(found[:, None] - truth[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(distance <= radius, distance, 1e9))
    return [(a, b) for a, b in zip(rows, columns, strict=True) if distance[a, b] <= radius]


def on_points(folder: Path, find: Finder) -> tuple[int, int, int]:
    """Count true, false and missed cells of the fields in which every nucleated cell is marked."""
    true = false = missed = 0
    for entry in json.loads((folder / "fields" / "nucleated_cells.json").read_text()):
        rgb = _rgb(folder / "fields" / "images" / entry["file"])
        scale = entry["microns_per_pixel"]
        size = np.array([rgb.shape[1], rgb.shape[0]])
        cells, ignored = (np.array(entry[key], float).reshape(-1, 2) for key in ("cells", "ignore"))

        def inside(points: Points, size: Points = size, rim: float = BORDER_UM / scale) -> NDArray[np.bool_]:
            return np.asarray(((points >= rim) & (points < size - rim)).all(axis=1))

        found = find(rgb, scale)
        pairs = _matched(found, cells, MATCH_UM / scale)
        hit = np.zeros(len(cells), bool)
        used = np.zeros(len(found), bool)
        for a, b in pairs:
            used[a], hit[b] = True, True
        if len(ignored) and len(found):
            near = np.linalg.norm(found[:, None] - ignored[None], axis=2).min(axis=1) <= MATCH_UM / scale
            used |= near
        true += int((hit & inside(cells)).sum())
        missed += int((~hit & inside(cells)).sum())
        false += int((~used & inside(found)).sum())
    return true, false, missed


def on_masks(folder: Path, find: Finder, *, step: int = 1) -> tuple[int, int]:
    """Count plasma cells hit, and all, by the masks of every `step`-th field."""
    hit = total = 0
    for path in sorted((folder / "fields" / "plasma_masks").iterdir())[::step]:
        rgb = _rgb(folder / "fields" / "images" / path.name)
        scale = field_scale(rgb.shape[1])
        labels, count = ndi.label(np.asarray(Image.open(path).convert("L")) > 127)
        sizes = np.sqrt(4 / np.pi * np.bincount(labels.ravel(), minlength=count + 1)) * scale
        large = set((np.flatnonzero(sizes[1:] > SMALLEST_COMPONENT_UM) + 1).tolist())
        at = np.clip(np.rint(find(rgb, scale)).astype(int), 0, np.array(labels.shape[::-1]) - 1)
        total += len(large)
        hit += len(large & set(labels[at[:, 1], at[:, 0]].tolist()))
    return hit, total


def blood_images(folder: Path) -> Iterator[tuple[NDArray[np.uint8], float, Points]]:
    """Yield each blood image with its scale by its red-cell boxes and its boxes (class, x0, y0, x1, y1)."""
    for path in sorted((folder / "blood_boxes" / "images").iterdir()):
        rgb = _rgb(path)
        height, width = rgb.shape[:2]
        lines = (folder / "blood_boxes" / "labels" / f"{path.stem}.txt").read_text().split("\n")
        rows = np.array([[float(v) for v in line.split()] for line in lines if line]).reshape(-1, 5)
        centre = rows[:, 1:3] * (width, height)
        half = rows[:, 3:5] * (width, height) / 2
        boxes = np.column_stack([rows[:, 0], centre - half, centre + half])
        red = boxes[boxes[:, 0] == 1, 1:]
        whole = (red[:, :2] > 2).all(axis=1) & (red[:, 2:] < np.array([width, height]) - 2).all(axis=1)
        red = red[whole] if whole.sum() >= 3 else red
        side = np.sqrt(np.prod(red[:, 2:] - red[:, :2], axis=1))
        yield rgb, BOX_RED_CELL_UM / float(np.median(side)), boxes


def _without_duplicates(boxes: Points) -> Points:
    """Keep one of boxes that cover each other by more than half."""
    kept: list[Points] = []
    for box in boxes:
        overlaps = []
        for other in kept:
            sides = np.maximum(0, np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]))
            smaller = min(np.prod(box[2:] - box[:2]), np.prod(other[2:] - other[:2]))
            overlaps.append(np.prod(sides) / smaller)
        if not overlaps or max(overlaps) < 0.5:
            kept.append(box)
    return np.array(kept).reshape(-1, 4)


def _white(boxes: Points, *, merge: bool) -> Points:
    white = boxes[boxes[:, 0] == 0, 1:]
    return _without_duplicates(white) if merge else white


def _in_box(found: Points, boxes: Points) -> NDArray[np.bool_]:
    """Tell which of some points lie in which of some boxes, as (points, boxes)."""
    return ((found[:, None] >= boxes[None, :, :2]) & (found[:, None] <= boxes[None, :, 2:])).all(axis=2)


def on_blood(folder: Path, find: Finder, *, merge: bool = False) -> tuple[int, int, int]:
    """Count true, false and missed white cells by centre in box, one to one: the strict reading.

    A second box on a cell is then a missed cell, and a second detection in a box a false one.
    """
    true = false = missed = 0
    for rgb, scale, boxes in blood_images(folder):
        white = _white(boxes, merge=merge)
        found = find(rgb, scale)
        inside = _in_box(found, white)
        rows, columns = linear_sum_assignment(~inside)
        hits = int(inside[rows, columns].sum())
        true, false, missed = true + hits, false + len(found) - hits, missed + len(white) - hits
    return true, false, missed


def in_boxes(folder: Path, find: Finder) -> tuple[int, int, int, int]:
    """Count white-cell boxes with a detection's centre in them, all boxes, detections in one, and all.

    The plain reading of centre in box: two boxes on one cell are both found, and so is a box whose cell is
    found twice, which `on_blood` counts against the detector.
    """
    boxes_hit = boxes_all = found_in = found_all = 0
    for rgb, scale, boxes in blood_images(folder):
        white = _white(boxes, merge=False)
        found = find(rgb, scale)
        inside = _in_box(found, white)
        boxes_hit, boxes_all = boxes_hit + int(inside.any(axis=0).sum()), boxes_all + len(white)
        found_in, found_all = found_in + int(inside.any(axis=1).sum()), found_all + len(found)
    return boxes_hit, boxes_all, found_in, found_all


def _seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _row(
    name: str, value: float, unit: str, peer: str = "", ratio: float | None = None, bar: str = ""
) -> dict:
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "bar": bar}


def _rates(true: int, false: int, missed: int) -> tuple[float, float, float]:
    return true / (true + missed), true / max(1, true + false), 2 * true / (2 * true + false + missed)


def _speed(rgb: NDArray[np.uint8], scale: float) -> list[dict]:
    ours(rgb, scale)  # once to import and warm up
    fast, slow = _seconds(lambda: ours(rgb, scale)), _seconds(lambda: plain(rgb, scale), 1)
    slide = slide_from_array(rgb, scale)
    points = np.random.default_rng(0).uniform((300, 300), np.array(rgb.shape[1::-1]) - 300, (200, 2))
    crops = 200 / _seconds(lambda: cut_crops(slide, points[:, 0], points[:, 1]))
    size = f"{rgb.shape[1]}×{rgb.shape[0]}"
    return [
        _row(
            f"find cells in a field of {size} px",
            fast,
            "s",
            "plain scikit-image at level 0",
            slow / fast,
            "10 times",
        ),
        _row("cut crops (250 px at 0.1 µm/px)", crops, "crops/s", bar="300"),
    ]


def _accuracy(folder: Path) -> list[dict]:
    rows = []
    for name, find in (("", ours), ("plain script: ", plain)):
        recall, precision, f1 = _rates(*(counts := on_points(folder, find)))
        n = f"n = {counts[0] + counts[2]} cells, 8 fields"
        rows += [
            _row(f"{name}marked cells, recall ({n})", recall, "", bar="0.98"),
            _row(f"{name}marked cells, precision", precision, ""),
            _row(f"{name}marked cells, F1", f1, "", bar="0.97"),
        ]
    hit, total = on_masks(folder, ours)
    rows.append(_row(f"plasma cells by mask, recall (n = {total})", hit / total, "", bar="0.98"))
    hit, total, true, all_found = in_boxes(folder, ours)
    rows += [
        _row(f"white-cell boxes with a centre in them, recall (n = {total})", hit / total, "", bar="0.97"),
        _row(f"centres in a white-cell box, precision (n = {all_found})", true / all_found, "", bar="0.95"),
    ]
    for name, merge in (("as labelled", False), ("overlapping boxes merged", True)):
        counts = on_blood(folder, ours, merge=merge)
        recall, precision, _ = _rates(*counts)
        n = counts[0] + counts[2]
        rows.append(_row(f"white cells in blood, one to one, recall ({name}, n = {n})", recall, ""))
        rows.append(_row(f"white cells in blood, one to one, precision ({name})", precision, "", bar="0.95"))
    errors = []
    total = 0
    for rgb, scale, _ in blood_images(folder):
        total += 1
        estimate = estimate_scale(slide_from_array(rgb, None))
        if estimate is not None:
            errors.append(abs(estimate.microns_per_pixel / scale - 1))
    rows.append(_row(f"scale from red cells, images answered (of {total})", len(errors), "images"))
    rows.append(_row("scale from red cells against boxes, median error", 100 * float(np.median(errors)), "%"))
    return rows


def run() -> list[dict]:
    """Measure speed, and accuracy where the real images are."""
    folder = data()
    if folder is None:
        from napari_bonemarrow.drawing import sample_smear

        smear = sample_smear()
        return _speed(smear.image, smear.microns_per_pixel)
    return _speed(_rgb(folder / "fields" / "images" / SEGMENTED_FIELD), 0.05) + _accuracy(folder)


if __name__ == "__main__":
    for row in run():
        ratio = "" if row["ratio"] is None else f"  ({row['ratio']:.1f} times {row['peer']})"
        print(f"{row['name']}: {row['value']:.3f} {row['unit']}{ratio}")
