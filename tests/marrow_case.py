"""A case of cells whose true classes are known, with predictions and features; nothing is drawn or found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_bonemarrow.cytology import BMC21, Cells, Features, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, slide_from_array

SIDE, COUNT = 1000, 300
CODES = ("NGS", "EBO", "BLA", "LYT", "ART")
KINDS = np.random.default_rng(5).choice(len(CODES), COUNT, p=[0.5, 0.2, 0.1, 0.15, 0.05])
TRUTH = np.array(CODES)[KINDS]
"""The class of each cell, in the order of their numbers."""
MODEL = ModelReference("starter", "a" * 64)


def marrow_case(path: Path, *, right: float = 0.8, seed: int = 7) -> Case:
    """Return a new case of 300 counted cells, a part of them classified rightly, whose features tell them."""
    pixels = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    slide = slide_from_array(pixels, 0.2).with_scale(Scale(0.2, ScaleSource.USER, basis="given"))
    case = Case.create(path, slide, reviewer="Ada")
    case.sampling.set_frame(Frame.whole_field(SIDE, SIDE), target=COUNT)
    at, ones = np.arange(COUNT), np.ones(COUNT, np.float32)
    case.detection.record(
        Cells(at + 1, 50.0 + 45 * (at % 20), 50.0 + 45 * (at // 20), 9 * ones, 0.9 * ones, ones > 0)
    )
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(COUNT) < right, TRUTH, rng.choice(TRUTH, COUNT))
    probabilities = np.full((COUNT, len(BMC21)), 0.01, np.float32)
    probabilities[at, [BMC21.index(code) for code in said]] = rng.uniform(0.4, 0.8, COUNT)
    probabilities /= probabilities.sum(1, keepdims=True)
    support = dict.fromkeys(BMC21, Support.TRAINED)
    case.model.record_predictions(Predictions(case.cells.cell_id, probabilities, BMC21, support, MODEL))
    values = (4 * np.eye(len(CODES), 8))[KINDS] + rng.normal(0, 0.4, (COUNT, 8))
    case.model.record_features(
        Features(
            case.cells.cell_id,
            (values - values.mean(0)).astype(np.float16),
            MODEL,
            np.zeros(16, np.float32),
            np.eye(8, 16, dtype=np.float32),
        )
    )
    return case


def name(case: Case, cells: np.ndarray) -> None:
    """Give cells their true classes, one by one."""
    for cell in cells.tolist():
        case.set_label(cell, str(TRUTH[cell - 1]))


def review_waves(case: Case, waves: int) -> None:
    """Review some waves of a sample, and begin the next."""
    for _ in range(waves):
        name(case, case.sample.next(COUNT))
        case.sample.advance()
