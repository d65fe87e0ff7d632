"""Feature vectors of a case's cells, for comparing them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Features, ModelReference
from napari_bonemarrow.engine import Embedded, Engine, EngineStatus, SlideSource
from napari_bonemarrow.slides.slide import SlideError
from napari_bonemarrow.workflow.analysis import in_order
from napari_bonemarrow.workflow.slide_search import waited
from napari_bonemarrow.workflow.steps import FeaturesFound, Step

if TYPE_CHECKING:
    from pathlib import Path

    from napari_bonemarrow.review import Case
    from napari_bonemarrow.slides import Slide

_FITTED_ON = 2048
"""Number of cells for fitting the axes, drawn from the whole case, so that a dense area does not dominate."""

_AT_ONCE = 4096
"""Number of cells whose features are stored together."""

_TEXT = "Comparing cells"


def unseen(case: Case, model: ModelReference | None = None) -> Cells:
    """Return the cells without features of a bundle, by default of the classifying one.

    Before classification none are missing: classes come first.
    """
    predictions, features = case.predictions, case.model.features
    if predictions is None:
        return Cells.empty()
    if features is None or features.model != (model or predictions.model):
        return case.cells
    return case.cells.select(~np.isin(case.cells.cell_id, features.cell_id))


def embed(engine: Engine, slide: Slide, case: Case, *, model: str | Path = "starter") -> Iterator[Step]:
    """Yield the features of a case's cells without features of this bundle.

    They are those of `Classifier.embed`, on at most 32 principal axes, fitted once on the
    case's own cells and used for all later ones. Features of cells just classified are kept.

    As with `analyse`, the case is read before this function returns and not used by the iterator; pass each
    step to `apply_step`. Closing the iterator cancels the work.

    Parameters
    ----------
    engine : Engine
    slide : Slide
        With its scale.
    case : Case
    model : str or Path
        Name or folder of a bundle.

    Raises
    ------
    BoneMarrowError
        From the iterator: any error of slide, bundle or engine.
    """
    cells, known = case.cells, case.model.features
    if slide.microns_per_pixel is None or not len(unseen(case)) or case.predictions is None:
        return iter(())
    return _steps(engine, SlideSource.of(slide), model, cells, known)


def _steps(
    engine: Engine, source: SlideSource, model: str | Path, cells: Cells, known: Features | None
) -> Iterator[Step]:
    futures: list[Future[Any]] = []
    try:
        status: EngineStatus = yield from waited(engine.load(model), "Loading the model")
        if known is not None and known.model != status.model:
            known = None
        missing = cells if known is None else cells.select(~np.isin(cells.cell_id, known.cell_id))
        missing = in_order(missing, source.microns_per_pixel)
        first = _drawn(missing) if known is None else np.zeros(len(missing), bool)
        gathered = _Gathered(len(missing), known)
        for part in (missing.select(first), missing.select(~first)):
            chunks = engine.embed(source, part)
            futures += chunks
            for chunk in chunks:
                try:
                    gathered.take((yield from waited(chunk, _TEXT, gathered.part)))
                except SlideError:  # these cells cannot be read, others may be
                    continue
                if gathered.axes is not None and gathered.waiting >= _AT_ONCE:
                    yield gathered.hand_over()
            if gathered.axes is None and gathered.waiting:
                gathered.axes = yield from waited(engine.fit_axes(gathered.raw()), _TEXT, gathered.part)
        if gathered.waiting:
            yield gathered.hand_over()
    except CancelledError:
        return  # the engine was closed or the task dropped
    finally:
        for future in futures:
            future.cancel()


def _drawn(cells: Cells) -> NDArray[np.bool_]:
    """Return a random sample of cells for fitting the axes, independent of their order."""
    by_number = np.argsort(cells.cell_id)
    chosen = np.zeros(len(cells), bool)
    size = min(_FITTED_ON, len(cells))
    chosen[by_number[np.random.default_rng(0).choice(len(cells), size, replace=False)]] = True
    return chosen


class _Gathered:
    """Collected features, projected on the axes once these exist."""

    def __init__(self, total: int, known: Features | None) -> None:
        self.axes = None if known is None else (known.mean, known.axes)
        self._total, self._done = total, 0
        self._parts: list[Embedded] = []
        self.waiting = 0

    @property
    def part(self) -> float:
        """Return the completed part of the cells, 0 to 1."""
        return (self._done + self.waiting) / max(self._total, 1)

    def take(self, part: Embedded) -> None:
        """Add features of cells; of none, if no cell of a part could be read."""
        if not len(part.cell_id):
            return
        self._parts.append(part)
        self.waiting += len(part.cell_id)

    def raw(self) -> NDArray[np.float16]:
        """Return the features since the last step, (n, f)."""
        return np.concatenate([part.values for part in self._parts])

    def hand_over(self) -> FeaturesFound:
        """Return a step with the features since the last one."""
        assert self.axes is not None
        mean, axes = self.axes
        # A case of an earlier version has axes of the last layer alone, whose columns come first.
        values = (self.raw().astype(np.float32)[:, : len(mean)] - mean) @ axes.T
        cell_id = np.concatenate([part.cell_id for part in self._parts])
        features = Features(cell_id, values.astype(np.float16), self._parts[0].model, mean, axes)
        self._done += self.waiting
        self._parts, self.waiting = [], 0
        return FeaturesFound(features, self._done, self._total)
