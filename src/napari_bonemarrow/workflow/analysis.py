"""Find and classify the cells of one slide: the steps that window and command line both take."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow import __version__
from napari_bonemarrow.cytology import Cells, Frame, ModelReference, Predictions, ScaleError
from napari_bonemarrow.engine import Engine, EngineStatus, SlideSource
from napari_bonemarrow.models import Bundle

if TYPE_CHECKING:
    from napari_bonemarrow.review import Case
    from napari_bonemarrow.slides import Slide

_T = TypeVar("_T")
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Doing:
    """What the program waits for just now; given again and again, so that the wait can be given up."""

    text: str


@dataclass(frozen=True, slots=True)
class CellsFound:
    """The detector is through.

    Attributes
    ----------
    cells : Cells
    frame : Frame
        In which ``cells.in_frame`` was told.
    """

    cells: Cells
    frame: Frame


@dataclass(frozen=True, slots=True)
class CellsClassified:
    """Some more cells have their classes.

    Attributes
    ----------
    predictions : Predictions
        Of these cells alone.
    done, total : int
        Cells classified so far in this analysis, and all there are to classify.
    status : EngineStatus
        Which bundle said it, on which device.
    """

    predictions: Predictions
    done: int
    total: int
    status: EngineStatus


Step = Doing | CellsFound | CellsClassified


def analyse(
    engine: Engine,
    slide: Slide,
    case: Case,
    *,
    model: str | Path = "starter",
    frame: Frame | None = None,
    again: bool = False,
) -> Iterator[Step]:
    """Find a slide's cells, unless the case has them, and classify those without a class of this bundle.

    The case is read before this function returns and not touched by the iterator, which may therefore
    run in another thread; hand each step to `apply_step` where the case lives. Closing the iterator
    cancels what is under way.

    Parameters
    ----------
    engine : Engine
    slide : Slide
        With its scale.
    case : Case
    model : str or Path
        Name or folder of a bundle.
    frame : Frame, optional
        What is counted; by default the case's frame, else the whole field less its margin.

    again : bool
        Find the cells anew though the case has some.

    Raises
    ------
    ScaleError
        The slide has no scale.
    BoneMarrowError
        From the iterator: whatever the slide, the bundle or the engine complains of.
    """
    if slide.microns_per_pixel is None:
        raise ScaleError(f"{slide.path}: its scale is unknown: give its µm per pixel")
    chosen = case.frame or frame or Frame.whole_field(slide.width, slide.height)
    known = case.predictions
    if again or not was_detected(case):
        cells = None
    else:
        cells = case.cells
        if not len(_unclassified(cells, known, Bundle.open(model).reference)):
            return iter(())
    source = SlideSource(slide.path, slide.microns_per_pixel)
    return _steps(engine, source, model, chosen, cells, known, case.fresh)


def was_detected(case: Case) -> bool:
    """Tell whether the detector has been run on a case, even if it found nothing."""
    return any(event.kind == "detector run" for event in case.events())


def apply_step(case: Case, step: Step) -> None:
    """Write one step of `analyse` to the case."""
    if isinstance(step, CellsFound):
        if case.frame is None:
            case.set_frame(step.frame)
        parameters = {"microns_per_pixel": case.microns_per_pixel, "version": __version__}
        case.record_detection(step.cells, parameters, carry_over=True)
    elif isinstance(step, CellsClassified):
        # A second detection leaves out cells that the reviewer had dealt with before.
        kept = np.isin(step.predictions.cell_id, case.cells.cell_id)
        if kept.any():
            case.record_predictions(_select(step.predictions, kept))


def _steps(
    engine: Engine,
    source: SlideSource,
    model: str | Path,
    frame: Frame,
    cells: Cells | None,
    known: Predictions | None,
    fresh: Callable[[Cells], Cells],
) -> Iterator[Step]:
    futures: list[Future[Any]] = []
    try:
        if cells is None:
            detecting = engine.detect(source, frame)
            futures.append(detecting)
            loading = engine.load(model)  # taken up by the child as soon as the cells are found
            cells = fresh((yield from _wait(detecting, "Finding cells")))
            yield CellsFound(cells, frame)
        else:
            loading = engine.load(model)
        status = yield from _wait(loading, "Loading the model")
        cells = _unclassified(cells, known, status.model)
        done = 0
        chunks = engine.classify(source, cells)
        futures += chunks
        for chunk in chunks:
            predictions = yield from _wait(chunk, "Classifying cells")
            done += len(predictions)
            yield CellsClassified(predictions, done, len(cells), status)
    except CancelledError:
        return  # the engine was closed or told to drop it: nobody waits for this slide any more
    finally:
        for future in futures:
            future.cancel()


def _wait(future: Future[_T], text: str) -> Generator[Step, None, _T]:
    """Wait for a future, saying so, and return its value."""
    while True:
        try:
            return future.result(timeout=_POLL_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            yield Doing(text)


def _unclassified(cells: Cells, known: Predictions | None, model: ModelReference) -> Cells:
    if known is None or known.model != model:
        return cells
    return cells.select(~np.isin(cells.cell_id, known.cell_id))


def _select(predictions: Predictions, which: NDArray[np.bool_]) -> Predictions:
    return replace(
        predictions, cell_id=predictions.cell_id[which], probabilities=predictions.probabilities[which]
    )
