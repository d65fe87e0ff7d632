"""Coverage and width of the intervals of a sample review, by simulation through the code of `estimation`.

``python -m benchmarks.sample_review [--smears 2000] [--only WORD] [--verbose]``. A scenario is a marrow
(shares of the classes) and a model (how often it is right). For each smear N cells are drawn from the marrow,
the sample begins with what the model predicts, waves are reviewed as a reader would, and every interval is
compared with the marrow's share.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CODES, CountingRules
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.estimation.difference import CrossFitted
from napari_bonemarrow.estimation.differential import estimate
from napari_bonemarrow.estimation.records import SampleEstimate, SamplePlan
from napari_bonemarrow.estimation.strata import begin_sample
from napari_bonemarrow.estimation.tally import SampleTally
from napari_bonemarrow.estimation.waves import next_quota, pilot_quota

TWELVE = {
    "NGS": 0.22,
    "EBO": 0.17,
    "LYT": 0.14,
    "MYB": 0.11,
    "NGB": 0.09,
    "PMO": 0.07,
    "MMZ": 0.06,
    "BLA": 0.05,
    "EOS": 0.035,
    "MON": 0.025,
    "PEB": 0.02,
    "PLM": 0.01,
}
"""A marrow of twelve classes."""
LEUKAEMIA = {
    "BLA": 0.40,
    "EBO": 0.15,
    "LYT": 0.12,
    "NGS": 0.10,
    "MYB": 0.06,
    "PMO": 0.05,
    "MON": 0.04,
    "NGB": 0.03,
    "MMZ": 0.02,
    "EOS": 0.015,
    "PEB": 0.01,
    "PLM": 0.005,
}
"""A marrow with a class of 40 % and one of half a per cent."""
DIRTY = {code: 0.82 * share for code, share in TWELVE.items()} | {"ART": 0.12, "NIF": 0.04, "KSC": 0.02}
"""The first marrow with 18 % of cells that do not count."""
NEIGHBOURS = (
    ("PMO", "MYB"),
    ("MYB", "MMZ"),
    ("MMZ", "NGB"),
    ("NGB", "NGS"),
    ("PEB", "EBO"),
    ("LYT", "PLM"),
    ("BLA", "PMO"),
    ("BLA", "MON"),
    ("ART", "KSC"),
    ("ART", "NIF"),
)
"""Classes that a model confuses more often than others."""
BLIND = ("EBO", "MYB", "PEB", "PLM")
"""Classes that a blind model has not learnt: it predicts others, as sure as ever."""
POOL = 20_000
LEAST_BAR, WIDE_BAR = 0.01, 0.05
"""Shares from which the bars of coverage and of width hold."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A marrow, a model, a frame and a sample.

    The estimate is corrected by the model's own probabilities, or by those of another one that is right on
    the part `taught`, as a head that has learnt from earlier smears.
    """

    name: str
    accuracy: float
    frame: int
    sample: int
    marrow: Mapping[str, float] = field(default_factory=lambda: TWELVE)
    blind: tuple[str, ...] = ()
    focus: str | None = None
    half_width: float | None = None
    taught: float | None = None


SCENARIOS = (
    *(Scenario("right", accuracy, 1000, 200) for accuracy in (0.6, 0.8, 0.9, 1.0)),
    Scenario("blind to 4", 0.8, 1000, 200, blind=BLIND),
    Scenario("no model", 0.0, 1000, 200),
    *(Scenario("right", accuracy, 300, 60) for accuracy in (0.6, 0.9)),
    Scenario("right", 0.8, 300, 150),
    Scenario("right", 0.8, 500, 150),
    Scenario("right", 0.8, 1000, 100),
    Scenario("right", 0.8, 1000, 400),
    *(Scenario("right", accuracy, 3000, 250) for accuracy in (0.6, 0.9)),
    *(Scenario("right", accuracy, 5000, 400) for accuracy in (0.6, 0.9, 1.0)),
    Scenario("blind to 4", 0.8, 5000, 60, blind=BLIND),
    Scenario("blind to 4", 0.8, 300, 100, blind=BLIND),
    Scenario("taught to 80 %", 0.6, 1000, 200, taught=0.8),
    *(Scenario("40 % blasts", accuracy, 1000, 200, LEUKAEMIA) for accuracy in (0.6, 0.8, 0.9, 1.0)),
    Scenario("40 % blasts, blind", 0.8, 1000, 150, LEUKAEMIA, BLIND),
    *(Scenario("18 % not counted", accuracy, 1000, 200, DIRTY) for accuracy in (0.6, 0.8, 1.0)),
    Scenario("stop: blasts ±6 %", 0.8, 1000, 600, LEUKAEMIA, focus="blasts", half_width=6.0),
    Scenario("stop: blasts ±4 %", 0.6, 3000, 900, LEUKAEMIA, focus="blasts", half_width=4.0),
    Scenario("stop: blasts ±2.5 %", 0.8, 1000, 600, focus="blasts", half_width=2.5),
    Scenario("stop: blasts ±2.5 %", 0.9, 1000, 600, focus="blasts", half_width=2.5),
)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A store of cells of each class, one class after the other, with what the model says of them."""

    classes: tuple[str, ...]
    columns: tuple[str, ...]
    probabilities: NDArray[np.float32]
    stored: NDArray[np.int64]

    def say(self, cells: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float32] | None:
        """Return the probabilities of stored cells drawn for cells of some classes."""
        if not self.columns:
            return None
        starts = np.cumsum(self.stored) - self.stored
        drawn: NDArray[np.float32] = self.probabilities[
            starts[cells] + (rng.random(len(cells)) * self.stored[cells]).astype(np.int64)
        ]
        return drawn


