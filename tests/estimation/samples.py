"""Frames and reviews for the tests of the sample review."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES
from napari_bonemarrow.estimation import SamplePlan, begin_sample

CLASSES = ("NGS", "EBO", "LYT", "BLA")


def frame(
    size: int, seed: int = 0, accuracy: float = 0.8, classes: tuple[str, ...] = CLASSES
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """Return class probabilities of a frame, and the true class of each cell by its number from 100."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(
        len(classes), size=size, p=np.arange(len(classes), 0, -1) / sum(range(len(classes) + 1))
    )
    said = np.where(rng.random(size) < accuracy, truth, rng.integers(len(classes), size=size))
    sure = np.where(said == truth, rng.beta(6, 1.5, size), rng.beta(3, 3, size))
    probabilities = np.repeat(((1 - sure) / max(len(classes) - 1, 1))[:, None], len(classes), axis=1)
    probabilities[np.arange(size), said] = sure
    return probabilities, {100 + at: classes[each] for at, each in enumerate(truth)}


def begun(size: int, seed: int = 0, accuracy: float = 0.8) -> tuple[SamplePlan, dict[int, str]]:
    """Return the plan of such a frame and the true class of each cell."""
    probabilities, truth = frame(size, seed, accuracy)
    return begin_sample(list(truth), probabilities, CLASSES, seed), truth


def first(plan: SamplePlan, truth: dict[int, str], lengths: NDArray[np.int64]) -> dict[int, str]:
    """Return the classes of the first cells of each stratum."""
    starts = np.cumsum(plan.sizes) - plan.sizes
    cells = [
        cell
        for start, length in zip(starts, lengths, strict=True)
        for cell in plan.cell_id[start : start + length].tolist()
    ]
    return {cell: truth[cell] for cell in cells}


def plan_of(strata: list[list[int]], names: tuple[str, ...] | None = None, seed: int = 0) -> SamplePlan:
    """Return a plan of given strata in a given order, without predictions."""
    cells = np.array([cell for stratum in strata for cell in stratum], dtype=np.int64)
    return SamplePlan(
        cell_id=cells,
        stratum=np.repeat(np.arange(len(strata)), [len(each) for each in strata]).astype(np.int16),
        predicted=np.zeros(len(cells), np.uint8),
        names=names or tuple(f"stratum {at}" for at in range(len(strata))),
        seed=seed,
    )


def index_of(code: str) -> int:
    """Return the index of a class."""
    return CODES.index(code)
