"""Sample reviews of smears drawn from real crops with the starter's predictions.

``python -m benchmarks.sample_crops [--smears 2000] [--cache FILE]`` prints rows like those of
`benchmarks.sample_review`. The crops are the test part of the starter's split, on the folder that
`NAPARI_BONEMARROW_TEST_DATA` names, and the marrow is a mixture of their classes. The starter knows both data
sets from other images.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detect import data
from benchmarks.sample_review import HEAD, Model, Scenario, line, simulate
from napari_bonemarrow.models import Classifier
from napari_bonemarrow.training.data.images import read_image
from napari_bonemarrow.training.data.sources import find_sources
from napari_bonemarrow.training.data.split import PARTS, read_parts, split_file

MARROWS = {
    "bmc": {
        "NGS": 0.30,
        "LYT": 0.20,
        "BLA": 0.15,
        "PMO": 0.10,
        "EOS": 0.08,
        "ART": 0.08,
        "MON": 0.05,
        "NIF": 0.04,
    },
    "pbc": {
        "NGS": 0.25,
        "EBO": 0.20,
        "LYT": 0.15,
        "MYB": 0.10,
        "NGB": 0.10,
        "MMZ": 0.07,
        "PMO": 0.05,
        "MON": 0.04,
        "EOS": 0.03,
        "BAS": 0.01,
    },
}
"""Classes of which the test part has enough crops, in a mixture like that of a marrow."""
SAMPLES = ((500, 100), (1000, 200))


def predicted(name: str, folder: Path) -> tuple[NDArray[np.str_], NDArray[np.float32], tuple[str, ...]]:
    """Classify the test crops of a data set; return their classes, probabilities and the columns."""
    classifier = Classifier("starter", "cpu")
    card = classifier.bundle.card
    [source] = find_sources(folder / name)
    parts = read_parts(split_file("starter-split"))
    codes, rows = [], []
    for index, file in enumerate(source.files):
        known = parts.get(f"{name}/{file.relative_to(folder / name).as_posix()}") == PARTS.index("test")
        if not known or source.codes[index] not in MARROWS[name]:
            continue
        crop = read_image(source, source.files[index], card.crop_size, card.microns_per_pixel)
        if crop is not None:
            found = classifier.classify(crop[None])
            codes.append(source.codes[index])
            rows.append(found.probabilities[0])
    return np.array(codes), np.array(rows), found.classes


def model_of(
    name: str, codes: NDArray[np.str_], probabilities: NDArray[np.float32], columns: tuple[str, ...]
) -> Model:
    """Store the crops by class."""
    classes = tuple(MARROWS[name])
    members = [np.flatnonzero(codes == code) for code in classes]
    return Model(
        classes, columns, probabilities[np.concatenate(members)], np.array([len(m) for m in members])
    )


def main() -> None:
    """Draw smears from crops and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smears", type=int, default=2000)
    parser.add_argument("--cache", type=Path, help="keep the predictions in this file (.npz)")
    asked = parser.parse_args()
    folder = data()
    if folder is None:
        parser.error("no real images: set NAPARI_BONEMARROW_TEST_DATA")
    print(HEAD)
    for name, marrow in MARROWS.items():
        cache = asked.cache and asked.cache.with_name(f"{asked.cache.stem}-{name}.npz")
        if cache and cache.exists():
            kept = np.load(cache)
            codes, rows, columns = kept["codes"], kept["rows"], tuple(kept["columns"].tolist())
        else:
            codes, rows, columns = predicted(name, folder)
            if cache:
                np.savez(cache, codes=codes, rows=rows, columns=np.array(columns))
        model = model_of(name, codes, rows, columns)
        first = np.array(columns)[rows.argmax(axis=1)]
        right = sum(share * np.mean(first[codes == code] == code) for code, share in marrow.items())
        for frame, sample in SAMPLES:
            scenario = Scenario(f"crops of {name}", float(right), frame, sample, marrow)
            print(line(simulate(scenario, asked.smears, model=model)), flush=True)


if __name__ == "__main__":
    main()