def make_model(scenario: Scenario, rng: np.random.Generator) -> Model:
    """Make a model that is right on a given part of the marrow's cells.

    A cell is a point about its class's centre, and centres of neighbours lie closer together. Probabilities
    are those of Bayes's rule with equal priors, sharpened by half as networks are (Guo et al. 2017).
    """
    classes = tuple(scenario.marrow)
    columns = tuple(code for code in classes if code not in scenario.blind)
    if not scenario.accuracy:
        return Model(classes, (), np.zeros((0, 0), dtype=np.float32), np.zeros(len(classes), np.int64))
    if scenario.accuracy >= 1:
        sure = np.full((len(classes) * 50, len(columns)), 0.01 / (len(columns) - 1), np.float32)
        sure[np.arange(len(sure)), np.repeat(np.arange(len(classes)), 50)] = 0.99
        return Model(classes, columns, sure, np.full(len(classes), 50))
    centres = np.eye(len(classes))
    for one, other in NEIGHBOURS:
        if one in classes and other in classes:
            a, b = classes.index(one), classes.index(other)
            centres[a, b] = centres[b, a] = 0.45
    truth = np.repeat(np.arange(len(classes)), POOL)
    noise = rng.normal(size=(len(truth), len(classes)))
    kept = [classes.index(code) for code in columns]
    shares = np.array([scenario.marrow[code] * (code in columns) for code in classes])
    low, high = 0.0, 20.0
    for _ in range(25):
        scale = (low + high) / 2
        scores = _scores(scale * centres, truth, noise, kept)
        right = np.array(kept)[scores.argmax(axis=1)] == truth
        accuracy = float(shares @ right.reshape(len(classes), POOL).mean(axis=1)) / shares.sum()
        low, high = (scale, high) if accuracy < scenario.accuracy else (low, scale)
    scores = 1.5 * scores
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)
    return Model(classes, columns, probabilities, np.full(len(classes), POOL))


def _scores(
    centres: NDArray[np.float64], truth: NDArray[np.intp], noise: NDArray[np.float64], kept: list[int]
) -> NDArray[np.float64]:
    """Return the log posterior of the kept classes up to a constant."""
    points = centres[truth] + noise
    scores: NDArray[np.float64] = points @ centres[kept].T - (centres[kept] ** 2).sum(axis=1) / 2
    return scores


