"""Snapshot of the cases, stored with the fine-tune, since reviewing goes on and a run may be resumed."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.cytology.schemes import SCHEMES
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.models.classifier import Classifier
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.data.case_crops import MINIMUM_REVIEWED, CaseCells, CaseSet, cut_reviewed
from napari_bonemarrow.training.data.crop_index import Crops, Source
from napari_bonemarrow.training.files import write_atomically

log = logging.getLogger(__name__)

REVIEWED = "reviewed cells"
UNREVIEWED = "unreviewed cells"

SURE = 0.7
"""Confidence from which the old model's class of an unreviewed cell is used."""

_LEAST_UNREVIEWED, _MOST_UNREVIEWED = 200, 4000


@dataclass(frozen=True, slots=True)
class CutCells:
    """Crops of cells with their class and slide.

    Attributes
    ----------
    name : str
        Name of the source.
    pixels : ndarray of uint8, shape (n, s, s, 3)
    codes : ndarray of str, shape (n,)
    slide : ndarray of str, shape (n,)
        Fingerprints.
    """

    name: str
    pixels: NDArray[np.uint8]
    codes: NDArray[np.str_]
    slide: NDArray[np.str_]

    def as_crops(self) -> Crops:
        """Return the crops as one marrow source; cells of one slide are one group."""
        group = np.unique(self.slide, return_inverse=True)[1].astype(np.int64)
        source = Source(self.name, SCHEMES["bmc21"], (), tuple(self.codes.tolist()), 0)
        files = tuple(f"{self.name}/{at}" for at in range(len(self.codes)))
        names = np.full(len(self.codes), self.name)
        return Crops(self.pixels, self.codes, names, files, group, (), (source,))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The cells taken from the cases when a fine-tune began.

    Attributes
    ----------
    reviewed : CutCells
    unreviewed : CutCells or None
        Unreviewed cells with a confident class of the old model.
    too_few : mapping of str to int
        Reviewed cells of new classes, too few to learn.
    other : mapping of str to int
        Labels outside the 21 classes.
    skipped : tuple of str
        Unusable cases, with the reason.
    states : tuple of str
        Hash of each case's journal, which identifies the labels.
    reviewers : int
        Number of reviewers.
    """

    reviewed: CutCells
    unreviewed: CutCells | None
    too_few: Mapping[str, int]
    other: Mapping[str, int]
    skipped: tuple[str, ...]
    states: tuple[str, ...]
    reviewers: int

    def counts(self) -> Counter[str]:
        """Return the number of reviewed cells by class."""
        return Counter(self.reviewed.codes.tolist())

    def save(self, path: Path) -> None:
        """Write the snapshot atomically."""
        facts = {
            "too_few": dict(self.too_few),
            "other": dict(self.other),
            "skipped": self.skipped,
            "states": self.states,
            "reviewers": self.reviewers,
        }
        arrays: dict[str, NDArray[np.generic]] = {"facts": np.array(json.dumps(facts))}
        for name, cells in (("reviewed", self.reviewed), ("unreviewed", self.unreviewed)):
            if cells is not None:
                arrays |= {
                    f"{name}_pixels": cells.pixels,
                    f"{name}_codes": cells.codes,
                    f"{name}_slide": cells.slide,
                }

        def write(draft: Path) -> None:
            with draft.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]

        write_atomically(path, write)

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """Return a saved snapshot.

        Raises
        ------
        TrainingError
            If it is missing or damaged.
        """
        try:
            with np.load(path) as arrays:
                facts = json.loads(str(arrays["facts"]))
                parts = [
                    CutCells(title, *(arrays[f"{name}_{field}"] for field in ("pixels", "codes", "slide")))
                    if f"{name}_codes" in arrays
                    else None
                    for name, title in (("reviewed", REVIEWED), ("unreviewed", UNREVIEWED))
                ]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise TrainingError(
                f"{path}: the cells that the run began with cannot be read; train without --resume"
            ) from error
        reviewed, unreviewed = parts
        assert reviewed is not None
        return cls(
            reviewed,
            unreviewed,
            facts["too_few"],
            facts["other"],
            tuple(facts["skipped"]),
            tuple(facts["states"]),
            int(facts["reviewers"]),
        )


def take_snapshot(
    parent: Bundle, cases: CaseSet, known: set[str], config: TrainConfig, device: str, *, unreviewed: bool
) -> Snapshot:
    """Return crops of the reviewed cells at the old model's scale.

    An unreadable slide excludes only its own case.

    Parameters
    ----------
    parent : Bundle
        The model to start from.
    cases : CaseSet
    known : set of str
        Classes without a least number of cells; others need `minimum_images`.
    config : TrainConfig
    device : str
    unreviewed : bool
        Also take unreviewed cells (see `Snapshot.unreviewed`).

    Raises
    ------
    TrainingError
        If too few reviewed cells are left.
    """
    counts = cases.counts()
    too_few = {c: n for c, n in sorted(counts.items()) if c not in known and n < config.minimum_images}
    kept: list[CaseCells] = []
    pixels: list[NDArray[np.uint8]] = []
    skipped = list(cases.skipped)
    for case in cases.cases:
        learnable = _without(case, too_few)
        try:
            cut = list(
                cut_reviewed(learnable, microns_per_pixel=config.microns_per_pixel, size=config.crop_size)
            )
        except BoneMarrowError as error:
            skipped.append(f"{case.path.name}: {error}")
            continue
        if cut:
            kept.append(learnable)
            pixels += cut
    for line in skipped:
        log.warning("skipped %s", line)
    total = sum(len(case) for case in kept)
    if total < MINIMUM_REVIEWED:
        raise TrainingError(_too_few_text(total, too_few, skipped, config))
    reviewed = CutCells(
        REVIEWED,
        np.concatenate(pixels),
        np.array([code for case in kept for code in case.codes]),
        np.array([case.slide_fingerprint for case in kept for _ in case.codes]),
    )
    extra = _sure_of(kept, parent, config, device) if unreviewed else None
    reviewers = frozenset[str]().union(*(case.reviewers for case in kept))
    states = tuple(sorted(case.state for case in kept))
    return Snapshot(reviewed, extra, too_few, cases.other(), tuple(skipped), states, len(reviewers))


def _without(case: CaseCells, codes: Mapping[str, int]) -> CaseCells:
    keep = np.array([code not in codes for code in case.codes], bool)
    left = tuple(code for code in case.codes if code not in codes)
    return replace(case, cell_id=case.cell_id[keep], x=case.x[keep], y=case.y[keep], codes=left)


def _too_few_text(total: int, too_few: Mapping[str, int], skipped: list[str], config: TrainConfig) -> str:
    text = (
        f"only {count_of(total, 'reviewed cell')} to learn from: {MINIMUM_REVIEWED} are needed, "
        f"and {config.minimum_images} of a class that the model does not know"
    )
    if too_few:
        text += f" (too few: {', '.join(f'{n} {code}' for code, n in too_few.items())})"
    if skipped:
        text += f"; {count_of(len(skipped), 'case')} skipped, first {skipped[0]}"
    return text


def _sure_of(cases: list[CaseCells], parent: Bundle, config: TrainConfig, device: str) -> CutCells | None:
    """Return some unreviewed cells that the old model classifies confidently."""
    waiting = sum(len(case.waiting) for case in cases)
    reviewed = sum(len(case) for case in cases)
    wanted = min(waiting, max(_LEAST_UNREVIEWED, 2 * reviewed), _MOST_UNREVIEWED)
    rng = np.random.default_rng([config.seed, 32])
    classifier = Classifier(parent, device)
    pixels: list[NDArray[np.uint8]] = []
    codes: list[str] = []
    slides: list[str] = []
    for case in cases:
        if not len(case.waiting):
            continue
        share = round(wanted * len(case.waiting) / waiting)
        rows = np.sort(rng.permutation(len(case.waiting))[:share])
        for crops in cut_reviewed(
            case, microns_per_pixel=config.microns_per_pixel, size=config.crop_size, waiting=rows
        ):
            predictions = classifier.classify(crops)
            sure = predictions.probabilities.max(axis=1) >= SURE
            pixels.append(crops[sure])
            codes += [predictions.classes[at] for at in predictions.ranked()[sure, 0]]
            slides += [case.slide_fingerprint] * int(sure.sum())
    if not codes:
        return None
    return CutCells(UNREVIEWED, np.concatenate(pixels), np.array(codes), np.array(slides))
