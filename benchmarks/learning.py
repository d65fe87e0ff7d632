"""What a head learns from the cells reviewed in a smear, beside plain methods on the same cells in one run.

*plasma*: fields of marrow of one size as one smear; cells found, cut out and embedded as the program does it;
plasma cell or not, by the plasma masks. The starter has never seen a plasma cell. *blood*: smears of 300
cells drawn from blood crops of ten classes, with a bundle that was taught on marrow alone, which
``NAPARI_BONEMARROW_MARROW_BUNDLE`` names (the starter has seen these crops); the shares of the classes are
drawn from a Dirichlet distribution. Cells are reviewed in random order, and every figure is that of the cells
not yet reviewed. The images are those of `NAPARI_BONEMARROW_TEST_DATA`; without them only the speed is
measured.

Run alone with ``python -m benchmarks.learning``; ``--picture`` draws docs/pictures/learning.svg as well.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.detect import data, field_scale
from napari_bonemarrow.cytology import Features, ModelReference, Predictions, Support
from napari_bonemarrow.cytology.schemes import SCHEMES
from napari_bonemarrow.learning.directions import centred_directions
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.laboratory_fit import TaughtCase
from napari_bonemarrow.learning.laboratory_head import LaboratoryHead
from napari_bonemarrow.learning.learner import LearningMemory, learn
from napari_bonemarrow.learning.records import LearningInput

COUNTS = (2, 5, 10, 20, 40, 80)
ORDERS = 20
SMEARS, SMEAR_CELLS = 30, 300
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "learning.svg"
PBC = {name: code for name, code in SCHEMES["pbc"].codes.items() if code is not None}
OURS = "bundle and heads"

Names = NDArray[np.str_]
Method = Callable[[NDArray[np.float64], NDArray[np.intp], Names], Names]


@dataclass(frozen=True)
class Smear:
    """The cells of a smear with their true classes, none of them reviewed."""

    given: LearningInput
    truth: Names

    def reviewed(self, rows: NDArray[np.intp], laboratory: LaboratoryHead | None = None) -> LearningInput:
        """Return the smear with the true classes of some cells."""
        ids, codes = self.given.features.cell_id[rows], tuple(self.truth[rows].tolist())
        return replace(self.given, cell_id=ids, codes=codes, laboratory=laboratory)


def smear_of(
    features: NDArray[np.float16], bundle: Predictions, diameter_um: NDArray[np.float32], truth: Names
) -> Smear:
    """Reduce features to the axes of the smear, as a case does."""
    from napari_bonemarrow.models.features import fit_axes

    rng = np.random.default_rng(0)
    mean, axes = fit_axes(features[rng.permutation(len(features))[:2048]])
    values = ((features.astype(np.float32) - mean) @ axes.T).astype(np.float16)
    held = Features(bundle.cell_id, values, bundle.model, mean, axes)
    return Smear(LearningInput(held, bundle, diameter_um, np.zeros(0, np.int64), ()), truth)


def plasma_smears(folder: Path) -> Iterator[tuple[str, Smear]]:
    """Yield the fields of each size as one smear."""
    from napari_bonemarrow.models import Classifier
    from napari_bonemarrow.slides import detect_cells, open_slide, slide_from_array

    classifier = Classifier("starter", "cpu")
    found: dict[str, list[tuple[NDArray[np.uint8], NDArray[np.float32], Names]]] = {}
    for path in sorted((folder / "fields" / "plasma_masks").iterdir()):
        rgb = np.asarray(open_slide(folder / "fields" / "images" / path.name).levels[0])
        slide = slide_from_array(rgb, field_scale(rgb.shape[1]))
        cells = detect_cells(slide)
        mask = np.asarray(Image.open(path).convert("L")) > 127
        x = np.clip(np.rint(cells.x).astype(int), 0, mask.shape[1] - 1)
        y = np.clip(np.rint(cells.y).astype(int), 0, mask.shape[0] - 1)
        truth = np.where(mask[y, x], "PLM", "OTH")
        size = f"{rgb.shape[1]}×{rgb.shape[0]}"
        found.setdefault(size, []).append((classifier.crops(slide, cells), cells.diameter_um, truth))
    for size in sorted(found, reverse=True):
        crops, diameters, truths = zip(*found[size], strict=True)
        bundle, features = classifier.classify_and_embed(np.concatenate(crops))
        yield (
            size,
            smear_of(features.astype(np.float16), bundle, np.concatenate(diameters), np.concatenate(truths)),
        )


def blood_crops(folder: Path, bundle: Path) -> tuple[Names, Predictions, NDArray[np.float16]]:
    """Return half of the blood crops: their classes, what a bundle says of them, and their features."""
    from napari_bonemarrow.models import Classifier

    classifier = Classifier(bundle, "cpu", views=1)
    side, names, parts = classifier.bundle.card.crop_size, [], []
    for code, own in PBC.items():
        files = sorted((folder / "pbc" / code).iterdir())[::2]
        crops = []
        for file in files:
            image = np.asarray(Image.open(file).convert("RGB"))
            rim = (len(image) - side) // 2
            crops.append(image[rim : rim + side, rim : rim + side])
        parts.append(classifier.classify_and_embed(np.stack(crops)))
        names += [own] * len(files)
    said = replace(
        parts[0][0],
        cell_id=np.arange(1, len(names) + 1),
        probabilities=np.concatenate([predictions.probabilities for predictions, _ in parts]),
        strangeness=None,
    )
    return np.array(names), said, np.concatenate([values for _, values in parts]).astype(np.float16)


def blood_smears(folder: Path, bundle: Path) -> list[Smear]:
    """Return smears drawn from half of the blood crops."""
    truth, said, features = blood_crops(folder, bundle)
    rng, smears = np.random.default_rng(0), []
    for _ in range(SMEARS):
        numbers = rng.multinomial(SMEAR_CELLS, rng.dirichlet(np.full(len(PBC), 0.7)))
        drawn = [
            rng.choice(np.flatnonzero(truth == code), min(count, int((truth == code).sum())), replace=False)
            for code, count in zip(PBC.values(), numbers, strict=True)
        ]
        rows = rng.permutation(np.concatenate(drawn))
        predictions = replace(
            said, cell_id=np.arange(1, len(rows) + 1), probabilities=said.probabilities[rows]
        )
        # the diameters of these crops are not known
        smears.append(smear_of(features[rows], predictions, np.full(len(rows), 8, np.float32), truth[rows]))
    return smears


def regression(balanced: bool) -> Method:
    """Return plain logistic regression, with or without equal weights of the classes."""

    def named(points: NDArray[np.float64], rows: NDArray[np.intp], classes: Names) -> Names:
        from sklearn.linear_model import LogisticRegression

        if len(set(classes.tolist())) == 1:
            return np.repeat(classes[:1], len(points))
        weight = "balanced" if balanced else None
        model = LogisticRegression(C=10, max_iter=500, class_weight=weight).fit(points[rows], classes)
        found: Names = model.predict(points)
        return found

    return named


def nearest_mean(points: NDArray[np.float64], rows: NDArray[np.intp], classes: Names) -> Names:
    """Name cells by the nearest mean of a class."""
    met = np.unique(classes)
    means = np.stack([points[rows][classes == code].mean(axis=0) for code in met])
    found: Names = met[((points[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
    return found


def neighbours(points: NDArray[np.float64], rows: NDArray[np.intp], classes: Names) -> Names:
    """Name cells by the three nearest reviewed ones, the nearest where they disagree."""
    order = np.argsort(-points @ points[rows].T, axis=1)[:, :3]
    met = np.unique(classes)
    votes = sum(
        (classes[order[:, place]][:, None] == met) * (1 - 0.1 * place) for place in range(order.shape[1])
    )
    found: Names = met[np.asarray(votes).argmax(axis=1)]
    return found


METHODS: dict[str, Method] = {
    "logistic regression": regression(False),
    "the same, classes weighted equally": regression(True),
    "nearest class mean": nearest_mean,
    "three nearest neighbours": neighbours,
}


def accuracy(named: Names, truth: Names, balanced: bool) -> float:
    """Return the share that is right, or its mean over the classes."""
    right = named == truth
    if not balanced:
        return float(right.mean())
    return float(np.mean([right[truth == code].mean() for code in np.unique(truth)]))


def top(learnt_classes: tuple[str, ...], probabilities: NDArray[np.floating]) -> Names:
    """Return the most probable class of each cell."""
    found: Names = np.array(learnt_classes)[probabilities.argmax(axis=1)]
    return found


def measured(
    smears: list[Smear], orders: int, balanced: bool, laboratories: list[LaboratoryHead | None] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Return the accuracy of each method on the cells not reviewed: runs by `COUNTS`."""
    figures: dict[str, list[list[float]]] = {}
    for number, smear in enumerate(smears):
        bundle = smear.given.bundle
        alone = top(bundle.classes, bundle.probabilities)
        points = centred_directions(smear.given.features.values)
        for turn in range(orders):
            order = np.random.default_rng([number, turn]).permutation(len(points))
            memory = LearningMemory()
            runs: dict[str, list[float]] = {name: [] for name in ("bundle alone", OURS, *METHODS)}
            for count in COUNTS:
                rows, rest = order[:count], order[count:]
                truth = smear.truth[rest]
                laboratory = laboratories[number] if laboratories else None
                learnt = learn(smear.reviewed(rows, laboratory), memory)
                named = {"bundle alone": alone, OURS: top(learnt.classes, learnt.probabilities)}
                named |= {name: way(points, rows, smear.truth[rows]) for name, way in METHODS.items()}
                for name, each in named.items():
                    runs[name].append(accuracy(each[rest], truth, balanced))
            for name, run_ in runs.items():
                figures.setdefault(name, []).append(run_)
    return {name: np.array(runs) for name, runs in figures.items()}


