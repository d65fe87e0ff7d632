"""How often the out-of-domain check alarms: on held-out crops of the bundle's own data sets, and on others.

``python -m benchmarks.domain [crops] [chosen] [fields] [blood] [drawn]``; all of them by default, on the
folder that `NAPARI_BONEMARROW_TEST_DATA` names. Crops are the test part of the starter's split, which neither
its weights nor its statistics have seen, drawn as smears of 50, 100 and 300 cells. ``chosen`` are the fields
that axes and limits were chosen on; fields and blood were not looked at for that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.detect import blood_images, data, field_scale
from napari_bonemarrow.cytology import DomainCheck, Predictions
from napari_bonemarrow.cytology.intervals import wilson
from napari_bonemarrow.drawing import draw_smear
from napari_bonemarrow.models import Classifier
from napari_bonemarrow.slides import Slide, cut_crops, detect_cells, open_slide, slide_from_array
from napari_bonemarrow.training.data.images import read_image
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.data.split import PARTS, read_parts, split_file

SIZES = (50, 100, 300)
DRAWS = 1_000
OWN = ("bmc", "pbc")


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What the check goes by, a cell a row, and which image or class a cell is of."""

    strangeness: NDArray[np.float32]
    confidence: NDArray[np.float32]
    of: NDArray[np.str_]

    def check(self, classifier: Classifier, rows: NDArray[np.intp]) -> DomainCheck | None:
        """Judge some of the cells as one smear."""
        threshold = classifier.bundle.card.abstain_below
        return DomainCheck.of_cells(self.strangeness[rows], self.confidence[rows], threshold)


def looked(parts: Iterator[tuple[str, Predictions]]) -> Looked:
    """Gather predictions."""
    names, strange, sure = [], [], []
    for name, predictions in parts:
        assert predictions.strangeness is not None
        names += [name] * len(predictions)
        strange.append(predictions.strangeness)
        sure.append(predictions.probabilities.max(axis=1))
    return Looked(np.concatenate(strange), np.concatenate(sure), np.array(names))


def held_out(classifier: Classifier, folder: Path, name: str) -> Looked:
    """Classify the test part of one of the starter's data sets, of the classes that this one taught."""
    [source] = find_sources(folder / name)
    parts, card = read_parts(split_file("starter-split")), classifier.bundle.card
    [taught] = [each.classes for each in card.metrics if each.source == name]
    test = [
        index
        for index, file in enumerate(source.files)
        if parts.get(f"{name}/{file.relative_to(folder / name).as_posix()}") == PARTS.index("test")
        and source.codes[index] in taught
    ]

    def classified() -> Iterator[tuple[str, Predictions]]:
        for index in test:
            crop = read_image(source, source.files[index], card.crop_size, card.microns_per_pixel)
            if crop is not None:
                yield source.codes[index], classifier.classify(crop[None])

    return looked(classified())


def in_images(classifier: Classifier, images: Iterator[tuple[str, Slide]]) -> Looked:
    """Find and classify the cells of whole images."""
    card = classifier.bundle.card

    def classified() -> Iterator[tuple[str, Predictions]]:
        for name, slide in images:
            cells = detect_cells(slide)
            if len(cells):
                crops = cut_crops(
                    slide, cells.x, cells.y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size
                )
                yield name, classifier.classify(crops)

    return looked(classified())


def small_fields(folder: Path) -> Iterator[tuple[str, Slide]]:
    """Open the small fields; their scale goes by their number."""
    for file in sorted((folder / "fields512" / "images").iterdir()):
        yield file.stem, open_slide(file, microns_per_pixel=0.165 if int(file.stem) >= 1000 else 0.25)


def fields(folder: Path) -> Iterator[tuple[str, Slide]]:
    """Open the whole fields."""
    for file in sorted((folder / "fields" / "images").iterdir()):
        yield file.stem, open_slide(file, microns_per_pixel=field_scale(Image.open(file).width))


def blood(folder: Path) -> Iterator[tuple[str, Slide]]:
    """Open the blood images at the scale of their red cells."""
    for at, (rgb, scale, _boxes) in enumerate(blood_images(folder)):
        yield f"{at:03d}", slide_from_array(rgb, scale)


