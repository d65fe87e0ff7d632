"""Data of a fine-tune: reviewed cells, data that keep the old skill, and the held-out part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.models.bundles.bundle import Bundle
from napari_bonemarrow.training.config import TrainConfig
from napari_bonemarrow.training.data.crop_index import Crops, Split
from napari_bonemarrow.training.data.split import choose_split, settle_split
from napari_bonemarrow.training.finetune.case_snapshot import REVIEWED, UNREVIEWED, Snapshot
from napari_bonemarrow.training.fitting.epoch_sample import Curriculum, plan

GROUPED_SLIDES = 3
"""Number of slides from which whole slides are held out instead of single cells."""

_CALIBRATION_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Material:
    """The data of a fine-tune.

    Attributes
    ----------
    crops : Crops
        Reviewed cells first, then unreviewed ones or the base's crops.
    split : Split
    curriculum : Curriculum
    grouped : bool
        Whether whole slides are held out.
    base : frozenset of str
        Names of the sources that are base data.
    """

    crops: Crops
    split: Split
    curriculum: Curriculum
    grouped: bool
    base: frozenset[str]


class Joined:
    """Several arrays of crops as one, without copying them.

    Parameters
    ----------
    parts : sequence of ndarray of uint8, each of shape (n, s, s, 3)
    """

    def __init__(self, parts: Sequence[NDArray[np.uint8]]) -> None:
        self.parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in self.parts])
        self.shape = (int(self._ends[-1]), *self.parts[0].shape[1:])
        self.dtype, self.ndim = self.parts[0].dtype, self.parts[0].ndim

    def __len__(self) -> int:
        return len(self.parts[0]) + sum(len(part) for part in self.parts[1:])

    def __getitem__(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return crops by number, shape (m,), in the given order."""
        which = np.asarray(which)
        rows = np.empty((len(which), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self._ends, which, side="right")
        for at in np.unique(owner):
            here = owner == at
            start = self._ends[at] - len(self.parts[at])
            rows[here] = self.parts[at][which[here] - start]
        return rows


def gather(
    snapshot: Snapshot, parent: Bundle, base: Crops | None, config: TrainConfig, base_config: TrainConfig
) -> Material:
    """Return the reviewed cells together with data that keep the old skill.

    These are the base data if given, else unreviewed cells of the same slides with a confident class of
    the old model (Li and Hoiem, arXiv:1606.09282).

    Parameters
    ----------
    snapshot : Snapshot
    parent : Bundle
        The model to start from.
    base : Crops, optional
    config : TrainConfig
    base_config : TrainConfig
        Configuration of the base data's split and classes.
    """
    by_base = None if base is None else plan(base, base_config)
    reviewed = snapshot.reviewed
    own, grouped = split_reviewed(reviewed.codes, reviewed.slide, config)
    parts, splits = [reviewed.as_crops()], [own]
    if base is not None:
        parts.append(base)
        splits.append(choose_split(base, settle_split(base, base_config)))
    elif snapshot.unreviewed is not None:
        parts.append(snapshot.unreviewed.as_crops())
        splits.append(_split_unreviewed(snapshot.unreviewed.codes, config))
    curriculum = _curriculum(parent, by_base, snapshot.counts(), parts, config)
    names = frozenset() if base is None else frozenset(source.name for source in base.sources)
    return Material(join(parts), _joined_split(splits, parts), curriculum, grouped, names)


def split_reviewed(
    codes: NDArray[np.str_], slide: NDArray[np.str_], config: TrainConfig
) -> tuple[Split, bool]:
    """Return a split of the reviewed cells, with a calibration part for the best epoch.

    From three slides on whole slides are held out, if every class remains taught; otherwise cells are
    drawn within their class.

    Parameters
    ----------
    codes, slide : ndarray of str, shape (n,)
        Class and slide of each reviewed cell.
    config : TrainConfig

    Returns
    -------
    Split, bool
        The split, and whether whole slides are held out.
    """
    test = _grouped_test(codes, slide, config)
    grouped = test is not None
    rng = np.random.default_rng([config.seed, 31])
    if test is None:
        test = _draw(codes, np.ones(len(codes), bool), 1 / config.folds, rng)
    calibration = _draw(codes, ~test, _CALIBRATION_SHARE, rng)
    train = ~test & ~calibration
    return Split(np.flatnonzero(train), np.flatnonzero(calibration), np.flatnonzero(test)), grouped


def _grouped_test(
    codes: NDArray[np.str_], slide: NDArray[np.str_], config: TrainConfig
) -> NDArray[np.bool_] | None:
    from sklearn.model_selection import StratifiedGroupKFold

    slides = len(np.unique(slide))
    if slides < GROUPED_SLIDES:
        return None
    folds = StratifiedGroupKFold(min(config.folds, slides), shuffle=True, random_state=config.seed)
    best: tuple[int, NDArray[np.bool_]] | None = None
    for train, test in folds.split(codes, codes, slide):
        if len(test) and set(codes[train]) == set(codes):
            seen = len(set(codes[test]))
            if best is None or seen > best[0]:
                best = seen, np.isin(np.arange(len(codes)), test)
    return None if best is None else best[1]


def _draw(
    codes: NDArray[np.str_], among: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a random share of each class; none of a class with fewer than three cells, to teach it."""
    drawn = np.zeros(len(codes), bool)
    for code in np.unique(codes[among]):
        members = rng.permutation(np.flatnonzero(among & (codes == code)))
        if len(members) >= 3:
            drawn[members[: max(1, round(len(members) * share))]] = True
    return drawn


def _split_unreviewed(codes: NDArray[np.str_], config: TrainConfig) -> Split:
    """Return a split of the unreviewed cells, to compare the old model's classes on the held-out part."""
    rng = np.random.default_rng([config.seed, 33])
    test = _draw(codes, np.ones(len(codes), bool), 1 / config.folds, rng)
    return Split(np.flatnonzero(~test), np.empty(0, np.intp), np.flatnonzero(test))


def join(parts: Sequence[Crops]) -> Crops:
    """Return crops of several sources joined, without copying pixels."""
    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0, *(int(part.group.max()) + 1 for part in parts[:-1])])
    return Crops(
        Joined([part.pixels for part in parts]),  # type: ignore[arg-type]
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.source for part in parts]),
        tuple(file for part in parts for file in part.files),
        np.concatenate([part.group + shift for part, shift in zip(parts, shifts, strict=True)]),
        tuple(name for part in parts for name in part.unreadable),
        tuple(source for part in parts for source in part.sources),
        tuple(name for part in parts for name in part.names),
    )


