"""A case with 60 cells, counted by a model that has learnt some classes and not others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import slide_from_array

MPP = 0.1
TRAINED = ("ART", "BLA", "EOS", "LYT", "MON", "NGS", "NIF", "PMO")


def predictions_of(cells: Cells, codes: list[str]) -> Predictions:
    probabilities = np.full((len(cells), len(BMC21)), 0.1 / (len(BMC21) - 1), np.float32)
    for row, code in enumerate(codes):
        probabilities[row, BMC21.index(code)] = 0.9
    support = {code: Support.TRAINED if code in TRAINED else Support.NONE for code in BMC21}
    return Predictions(cells.cell_id, probabilities, BMC21, support, ModelReference("tiny", "ab" * 32))


@pytest.fixture
def make_case(tmp_path: Path) -> Iterator[Callable[..., Case]]:
    opened: list[Case] = []

    def make(codes: list[str], name: str = "Müller <4711>.png") -> Case:
        slide = slide_from_array(np.full((900, 1200, 3), 230, np.uint8), MPP, tmp_path / name)
        case = Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A")
        opened.append(case)
        case.sampling.set_frame(Frame.whole_field(1200, 900), 300)
        n = len(codes)
        cells = Cells(
            np.arange(1, n + 1),
            np.linspace(100, 1100, n),
            np.linspace(100, 800, n),
            np.full(n, 8.25, np.float32),
            np.full(n, 0.875, np.float32),
            np.ones(n, bool),
        )
        case.detection.record(cells, {})
        case.model.record_predictions(predictions_of(case.cells, codes))
        return case

    yield make
    for case in opened:
        case.close()


@pytest.fixture
def case(make_case: Callable[..., Case]) -> Case:
    """20 lymphocytes, 20 segmented neutrophils, 10 blasts, 5 myelocytes, 3 artefacts, 2 unknown."""
    codes = ["LYT"] * 20 + ["NGS"] * 20 + ["BLA"] * 10 + ["MYB"] * 5 + ["ART"] * 3 + ["NIF"] * 2
    case = make_case(codes)
    case.set_label([1, 2], "PLM")
    return case


ERRORS = {code: {code: 200, "NGS": 100} if code != "NGS" else {"NGS": 300} for code in BMC21}
"""Held-out cells by true and predicted class of a model that gives a third of every class to NGS."""


@pytest.fixture
def by_model(case: Case) -> Case:
    """The case without a reviewed cell, by a model that has learnt every class and whose errors are known."""
    case.set_label([1, 2], None)
    said = case.predictions
    assert said is not None
    support, model = dict.fromkeys(BMC21, Support.TRAINED), ModelReference("measured", "cd" * 32)
    case.model.record_predictions(replace(said, model=model, support=support, confusion=ERRORS))
    return case
