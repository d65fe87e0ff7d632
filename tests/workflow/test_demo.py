"""Which cell of the sample is explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, BoneMarrowError, Cells, Frame, ModelReference, Predictions
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array
from napari_bonemarrow.workflow import surest_cell

SURE = {1: 0.99, 2: 0.7, 3: 0.9}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    slide = slide_from_array(np.full((400, 400, 3), 230, np.uint8), 0.2, tmp_path / "smear.png")
    case = Case.create(tmp_path / "smear.bmcase", slide, reviewer="R")
    case.sampling.set_frame(Frame.whole_field(400, 400, 5.0))
    return case


def _found(case: Case, x: list[float], *, artefact: int = 0) -> None:
    n = len(x)
    sizes = np.full(n, 8.0, np.float32)
    cells = Cells(
        np.arange(1, n + 1),
        np.array(x),
        np.full(n, 200.0),
        sizes,
        np.full(n, 0.9, np.float32),
        np.ones(n, bool),
    )
    case.detection.record(cells)
    probabilities = np.zeros((n, len(BMC21)), np.float32)
    probabilities[:, 0] = [SURE[number] for number in cells.cell_id.tolist()]
    probabilities[:, 1] = 1 - probabilities[:, 0]
    if artefact:
        probabilities[artefact - 1] = np.eye(len(BMC21))[BMC21.index("ART")]
    case.model.record_predictions(
        Predictions(cells.cell_id, probabilities, BMC21, {}, ModelReference("m", "0" * 64))
    )


def test_the_surest_cell_has_the_smear_around_it(case: Case) -> None:
    with case:
        _found(case, [30.0, 200.0, 320.0])
        assert surest_cell(case) == 3


def test_near_the_border_it_is_better_than_none(case: Case) -> None:
    with case:
        _found(case, [30.0, 390.0])
        assert surest_cell(case) == 1


def test_what_is_counted_is_better_than_an_artefact(case: Case) -> None:
    with case:
        _found(case, [150.0, 200.0, 250.0], artefact=1)
        assert surest_cell(case) == 3


def test_without_classes_there_is_none(case: Case) -> None:
    with case, pytest.raises(BoneMarrowError, match="no classified cell"):
        surest_cell(case)
