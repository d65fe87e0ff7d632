"""Curriculum of the sources, and the images drawn in an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BMC21, Support
from napari_bonemarrow.training.config import TrainConfig, TrainingError
from napari_bonemarrow.training.data.labelled_crops import Crops, count_by_source


@dataclass(frozen=True, slots=True)
class Curriculum:
    """The classes learnt from each source.

    Attributes
    ----------
    classes : tuple of str
        The bundle's columns.
    taught : mapping of str to frozenset of str
        Source to the classes with enough images.
    support : mapping of str to Support
    """

    classes: tuple[str, ...]
    taught: Mapping[str, frozenset[str]]
    support: Mapping[str, Support]

    @property
    def never_taught(self) -> tuple[str, ...]:
        """Return the classes that no source teaches, whose outputs are closed."""
        return tuple(code for code in self.classes if self.support[code] is Support.NONE)

    def labels(self, crops: Crops) -> NDArray[np.int64]:
        """Return the column of each crop's class, shape (n,)."""
        column = {code: index for index, code in enumerate(self.classes)}
        return np.array([column[str(code)] for code in crops.codes], np.int64)

    def log_weights(self, crops: Crops, foreign_weight: float) -> NDArray[np.float32]:
        """Return the terms added to each crop's logits in training, shape (n, k).

        0 for classes of its source, the logarithm of `foreign_weight` for those of only other sources, minus
        infinity for untaught ones. It is the logit adjustment of Menon et al., ICLR 2021
        (arXiv:2007.07314), for classes that are absent only because of the sampling.
        """
        foreign = np.log(foreign_weight) if foreign_weight else -np.inf
        others = np.where(self.open_mask(), foreign, -np.inf)
        rows = {
            source: np.where([code in codes for code in self.classes], 0.0, others).astype(np.float32)
            for source, codes in self.taught.items()
        }
        return np.stack([rows[str(source)] for source in crops.source])

    def open_mask(self) -> NDArray[np.bool_]:
        """Return which columns any source teaches, shape (k,)."""
        return np.array([self.support[code] is not Support.NONE for code in self.classes])

    def teaches(self, crops: Crops, which: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the images whose class their source teaches."""
        keep = [str(crops.codes[i]) in self.taught[str(crops.source[i])] for i in which]
        kept: NDArray[np.intp] = which[np.array(keep, bool)]
        return kept


def plan(crops: Crops, config: TrainConfig) -> Curriculum:
    """Return the curriculum: the learnt classes and their support.

    `trained` needs at least `trusted_images` crops of one marrow source, `few` at least `minimum_images`,
    `transferred` as many from blood.

    Raises
    ------
    TrainingError
        If fewer than two classes have enough images.
    """
    counts = count_by_source(crops, np.arange(len(crops)))
    taught = {
        source.name: frozenset(c for c, n in counts[source.name].items() if n >= config.minimum_images)
        for source in crops.sources
    }
    marrow = {source.name for source in crops.sources if source.scheme.marrow}
    from_marrow = frozenset().union(*(codes for name, codes in taught.items() if name in marrow))
    trusted = {c for c in from_marrow if max(counts[name][c] for name in marrow) >= config.trusted_images}
    from_blood = frozenset().union(*(codes for name, codes in taught.items() if name not in marrow))
    if len(from_marrow | from_blood) < 2:
        raise TrainingError(
            f"fewer than two classes have {config.minimum_images} images; add images or lower minimum_images"
        )
    support = {
        code: Support.TRAINED
        if code in trusted
        else Support.FEW
        if code in from_marrow
        else Support.TRANSFERRED
        if code in from_blood
        else Support.NONE
        for code in BMC21
    }
    return Curriculum(BMC21, taught, support)


def draw_epoch(
    crops: Crops, train: NDArray[np.intp], config: TrainConfig, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return an epoch's images: the configured number per class and source, small classes capped.

    Images of a group occur equally often to within one; the order is shuffled.
    """
    drawn = []
    for source in crops.sources:
        wanted = config.draws.get(source.name, config.default_draws)
        of_source = train[crops.source[train] == source.name]
        for code in np.unique(crops.codes[of_source]):
            group = of_source[crops.codes[of_source] == code]
            number = min(wanted, int(len(group) * config.largest_repeat))
            rounds = -(-number // len(group))
            drawn.append(np.concatenate([rng.permutation(group) for _ in range(rounds)])[:number])
    return rng.permutation(np.concatenate(drawn))