def _joined_split(splits: Sequence[Split], parts: Sequence[Crops]) -> Split:
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])

    def column(name: str) -> NDArray[np.intp]:
        shifted = [getattr(split, name) + start for split, start in zip(splits, starts, strict=True)]
        return np.concatenate(shifted)

    return Split(column("train"), column("calibration"), column("test"))


def _curriculum(
    parent: Bundle,
    by_base: Curriculum | None,
    counts: Counter[str],
    parts: Sequence[Crops],
    config: TrainConfig,
) -> Curriculum:
    """Return the support of each class after the fine-tune, and the classes of each source.

    A reviewer chooses among all classes, so a reviewed cell informs about each of them.
    """
    order = (Support.NONE, Support.TRANSFERRED, Support.FEW, Support.TRAINED)
    support = {}
    for code in parent.card.classes:
        claims = [parent.support[code]]
        if by_base is not None:
            claims.append(by_base.support[code])
        if counts[code] >= config.trusted_images:
            claims.append(Support.TRAINED)
        elif counts[code] >= config.minimum_images:
            claims.append(Support.FEW)
        support[code] = max(claims, key=order.index)
    every = frozenset(code for code in BMC21 if support[code] is not Support.NONE)
    taught = dict(by_base.taught) if by_base is not None else {}
    for part in parts:
        if part.sources[0].name in (REVIEWED, UNREVIEWED):
            taught[part.sources[0].name] = every
    return Curriculum(parent.card.classes, taught, support)
