"""Demo: the sample smear, counted without a window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError, Differential, Lineage, Region
from napari_bonemarrow.drawing import write_sample
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.report import make_folder
from napari_bonemarrow.review import SUFFIX, Case
from napari_bonemarrow.workflow.differential_count import Progress, count_inputs
from napari_bonemarrow.workflow.heatmap_files import Explanation, Question, explain_input

SAMPLE_NAME = "drawn-smear"
_AROUND_UM = 15.0
"""Least distance from the border, where a crop is padded and a heatmap covers missing pixels."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """The result of the sample.

    Attributes
    ----------
    slide : Path
        File of the drawn smear.
    folder : Path
        Folder of its count: ``cells.csv``, ``differential.json``, ``report.html``, the case.
    differential : Differential
    explanation : Explanation
        Explanation of the most confidently classified cell.
    """

    slide: Path
    folder: Path
    differential: Differential
    explanation: Explanation

    @property
    def case(self) -> Path:
        """Return the case file."""
        return self.folder / f"{self.folder.name}{SUFFIX}"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "slide": str(self.slide),
            "folder": str(self.folder),
            "differential": self.differential.to_dict(),
            "explanation": self.explanation.to_dict(),
        }


def write_sample_slide(folder: Path) -> Path:
    """Write the sample smear into a folder unless it exists.

    Raises
    ------
    ReportError, DrawingError
    """
    path = make_folder(folder) / f"{SAMPLE_NAME}.png"
    return path if path.exists() else write_sample(path)


def run_sample(
    folder: Path, *, device: str = "auto", engine: Engine | None = None, progress: Progress | None = None
) -> SampleResult:
    """Count the sample smear into a folder and explain one of its cells.

    Parameters
    ----------
    folder : Path
        Folder of the smear, with its count below.
    device, engine, progress
        As for `count_inputs`.

    Raises
    ------
    BoneMarrowError
    """
    slide = write_sample_slide(folder)
    serving = engine or Engine(device)
    try:
        [row] = count_inputs([slide], folder, engine=serving, progress=progress)
        if row.differential is None:
            raise BoneMarrowError(row.error)
        result = folder / row.folder
        case_path = result / f"{row.folder}{SUFFIX}"
        with Case.open(case_path, read_only=True) as case:
            cell = surest_cell(case)
        explanation = explain_input(case_path, result, Question(cell=cell), engine=serving)
    finally:
        if engine is None:
            serving.close()
    return SampleResult(slide, result, row.differential, explanation)


def surest_cell(case: Case) -> int:
    """Return the most confidently classified cell, preferably counted and away from the border.

    Raises
    ------
    BoneMarrowError
        If the case has no classified cell.
    """
    predictions = case.predictions
    if predictions is None or not len(predictions):
        raise BoneMarrowError(f"{case.path}: it has no classified cell to explain")
    confidence = predictions.probabilities.max(axis=1)
    cells = case.cells.select(np.isin(case.cells.cell_id, predictions.cell_id))
    record = case.slide_record
    around = Region(0, 0, record.width, record.height).shrunk(_AROUND_UM / (case.microns_per_pixel or 1.0))
    counts = np.array([CLASSES[code].lineage is not Lineage.NOT_COUNTED for code in predictions.classes])
    wanted = around.contains(cells.x, cells.y), counts[predictions.probabilities.argmax(axis=1)]
    best = next((kind for kind in (wanted[0] & wanted[1], *wanted) if kind.any()), None)
    if best is not None:
        confidence = np.where(best, confidence, 0)
    return int(predictions.cell_id[confidence.argmax()])