def with_laboratory(smears: list[Smear], earlier: int = 3) -> tuple[float, float, int]:
    """Return the accuracy of bundle, and of a head of other smears with nothing reviewed; heads refused."""
    alone, taught, refused = [], [], 0
    for number, smear in enumerate(smears):
        others = [smears[(number + step) % len(smears)].given for step in range(1, earlier + 1)]
        truths = [smears[(number + step) % len(smears)].truth for step in range(1, earlier + 1)]
        cases = [
            TaughtCase.of(str(n), "2026-01-01", g.features, g.bundle, g.features.cell_id, t.tolist())
            for n, (g, t) in enumerate(zip(others, truths, strict=True))
        ]
        try:
            head = LaboratoryHead.make(cases, smear.given.bundle.model, smear.given.bundle.classes)
        except LearningError:  # the program would go on with the bundle alone
            head, refused = None, refused + 1
        learnt = learn(replace(smear.given, laboratory=head))
        bundle = smear.given.bundle
        alone.append(accuracy(top(bundle.classes, bundle.probabilities), smear.truth, False))
        taught.append(accuracy(top(learnt.classes, learnt.probabilities), smear.truth, False))
    return float(np.mean(alone)), float(np.mean(taught)), refused


def seconds(cells: int, labels: int) -> float:
    """Return the median time of learning from one more label of a drawn smear of 21 classes."""
    rng = np.random.default_rng(0)
    model = ModelReference("drawn", "0" * 64)
    codes = tuple(f"C{number:02d}" for number in range(21))
    classes = rng.integers(0, 12, cells)
    values = (rng.normal(size=(12, 32))[classes] + 0.7 * rng.normal(size=(cells, 32))).astype(np.float16)
    probabilities = rng.dirichlet(np.ones(21), cells).astype(np.float32)
    ids = np.arange(1, cells + 1)
    given = LearningInput(
        Features(ids, values, model, np.zeros(32, np.float32), np.eye(32, dtype=np.float32)),
        Predictions(ids, probabilities, codes, dict.fromkeys(codes, Support.TRAINED), model),
        rng.uniform(6, 12, cells).astype(np.float32),
        ids[:0],
        (),
    )
    memory, times = LearningMemory(), []
    for count in range(labels, labels + 6):
        now = replace(given, cell_id=ids[:count], codes=tuple(codes[c] for c in classes[:count]))
        started = time.process_time()
        learn(now, memory)
        times.append(time.process_time() - started)
    return float(np.median(times[1:]))


