"""Coverage of the adjusted count in simulation, with the recalls of Matek et al. 2021.

A smear of 500 cells is drawn, its cells are named by a model with the published strict recalls whose errors
go to neighbouring classes, and the errors are measured on 300 held-out cells a class. The truth should lie in
95 % of the intervals. Run it with ``python -m benchmarks.adjusted_count [RUNS]``; 400 runs take some minutes.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, CountingRules
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.cytology.published import MATEK_2021
from napari_bonemarrow.estimation import adjusted_count

CELLS, HELD_OUT = 500, 300
BLASTS = (0.05, 0.1, 0.2, 0.4)
TO_NEIGHBOURS = 0.9
"""Part of the errors that goes to neighbouring classes; the rest goes evenly to all."""
NEIGHBOURS = {
    "BLA": "PMO LYT LYI MON PEB",
    "FGC": "PMO BLA",
    "PMO": "BLA MYB FGC",
    "MYB": "PMO MMZ",
    "MMZ": "MYB NGB",
    "NGB": "MMZ NGS",
    "NGS": "NGB ART EOS",
    "EOS": "ABE NGS",
    "ABE": "EOS",
    "BAS": "PMO EOS",
    "MON": "BLA LYT MMZ",
    "PEB": "EBO BLA PMO",
    "EBO": "PEB LYT NIF ART",
    "LYT": "LYI HAC EBO BLA",
    "LYI": "LYT BLA",
    "HAC": "LYT LYI",
    "PLM": "LYT EBO",
    "KSC": "ART NIF",
    "OTH": "NIF ART",
    "ART": "NIF KSC",
    "NIF": "ART LYT EBO",
}
OTHERS = {
    **{"PMO": 4, "MYB": 10, "MMZ": 10, "NGB": 12, "NGS": 20, "EOS": 3, "ABE": 0.3, "BAS": 0.3, "MON": 2.5},
    **{"FGC": 0.3, "PEB": 1.5, "EBO": 20, "LYT": 12, "LYI": 0.3, "HAC": 0.3, "PLM": 1.5},
    **{"KSC": 1, "OTH": 0.5, "ART": 4, "NIF": 2},
}
"""Parts of the other cells of a smear."""


def confusion() -> NDArray[np.float64]:
    """Return the probability of each predicted class (column) for each true one (row)."""
    made = np.zeros((len(BMC21), len(BMC21)))
    for row, code in enumerate(BMC21):
        near, missed = NEIGHBOURS[code].split(), 1 - MATEK_2021[code].recall.mean
        far = [at for at, other in enumerate(BMC21) if other != code and other not in near]
        made[row, row] = MATEK_2021[code].recall.mean
        made[row, [BMC21.index(other) for other in near]] = TO_NEIGHBOURS * missed / len(near)
        made[row, far] = (1 - TO_NEIGHBOURS) * missed / len(far)
    return made


def composition(blasts: float, rules: CountingRules) -> NDArray[np.float64]:
    """Return the share of each class in a smear whose counted cells have a share of blasts."""
    parts = np.array([OTHERS.get(code, 0.0) for code in BMC21])
    counted = np.array([code not in rules.excluded for code in BMC21])
    parts[BMC21.index("BLA")] = parts[counted].sum() * blasts / (1 - blasts)
    return parts / parts.sum()


@dataclass
class Found:
    """Per cent of blasts, raw and adjusted, whether the intervals held the truth, widths and seconds."""

    raw: list[float] = field(default_factory=list)
    adjusted: list[float] = field(default_factory=list)
    held_raw: list[bool] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    held_classes: list[float] = field(default_factory=list)


def simulate(blasts: float, runs: int, seed: int = 1, cells: int = CELLS) -> Found:
    """Count simulated smears with a true share of blasts."""
    rules, errors, found = CountingRules(), confusion(), Found()
    shares = composition(blasts, rules)
    counted = [at for at, code in enumerate(BMC21) if code not in rules.excluded]
    truth = 100 * shares / shares[counted].sum()
    generator = np.random.default_rng([seed, round(1000 * blasts)])
    at = BMC21.index("BLA")
    for _run in range(runs):
        said = np.sum(
            [generator.multinomial(n, errors[k]) for k, n in enumerate(generator.multinomial(cells, shares))],
            axis=0,
        )
        held_out = {
            code: dict(zip(BMC21, generator.multinomial(HELD_OUT, errors[k]).tolist(), strict=True))
            for k, code in enumerate(BMC21)
        }
        began = time.process_time()
        count = adjusted_count(held_out, dict(zip(BMC21, said.tolist(), strict=True)), {}, rules)
        found.seconds.append(time.process_time() - began)
        assert count is not None
        rows = {row.code: row for row in count.classes}
        low, high = rows["BLA"].ci95
        found.adjusted.append(rows["BLA"].percent)
        found.held.append(low <= truth[at] <= high)
        found.width.append(high - low)
        total = int(said[counted].sum())
        below, above = wilson(int(said[at]), total)
        found.raw.append(100 * said[at] / total)
        found.held_raw.append(below <= blasts <= above)
        found.held_classes.append(
            float(np.mean([rows[BMC21[k]].ci95[0] <= truth[k] <= rows[BMC21[k]].ci95[1] for k in counted]))
        )
    return found


def main(runs: int = 400) -> None:
    """Print a table."""
    print(
        "| true blasts | model's count | Wilson holds | adjusted | holds | points wide | all classes | CPU |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for blasts in BLASTS:
        found = simulate(blasts, runs)
        print(
            f"| {blasts:.0%} | {np.mean(found.raw):.1f} % | {np.mean(found.held_raw):.1%} "
            f"| {np.mean(found.adjusted):.1f} % | {np.mean(found.held):.1%} | {np.mean(found.width):.1f} "
            f"| {np.mean(found.held_classes):.1%} | {np.mean(found.seconds):.2f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
