"""A case of a drawn smear, counted by its known classes: for reports with pictures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from napari_bonemarrow.cytology import BMC21, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.drawing import DrawnSmear, draw_smear
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Scale, ScaleSource, open_slide

MPP = 0.08
MODEL = ModelReference("starter", "a1b2c3d4" * 8)


@cache
def _drawn(seed: int, side: int) -> DrawnSmear:
    """Return a drawn smear; drawing takes seconds, so each is drawn once."""
    return draw_smear(seed, width=1920 * side, height=1440 * side, microns_per_pixel=MPP)


def drawn_case(
    folder: Path, *, side: int = 1, name: str = "smear.png", reviewed: bool = True, seed: int = 3
) -> Case:
    """Return a case of about 65 times `side` squared cells, whose classes are those drawn.

    A model that is right nine times in ten has classed them; if `reviewed`, a reviewer has corrected it.
    """
    from PIL import Image

    smear = _drawn(seed, side)
    path = folder / name
    Image.fromarray(smear.image).save(path)
    slide = open_slide(path).with_scale(Scale(MPP, ScaleSource.USER, basis="given"))
    case = Case.create(folder / f"{path.stem}.bmcase", slide, reviewer="Dr. Ada Muster")
    case.sampling.set_frame(Frame.whole_field(slide.width, slide.height), target=50 * side * side)
    case.detection.record(smear.cells)
    count, rng = len(smear.codes), np.random.default_rng(seed)
    said = np.where(rng.random(count) < 0.9, np.array(smear.codes), rng.choice(np.array(smear.codes), count))
    probabilities = np.full((count, len(BMC21)), 0.01, np.float32)
    probabilities[np.arange(count), [BMC21.index(code) for code in said]] = rng.uniform(0.5, 0.9, count)
    probabilities /= probabilities.sum(1, keepdims=True)
    support = dict.fromkeys(BMC21, Support.TRAINED)
    case.model.record_predictions(Predictions(case.cells.cell_id, probabilities, BMC21, support, MODEL))
    if reviewed:
        codes = np.array(smear.codes)
        for code in dict.fromkeys(smear.codes):
            case.set_label(case.cells.cell_id[codes == code], code)
    return case