def _row(name: str, value: float, unit: str, peer: str, ratio: float | None, bar: str) -> dict[str, object]:
    return {"name": name, "value": value, "unit": unit, "peer": peer, "ratio": ratio, "bar": bar}


def _rows(what: str, unit: str, found: dict[str, NDArray[np.float64]]) -> list[dict[str, object]]:
    rows = []
    for place, count in enumerate(COUNTS):
        means = {name: float(runs[:, place].mean()) for name, runs in found.items() if name != OURS}
        peers = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        mean = float(found[OURS][:, place].mean())
        rows.append(
            _row(f"{what}, after {count} reviewed", mean, unit, peers, mean / max(means.values()), "")
        )
    return rows


def run() -> list[dict[str, object]]:
    """Measure accuracy where the images are, and speed."""
    return _run(picture=False)


def _run(picture: bool) -> list[dict[str, object]]:
    rows, shown = [], {}
    folder, named = data(), os.environ.get("NAPARI_BONEMARROW_MARROW_BUNDLE")
    if folder is not None:
        for size, smear in plasma_smears(folder):
            found = measured([smear], ORDERS, balanced=True)
            n = f"{len(smear.truth)} cells, {ORDERS} orders"
            title = f"plasma cell or not, fields of {size} ({n})"
            shown[title] = found
            rows += _rows(title, "balanced accuracy", found)
    if folder is not None and named:
        smears = blood_smears(folder, Path(named))
        found = measured(smears, 2, balanced=False)
        title = f"ten classes of blood, a bundle of marrow ({SMEARS} smears of {SMEAR_CELLS} cells, 2 orders)"
        shown[title] = found
        rows += _rows(title, "accuracy", found)
        alone, taught, refused = with_laboratory(smears)
        title = f"{title}, {refused} heads refused"
        peer, ratio = f"bundle alone {alone:.3f}", taught / alone
        rows.append(_row(f"{title}, none reviewed, head of 3 smears", taught, "accuracy", peer, ratio, ""))
    for cells, bar in ((5_000, "under 0.1 s"), (50_000, "under 1 s")):
        name = f"one more label after 40, {cells:,} cells, processor time"
        rows.append(_row(name, seconds(cells, 40), "s", "", None, bar))
    if picture and shown:
        draw(shown)
    return rows