def review(plan: SamplePlan, labels: NDArray[np.uint8], scenario: Scenario) -> SampleTally:
    """Review waves until the sample is full or the interval narrow enough."""
    position = np.arange(len(plan)) - (np.cumsum(plan.sizes) - plan.sizes)[plan.stratum]
    quota = pilot_quota(plan, min(40, scenario.sample))
    while True:
        tally = SampleTally.of_labels(
            plan, np.where(position < quota[plan.stratum], labels, 0).astype(np.uint8)
        )
        wave = min(40, scenario.sample - tally.total)
        if wave <= 0:
            return tally
        after = next_quota(plan, tally, focus=scenario.focus, half_width=scenario.half_width, wave=wave)
        if after.sum() <= tally.total:
            return tally
        quota = after


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What came of a scenario: coverage and width by class, and for M:E."""

    scenario: Scenario
    codes: tuple[str, ...]
    shares: NDArray[np.float64]
    coverage: NDArray[np.float64]
    width: NDArray[np.float64]
    bias: NDArray[np.float64]
    above: NDArray[np.float64]
    m_to_e: float
    reviewed: float
    seconds: float

    def against(self, size: float, least: float = WIDE_BAR) -> float:
        """Return the mean width of classes of some share against Wilson's for a number of cells."""
        chosen = self.shares >= least
        return float(
            np.mean(self.width[chosen] / [_wilson_width(share, size) for share in self.shares[chosen]])
        )


def _wilson_width(share: float, size: float) -> float:
    low, high = wilson(share * size, size)
    return high - low


def simulate(scenario: Scenario, smears: int, seed: int = 0, model: Model | None = None) -> Result:
    """Draw smears and review them; the model is made where none is given."""
    begun = time.perf_counter()
    rng = np.random.default_rng(seed)
    rules = CountingRules()
    model = model or make_model(scenario, rng)
    head = make_model(replace(scenario, accuracy=scenario.taught), rng) if scenario.taught else None
    shares = np.array(list(scenario.marrow.values()))
    index = np.array([CODES.index(code) for code in scenario.marrow], dtype=np.uint8)
    counted = tuple(code for code in scenario.marrow if code not in rules.excluded)
    domain = sum(scenario.marrow[code] for code in counted)
    truth = np.array([scenario.marrow[code] / domain for code in counted])
    above = sum(scenario.marrow.get(code, 0) for code in rules.me_numerator)
    erythroid = sum(scenario.marrow.get(code, 0) for code in rules.erythroid)
    ratio = above / erythroid if erythroid else np.inf
    covered, width, value, above_all, hits, reviewed = [], [], [], [], 0, 0
    for smear in range(smears):
        cells = rng.choice(len(shares), size=scenario.frame, p=shares)
        said = model.say(cells, rng)
        plan = begin_sample(np.arange(len(cells)), said, model.columns, seed=smear)
        tally = review(plan, index[cells[plan.cell_id]], scenario)
        if head is not None:
            said = head.say(cells, rng)
        predictions = (
            None if said is None else CrossFitted.of(plan, np.arange(len(cells)), said, model.columns)
        )
        found: SampleEstimate = estimate(plan, tally, predictions, rules)
        rows = {row.code: row for row in found.classes}
        limits = np.array([rows[code].ci95 for code in counted]) / 100
        covered.append((limits[:, 0] <= truth) & (truth <= limits[:, 1]))
        above_all.append(limits[:, 0] > truth)
        width.append(limits[:, 1] - limits[:, 0])
        value.append([(rows[code].percent or 0.0) / 100 for code in counted])
        reviewed += found.reviewed
        assert found.m_to_e_ci95 is not None
        hits += found.m_to_e_ci95[0] <= ratio <= found.m_to_e_ci95[1]
    return Result(
        scenario,
        counted,
        truth,
        np.mean(covered, axis=0),
        np.mean(width, axis=0),
        np.mean(value, axis=0) - truth,
        np.mean(above_all, axis=0),
        hits / smears,
        reviewed / smears,
        time.perf_counter() - begun,
    )


