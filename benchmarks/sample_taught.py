"""Sample reviews whose estimate is corrected by what the reviewed cells themselves have taught.

``python -m benchmarks.sample_taught [--smears 600] [--cache FILE]``. Smears are drawn from blood crops of
ten classes, mixed like a marrow, with a bundle that was taught on marrow alone, which
``NAPARI_BONEMARROW_MARROW_BUNDLE`` names. Features of each cell are those of a crop, varied a little along
the difference of two others of its class (mean and spread of the class stay), so that no cell occurs twice.
Waves are reviewed as a reader would, heads are fitted to their labels, and every interval is compared with
the marrow's share, with and without the correction. A bundle that is right more often is made by telling it
the class of a fixed part of the crops.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detect import data
from benchmarks.learning import Smear, blood_crops
from benchmarks.sample_crops import MARROWS
from napari_bonemarrow.cytology import CODES, Features, ModelReference, Predictions, Support
from napari_bonemarrow.estimation import (
    CrossFitted,
    SampleEstimate,
    SamplePlan,
    SampleTally,
    begin_sample,
    estimate,
    next_quota,
    pilot_quota,
)
from napari_bonemarrow.learning.cross_fitting import cross_fit
from napari_bonemarrow.learning.records import LearningInput

SHARES = MARROWS["pbc"]
CLASSES = tuple(SHARES)
VARIED, AXES, KEPT_AXES = 0.35, 160, 32
MODEL = ModelReference("marrow", "a" * 64)


@dataclass(frozen=True)
class Scenario:
    """A frame and a sample, or a goal instead.

    `told` is the part of the crops whose class the bundle is told.
    """

    frame: int
    sample: int
    told: float = 0.0
    goal: tuple[str, float] | None = None


SCENARIOS = (
    Scenario(1000, 200),
    Scenario(500, 100),
    Scenario(500, 200),
    Scenario(1000, 200, told=0.4),
    Scenario(1000, 0, goal=("EBO", 3.5)),
)


class Store:
    """Crops by class: features, and what the bundle says of them."""

    def __init__(
        self, truth: NDArray[np.str_], features: NDArray[np.floating], said: NDArray[np.floating]
    ) -> None:
        whole = features.astype(np.float32)
        whole = whole - whole.mean(axis=0)
        axes = np.linalg.svd(whole, full_matrices=False)[2][:AXES]
        self.points, self.said = whole @ axes.T, said.astype(np.float64)
        self.members = [np.flatnonzero(truth == code) for code in CLASSES]
        self.means = np.array([self.points[rows].mean(axis=0) for rows in self.members])
        self.known = np.random.default_rng(1).random(len(truth))

    def draw(self, rng: np.random.Generator, scenario: Scenario, columns: tuple[str, ...]) -> Smear:
        """Draw a smear."""
        count = scenario.frame
        kinds = rng.choice(len(CLASSES), count, p=list(SHARES.values()))
        own, one, other = (np.array([rng.choice(self.members[kind]) for kind in kinds]) for _ in range(3))
        away = self.points[own] - self.means[kinds] + VARIED * (self.points[one] - self.points[other])
        points = self.means[kinds] + away / np.sqrt(1 + 2 * VARIED**2)
        said = self.said[own]
        right = np.full(said.shape, 1e-3)
        right[np.arange(count), [columns.index(CLASSES[kind]) for kind in kinds]] = 0.8
        said = np.where(self.known[own, None] < scenario.told, 0.5 * said + 0.5 * right, said)
        said /= said.sum(axis=1, keepdims=True)
        points -= points.mean(axis=0)
        axes = np.linalg.eigh(points.T @ points)[1][:, ::-1][:, :KEPT_AXES].T
        ids, values = np.arange(1, count + 1), (points @ axes.T).astype(np.float16)
        features = Features(ids, values, MODEL, np.zeros(AXES, np.float32), axes.astype(np.float32))
        support = dict.fromkeys(columns, Support.TRAINED)
        bundle = Predictions(ids, said.astype(np.float32), columns, support, MODEL)
        sizes = np.full(count, 8, np.float32)  # the diameters of these crops are not known
        return Smear(LearningInput(features, bundle, sizes, ids[:0], ()), np.array(CLASSES)[kinds])


def review(plan: SamplePlan, smear: Smear, scenario: Scenario, *, taught: bool) -> SampleEstimate:
    """Review waves until the sample is full or the goal reached, and estimate."""
    labels = np.array([CODES.index(code) for code in smear.truth[plan.cell_id - 1]], np.uint8)
    position = np.arange(len(plan)) - (np.cumsum(plan.sizes) - plan.sizes)[plan.stratum]
    quota = pilot_quota(plan)
    while True:
        entered = np.where(position < quota[plan.stratum], labels, 0).astype(np.uint8)
        tally = SampleTally.of_labels(plan, entered)
        if scenario.goal is None:
            head, wave = None, min(40, scenario.sample - tally.total)
            after = next_quota(plan, tally, wave=wave) if wave > 0 else quota
        else:
            head = cross_fitted(plan, smear, tally) if taught else None
            focus, width = scenario.goal
            after = next_quota(plan, tally, focus=focus, half_width=width, predictions=head)
            after = np.maximum(after, tally.lengths)
        if after.sum() <= tally.total:
            break
        quota = after
    if taught and head is None:
        head = cross_fitted(plan, smear, tally)
    return estimate(plan, tally, head)


def cross_fitted(plan: SamplePlan, smear: Smear, tally: SampleTally) -> CrossFitted | None:
    """Learn from the cells that were reviewed."""
    found = cross_fit(smear.reviewed(plan.cell_id[tally.enters] - 1), plan.cell_id)
    return None if found is None else CrossFitted.of(plan, found.cell_id, found.probabilities, found.classes)


def simulate(store: Store, columns: tuple[str, ...], scenario: Scenario, smears: int, seed: int) -> str:
    """Draw and review smears; return a row of the table."""
    rng, truth = np.random.default_rng(seed), 100 * np.array(list(SHARES.values()))
    limits: dict[bool, list[list[tuple[float, float]]]] = {False: [], True: []}
    values: list[list[float]] = []
    reviewed: dict[bool, list[int]] = {False: [], True: []}
    right = []
    for number in range(smears):
        smear = store.draw(rng, scenario, columns)
        said = smear.given.bundle.probabilities
        right.append(float(np.mean(np.array(columns)[said.argmax(axis=1)] == smear.truth)))
        plan = begin_sample(smear.given.features.cell_id, said, columns, seed=number)
        for taught in (False, True):
            found = review(plan, smear, scenario, taught=taught)
            limits[taught].append([found.row(code).ci95 for code in CLASSES])
            reviewed[taught].append(found.reviewed)
        values.append([found.row(code).percent or 0.0 for code in CLASSES])
    cells, widths = [], []
    for taught in (False, True):
        low, high = np.moveaxis(np.array(limits[taught]), -1, 0)
        covered = ((low <= truth) & (truth <= high)).mean(axis=0)
        widths.append((high - low).mean(axis=0))
        least = CLASSES[int(covered.argmin())]
        cells.append(f"{covered.min():.3f} ({least}), {covered.mean():.3f}, {covered.max():.3f}")
    ratio = widths[1] / widths[0]
    bias = np.abs(np.mean(values, axis=0) - truth).max()
    count = " / ".join(f"{np.mean(reviewed[taught]):.0f}" for taught in (False, True))
    most = f"{ratio.min():.2f} ({CLASSES[int(ratio.argmin())]})"
    row = (
        f"{100 * np.mean(right):.0f} %",
        f"{scenario.frame:,}",
        count,
        *cells,
        f"{ratio[truth >= 5].mean():.2f} / {ratio.mean():.2f}, {most}",
        f"{bias:.1f}",
    )
    return f"| {' | '.join(row)} |"


def main() -> None:
    """Draw smears and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smears", type=int, default=600)
    parser.add_argument("--cache", type=Path, help="keep features and predictions in this file (.npz)")
    asked = parser.parse_args()
    if asked.cache and asked.cache.exists():
        kept = np.load(asked.cache)
        truth, features, said = kept["truth"], kept["features"], kept["said"]
        columns = tuple(kept["columns"].tolist())
    else:
        folder, named = data(), os.environ.get("NAPARI_BONEMARROW_MARROW_BUNDLE")
        if folder is None or named is None:
            parser.error("no crops or no bundle: see the text at the top of this file")
        truth, predictions, features = blood_crops(folder, Path(named))
        said, columns = predictions.probabilities, predictions.classes
        if asked.cache:
            np.savez(asked.cache, truth=truth, features=features, said=said, columns=np.array(columns))
    store = Store(truth, features, said)
    for number, scenario in enumerate(SCENARIOS, 1):
        print(simulate(store, columns, scenario, asked.smears, 10 * number), flush=True)


if __name__ == "__main__":
    main()