def draw(shown: dict[str, dict[str, NDArray[np.float64]]]) -> None:
    """Draw accuracy by the number of reviewed cells."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "learning"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(shown), figsize=(4.4 * len(shown), 3.8), layout="constrained")
    for axes, (title, found) in zip(np.atleast_1d(panels), shown.items(), strict=True):
        for name, runs in found.items():
            width, colour = (2.5, "#7b3fa0") if name == OURS else (1.2, None)
            style = "--" if name == "bundle alone" else "-"
            axes.plot(COUNTS, runs.mean(axis=0), style, linewidth=width, color=colour, label=name, marker=".")
        axes.set(xscale="log", xticks=COUNTS, xticklabels=COUNTS, xlabel="cells reviewed in this smear")
        axes.minorticks_off()
        axes.set_title(title.replace(" (", "\n("), fontsize=8)
        axes.grid(alpha=0.3)
    np.atleast_1d(panels)[0].set_ylabel("accuracy on all other cells")
    np.atleast_1d(panels)[-1].legend(fontsize=7)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", action="store_true", help="draw docs/pictures/learning.svg as well")
    for row in _run(parser.parse_args().picture):
        ratio = "" if row["ratio"] is None else f"  ({row['ratio']:.2f} of the best of: {row['peer']})"
        print(f"{row['name']}: {row['value']:.3f} {row['unit']}{ratio}  {row['bar']}")


if __name__ == "__main__":
    main()
