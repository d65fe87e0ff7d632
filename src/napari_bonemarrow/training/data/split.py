"""Splits into training, calibration and test images that keep patients and near-duplicates together."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.training.config import PRESETS, TrainConfig, TrainingError
from napari_bonemarrow.training.data.crop_index import Crops, Split
from napari_bonemarrow.training.files import write_atomically

log = logging.getLogger(__name__)

PARTS = ("train", "calibration", "test")


def choose_split(crops: Crops, config: TrainConfig) -> Split:
    """Return the split of a configuration: from its file, else into its folds.

    Raises
    ------
    TrainingError
        If the file is missing, damaged, or separates near-duplicates.
    """
    if config.split:
        path = split_file(config.split)
        split = read_split(crops, path)
        if split.absent:
            log.info("%s: %d of the images that it names are not there", path.name, split.absent)
        return split
    return split_crops(
        crops,
        folds=config.folds,
        fold=config.fold,
        calibration_share=config.calibration_share,
        seed=config.seed,
    )


def settle_split(crops: Crops, config: TrainConfig) -> TrainConfig:
    """Return the configuration without a preset's split if that was made for other images.

    A preset is also a recipe for other images, which are then split into folds. A split given by path
    stays, and `choose_split` rejects it if it names none of the images.
    """
    if not config.split or Path(config.split).is_file():
        return config
    path = split_file(config.split)
    if read_parts(path).keys() & set(crops.names):
        return config
    log.info("%s was made for other images; these are split into %d folds", path.name, config.folds)
    return config.changed(split="")


def split_crops(crops: Crops, *, folds: int, fold: int, calibration_share: float, seed: int) -> Split:
    """Return a split into folds by class and source; groups of crops stay together.

    The split depends on file names, groups and the seed, not on the order of the files.

    Raises
    ------
    TrainingError
        If there is no such fold.
    """
    if not 0 <= fold < folds:
        raise TrainingError(f"fold {fold} does not exist in {folds} folds; count from 0")
    together = _together(crops)
    which = _allocate(crops, together, np.arange(len(crops)), [1 / folds] * folds, f"{seed} folds")
    rest = np.flatnonzero(which != fold)
    shares = [1 - calibration_share, calibration_share]
    held = _allocate(crops, together, rest, shares, f"{seed} calibration {fold}")
    return Split(rest[held == 0], rest[held == 1], np.flatnonzero(which == fold))


def make_split(crops: Crops, *, test: float, calibration: float, seed: int) -> Split:
    """Return a split into three parts by class and source; groups of crops stay together.

    Parameters
    ----------
    crops : Crops
    test, calibration : float
        Shares of the images; the rest is trained on.
    seed : int

    Raises
    ------
    TrainingError
        If the shares leave nothing to train on.
    """
    if min(test, calibration) < 0 or test + calibration >= 1:
        raise TrainingError(
            f"shares of {test:g} for the test and {calibration:g} for the calibration leave nothing to train "
            "on; together they must stay below 1"
        )
    shares = [1 - test - calibration, calibration, test]
    which = _allocate(crops, _together(crops), np.arange(len(crops)), shares, f"{seed} parts")
    train, held, tested = (np.flatnonzero(which == part) for part in range(3))
    return Split(train, held, tested)


def write_split(crops: Crops, split: Split, path: Path) -> None:
    """Write a split as ``file,part``; other images are trained on.

    Raises
    ------
    TrainingError
        If the file cannot be written.
    """
    rows = [(crops.names[i], part) for part in PARTS[1:] for i in getattr(split, part)]

    def write(draft: Path) -> None:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("file", "part"))
            writer.writerows(sorted(rows))

    write_atomically(path, write)


def split_file(name: str) -> Path:
    """Return a split file by its path, or from the package.

    Raises
    ------
    TrainingError
        If there is none.
    """
    for candidate in (Path(name), PRESETS / name, PRESETS / f"{name}.csv"):
        if candidate.is_file():
            return candidate
    raise TrainingError(f"{name}: no such split; make one with `dataset split DATA --out {name}`")


def read_split(crops: Crops, path: Path) -> Split:
    """Return the split in a file ``file,part``; other images are trained on.

    Missing files are ignored, so a split also works for a part of the data.

    Raises
    ------
    TrainingError
        If the file is damaged, names none of the images, or puts near-duplicates of a test image into
        another part.
    """
    named = read_parts(path)
    part = np.array([named.get(name, 0) for name in crops.names], np.int8)
    absent = len(named.keys() - set(crops.names))
    if named and absent == len(named):
        raise TrainingError(
            f"{path}: none of its {count_of(absent, 'image')} is in the data; name the data's own split"
        )
    torn = _torn(crops, part)
    if torn:
        one, two = torn[0]
        raise TrainingError(
            f"{path}: {crops.names[one]} ({PARTS[part[one]]}) and {crops.names[two]} ({PARTS[part[two]]}) "
            f"belong together{f', as do {len(torn) - 1} more' if len(torn) > 1 else ''}; put them in one part"
        )
    train, calibration, test = (np.flatnonzero(part == each) for each in range(3))
    return Split(train, calibration, test, absent)


def split_digest(parts: Mapping[str, int]) -> str:
    """Return the SHA-256 of the images that a split holds out, independent of the order of its lines.

    Parameters
    ----------
    parts : mapping of str to int
        As from `read_parts`.
    """
    lines = sorted(f"{name},{PARTS[part]}\n" for name, part in parts.items() if part)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_parts(path: Path) -> dict[str, int]:
    """Return the part of each image in a split, as its index in `PARTS`.

    Raises
    ------
    TrainingError
        If the file is damaged or an image is in two parts.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is None or not {"file", "part"} <= set(reader.fieldnames):
                raise TrainingError(f"{path}: needs the columns file,part in its first line")
            rows = [(reader.line_num, row["file"], row["part"]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path}: cannot be read as a table ({error}); make the split again") from error
    parts: dict[str, int] = {}
    for line, name, part in rows:
        if part not in PARTS:
            raise TrainingError(f"{path}, line {line}: {part!r} is no part; use calibration or test")
        if parts.setdefault(name, PARTS.index(part)) != PARTS.index(part):
            raise TrainingError(f"{path}, line {line}: {name} is in two parts; keep one of the lines")
    return parts


def _torn(crops: Crops, part: NDArray[np.int8]) -> list[tuple[int, int]]:
    """Return pairs of a test image and one of its group in another part."""
    together = _together(crops)
    tested = {int(group): int(row) for row, group in enumerate(together) if part[row] == 2}
    return [
        (tested[int(group)], row)
        for row, group in enumerate(together)
        if part[row] != 2 and int(group) in tested
    ]


def _together(crops: Crops) -> NDArray[np.int64]:
    """Return the group of each image, by near-duplicates and patient, shape (n,)."""
    return crops.group


def _allocate(
    crops: Crops, together: NDArray[np.int64], which: NDArray[np.intp], shares: Sequence[float], salt: str
) -> NDArray[np.int8]:
    """Return the part of each of `which`: each group goes to the part that lacks most of its kind.

    Large groups first, then in an order drawn from names and salt. A group goes where it most reduces the sum
    of squares of what the parts lack, relative to each kind's size. With groups of one image each class of
    each source gets the wanted shares to within one image.
    """
    kinds = [f"{crops.source[i]}/{crops.codes[i]}" for i in which]
    sizes = Counter(kinds)
    groups: dict[int, list[int]] = {}
    for place, i in enumerate(which):
        groups.setdefault(int(together[i]), []).append(place)
    lacks = {kind: _wanted(kind, size, shares, salt) for kind, size in sizes.items()}
    keys = {
        g: _draw(salt, min(crops.names[which[place]] for place in places)) for g, places in groups.items()
    }
    part = np.zeros(len(which), np.int8)
    for group in sorted(groups, key=lambda g: (-len(groups[g]), keys[g])):
        members = Counter(kinds[place] for place in groups[group])
        gain = sum(n * lacks[kind] / sizes[kind] ** 2 for kind, n in members.items())
        chosen = int(np.argmax(gain))
        for kind, n in members.items():
            lacks[kind][chosen] -= n
        part[groups[group]] = chosen
    return part


def _wanted(kind: str, size: int, shares: Sequence[float], salt: str) -> NDArray[np.float64]:
    """Return the number of images of a kind for each part; ties are broken at random, not by order."""
    chance = [int(_draw(salt, f"{kind} {part}")[:8], 16) / 2**32 for part in range(len(shares))]
    wanted: NDArray[np.float64] = size * np.array(shares) + 1e-6 * np.array(chance)
    return wanted


def _draw(salt: str, name: str) -> str:
    return hashlib.sha256(f"{salt} {name}".encode()).hexdigest()


def describe_split(crops: Crops, split: Split) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    """Return the number of images by source, class and part."""
    table: dict[str, dict[str, dict[str, int]]] = {}
    for part in PARTS:
        for i in getattr(split, part):
            classes = table.setdefault(str(crops.source[i]), {})
            counts = classes.setdefault(str(crops.codes[i]), dict.fromkeys(PARTS, 0))
            counts[part] += 1
    return table