HEAD = (
    "| scenario | model right on | N | n | coverage: least, mean, most | M:E "
    "| width to 500 reviewed, ≥ 5 % / ≥ 1 % | to n drawn plainly, ≥ 5 % / ≥ 1 % |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def line(result: Result) -> str:
    """Print a row of the table."""
    scenario, chosen = result.scenario, result.shares >= LEAST_BAR - 1e-9
    cover, n = result.coverage[chosen], result.reviewed
    least = result.codes[int(np.flatnonzero(chosen)[cover.argmin()])]
    right = "–" if not scenario.accuracy else f"{100 * scenario.accuracy:.0f} %"
    return (
        f"| {scenario.name} | {right} | {scenario.frame:,} | {n:.0f} "
        f"| {cover.min():.3f} ({least}), {cover.mean():.3f}, "
        f"{cover.max():.3f} | {result.m_to_e:.3f} "
        f"| {result.against(500):.2f} / {result.against(500, LEAST_BAR):.2f} "
        f"| {result.against(n):.2f} / {result.against(n, LEAST_BAR):.2f} |"
    )


def plot(results: list[dict[str, Any]], path: Path) -> None:
    """Draw coverage against share, and width against what the model is right on."""
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    left.axhspan(0.94, 0.99, color="0.9", label="wanted")
    left.axhline(0.95, color="0.6", linewidth=0.8)
    for result in results:
        shares = 100 * np.array(result["shares"])
        left.scatter(shares, result["coverage"], s=9, color="#1167bb", alpha=0.5, linewidths=0)
    left.set(xscale="log", ylim=(0.85, 1.0), xlabel="share of the class in the marrow, %")
    left.set(ylabel="intervals that hold it", title=f"Coverage, {len(results)} scenarios")
    left.set_xticks([0.5, 1, 2, 5, 10, 20, 40], ["0.5", "1", "2", "5", "10", "20", "40"])
    left.legend(loc="lower right", frameon=False)
    chosen = [
        result
        for result in results
        if result["scenario"]["name"] == "right"
        and (result["scenario"]["frame"], result["scenario"]["sample"]) == (1000, 200)
    ]
    accuracy = [100 * result["scenario"]["accuracy"] for result in chosen]
    right.plot(
        accuracy, [result["to_500"] for result in chosen], "o-", color="#1167bb", label="by sample review"
    )
    plain = next(result for result in results if result["scenario"]["name"] == "no model")
    right.axhline(plain["to_500"], color="#c96901", linestyle="--", label="200 drawn without a model")
    right.axhline(1, color="0.6", linewidth=0.8, label="500 of 500 reviewed")
    right.set(xlabel="cells that the model is right on, %", ylabel="width, classes of 5 % and more")
    right.set(ylim=(0, 1.7), title="200 reviewed of 1,000")
    right.legend(frameon=False, loc="lower left")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smears", type=int, default=2000)
    parser.add_argument("--only", default="", help="scenarios whose row contains this text")
    parser.add_argument("--verbose", action="store_true", help="print every class")
    parser.add_argument("--save", type=Path, help="append what came of each scenario to a file")
    parser.add_argument("--plot", type=Path, help="draw what the file of --save has, without simulating")
    asked = parser.parse_args()
    if asked.plot:
        plot([json.loads(text) for text in asked.save.read_text().splitlines()], asked.plot)
        return
    print(HEAD, flush=True)
    for scenario in SCENARIOS:
        if asked.only not in f"{scenario.name} {scenario.accuracy} {scenario.frame} {scenario.sample}":
            continue
        result = simulate(scenario, asked.smears)
        print(line(result), f"{result.seconds:.0f} s" if asked.verbose else "", flush=True)
        if asked.save:
            with asked.save.open("a") as file:
                kept = asdict(result) | {"to_500": result.against(500), "smears": asked.smears}
                file.write(json.dumps(kept, default=np.ndarray.tolist) + "\n")
        if asked.verbose:
            for code, *numbers in zip(
                result.codes,
                result.shares,
                result.coverage,
                result.width,
                result.bias,
                result.above,
                strict=True,
            ):
                print("   ", code, *(f"{number:.4f}" for number in numbers))


if __name__ == "__main__":
    main()