def drawn() -> Iterator[tuple[str, Slide]]:
    """Draw smears, which no network has seen."""
    for seed in range(6):
        smear = draw_smear(seed)
        yield str(seed), slide_from_array(smear.image, smear.microns_per_pixel)


def share(part: int, total: int) -> str:
    """Print a share with its 95 % Wilson interval."""
    low, high = wilson(part, total)
    return f"{part}/{total} = {part / total:.3f} ({low:.3f} to {high:.3f})"


def figures(check: DomainCheck) -> str:
    """Print what a check went by."""
    doubtful = share(check.doubtful or 0, check.cells)
    return f"{share(check.strange, check.cells)} strange, {doubtful} below the confidence threshold"


def draws(classifier: Classifier, cells: Looked, *, one_class: bool) -> str:
    """Print how many smears drawn from some cells alarm, by size.

    Classes are mixed anew for each smear, by weights that are uniform among all mixtures; with `one_class`
    all cells are of one class, which is worse than any marrow.
    """
    rng = np.random.default_rng(0)
    names, number = np.unique(cells.of, return_inverse=True)
    members = [np.flatnonzero(number == at) for at in range(len(names))]
    texts = []
    for size in SIZES:
        alarms = 0
        for _ in range(DRAWS):
            weights = (
                np.eye(len(names))[rng.integers(len(names))]
                if one_class
                else rng.dirichlet(np.ones(len(names)))
            )
            counts = rng.multinomial(size, weights)
            rows = np.concatenate([rng.choice(members[at], size=n) for at, n in enumerate(counts)])
            check = cells.check(classifier, rows)
            alarms += check is not None and check.unlike
        texts.append(f"{size} cells {share(alarms, DRAWS)}")
    return "; ".join(texts)


def tell(name: str, classifier: Classifier, cells: Looked, fewest: int = 20) -> None:
    """Print the shares of all cells, and how many single images and pooled smears alarm."""
    whole = cells.check(classifier, np.arange(len(cells.of)))
    assert whole is not None
    print(f"{name}: {figures(whole)}")
    images = [np.flatnonzero(cells.of == each) for each in np.unique(cells.of)]
    judged = [cells.check(classifier, rows) for rows in images if len(rows) >= fewest]
    alarms = sum(check.unlike for check in judged if check is not None)
    if judged:
        print(f"  single images of {fewest} cells or more that alarm: {share(alarms, len(judged))}")
    rng = np.random.default_rng(0)
    for size in SIZES:
        hits = 0
        for _ in range(DRAWS):
            order = rng.permutation(len(images))
            rows = np.concatenate([images[at] for at in order])[:size]
            check = cells.check(classifier, rows)
            hits += check is not None and check.unlike
        print(f"  smears of {min(size, len(cells.of))} cells of images drawn at random: {share(hits, DRAWS)}")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = ("crops", "chosen", "fields", "blood", "drawn")
    parser.add_argument("what", nargs="*", metavar="|".join(kinds))
    parser.add_argument("--model", default="starter")
    asked = parser.parse_args()
    if unknown := set(asked.what) - set(kinds):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(kinds)}")
    what, folder = asked.what or kinds, data()
    if folder is None:
        parser.error("no real images: set NAPARI_BONEMARROW_TEST_DATA")
    classifier = Classifier(asked.model, "cpu")
    if "crops" in what:
        for name in OWN:
            cells = held_out(classifier, folder, name)
            whole = cells.check(classifier, np.arange(len(cells.of)))
            assert whole is not None
            print(f"test crops of {name}: {figures(whole)}")
            print("  false alarms, classes mixed at random:", draws(classifier, cells, one_class=False))
            print("  false alarms, one class only:", draws(classifier, cells, one_class=True))
    for name, title, images in (
        ("chosen", "fields512, chosen on", small_fields(folder)),
        ("fields", "fields of myeloma", fields(folder)),
        ("blood", "blood of another laboratory", blood(folder)),
        ("drawn", "drawn smears", drawn()),
    ):
        if name in what:
            tell(title, classifier, in_images(classifier, images))


if __name__ == "__main__":
    main()
