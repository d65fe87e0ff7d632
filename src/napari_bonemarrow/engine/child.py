"""Functions of the engine's child process. Heavy imports wait until needed."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells, Frame, Predictions
from napari_bonemarrow.engine.child_errors import sendable
from napari_bonemarrow.engine.features import SeenFeatures, clipped, fit_axes, lay_out, prepare_layout
from napari_bonemarrow.engine.messages import Embedded, EngineError, EngineStatus, SlideSource

if TYPE_CHECKING:
    from napari_bonemarrow.models import Classifier, Heatmap
    from napari_bonemarrow.slides import Scale, Slide
    from napari_bonemarrow.slides.detection.search_plan import Box, DetectionPlan, Tile
    from napari_bonemarrow.slides.detection.stain_profile import StainProfile
    from napari_bonemarrow.slides.survey.slide_survey import SurveyItem

_SLIDES_KEPT = 3

_classifier: Classifier | None = None
_status: EngineStatus | None = None
_slides: OrderedDict[tuple[object, ...], Slide] = OrderedDict()
_seen = SeenFeatures()


def start_up(threads: int, cache_bytes: int | None = None) -> None:
    """Prepare the child: it ends with its parent, ignores Ctrl-C and takes its share of the machine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="watch-parent", daemon=True).start()
    # OpenMP reads it when torch is imported later. Idle threads sleep instead of spinning: on cores shared
    # with the window and other programs, spinning made classification three times slower.
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if cache_bytes is not None:
        from napari_bonemarrow.slides.pixels.tile_cache import tile_cache

        tile_cache.limit(cache_bytes)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)  # not sys.exit: the main thread may be in a long call into torch


def call(name: str, args: tuple[Any, ...]) -> tuple[Any, float]:
    """Return the result of one of this module's functions; its errors can be sent back.

    Returns
    -------
    value, float
        The function's result, and the seconds it took after its slide was open.

    Raises
    ------
    BoneMarrowError
        As raised, or an `EngineError` in place of any other exception, with the attribute
        ``child_traceback``.
    """
    try:
        if args and isinstance(args[0], SlideSource):
            _slide(args[0])
        started = time.perf_counter()
        return _FUNCTIONS[name](*args), time.perf_counter() - started
    except Exception as error:
        if "CUDA error" in str(error):
            # The device's context is lost for this process. After it ends, the engine starts another
            # one and tries again.
            os._exit(1)
        raise sendable(error) from None


def load(model: str | Path, device: str) -> EngineStatus:
    """Load a bundle; the previous one stays if that fails or is the same."""
    global _classifier, _status
    from napari_bonemarrow.models import Bundle, Classifier
    from napari_bonemarrow.models.memory import keep_memory

    bundle = Bundle.open(model)
    if _status is not None and _status.model == bundle.reference:
        return _status
    classifier = Classifier(bundle, device=device)
    if classifier.device == "cpu":
        keep_memory()
    card = classifier.bundle.card
    seconds = classifier.warm_up()
    _warm_up_detector()
    _classifier = classifier
    _status = EngineStatus(
        device=classifier.device,
        model=classifier.bundle.reference,
        classes=tuple(card.classes),
        support=dict(card.support),
        input_size=card.crop_size,
        microns_per_pixel=card.microns_per_pixel,
        seconds_per_crop=seconds,
    )
    return _status


def _warm_up_detector() -> None:
    """Import the detector's modules, so that the first field does not wait for them."""
    from napari_bonemarrow.slides import detect_cells, slide_from_array

    detect_cells(slide_from_array(np.full((96, 96, 3), 230, np.uint8), 0.25))


def detect(source: SlideSource, frame: Frame | None) -> Cells:
    """Return the nucleated cells of a slide."""
    from napari_bonemarrow.slides import detect_cells

    return detect_cells(_slide(source), frame=frame)


def measure_stain(source: SlideSource, image: tuple[int, Box]) -> StainProfile:
    """Return the stain profile of one of a slide's images, given by number and border."""
    from napari_bonemarrow.slides.detection.stain_samples import image_profile
    from napari_bonemarrow.slides.pixels.photographs import photograph

    number, border = image
    return image_profile(photograph(_slide(source), number), border)


def find_stained(source: SlideSource, plan: DetectionPlan) -> tuple[int, ...]:
    """Return which tiles of a plan have stain."""
    from napari_bonemarrow.slides.detection.tile_search import stained_tiles

    return stained_tiles(_slide(source), plan)


def search(source: SlideSource, tile: Tile) -> Cells:
    """Return the cells of a tile."""
    from napari_bonemarrow.slides.detection.tile_search import search_tile

    return search_tile(_slide(source), tile)


def estimate(path: Path, _item: None) -> tuple[Scale, ...]:
    """Return the estimated scale of a slide without one, None where no estimate is possible."""
    from napari_bonemarrow.slides import estimate_scale, open_slide

    found = estimate_scale(open_slide(path))
    return () if found is None else (found,)


def survey(source: SlideSource, item: SurveyItem) -> NDArray[np.float32]:
    """Return the measures of some patches of a slide."""
    from napari_bonemarrow.slides.survey.slide_survey import survey_item

    return survey_item(_slide(source), item)


def classify(source: SlideSource, cells: Cells) -> Predictions:
    """Return the classes of cells, cut at the bundle's scale, without unreadable ones."""
    classifier = _loaded()
    crops, read = _cut_readable(source, cells)
    if not classifier.embeds:
        return classifier.classify(crops, read.cell_id)
    predictions, features = classifier.classify_and_embed(crops, read.cell_id)
    _seen.keep((source, predictions.model), read.cell_id, features)
    return predictions


def embed(source: SlideSource, cells: Cells) -> Embedded:
    """Return the features of cells, most kept from classification, without unreadable ones."""
    classifier = _loaded()
    if not classifier.embeds:
        raise EngineError(
            f"{classifier.bundle.card.name}: ends in no linear layer, so that its cells cannot be compared: "
            "use another bundle"
        )
    model = classifier.bundle.reference
    known, rows = _seen.take((source, model), cells.cell_id)
    if rows and known.all():
        return Embedded(cells.cell_id, np.stack(rows), model)
    crops, read = _cut_readable(source, cells.select(~known))
    values = clipped(classifier.embed(crops))
    cell_id = np.concatenate([cells.cell_id[known], read.cell_id])
    parts = [row[None] for row in rows] + ([values] if len(values) or not rows else [])
    return Embedded(cell_id, np.concatenate(parts), model)


def _cut_readable(source: SlideSource, cells: Cells) -> tuple[NDArray[np.uint8], Cells]:
    from napari_bonemarrow.slides.pixels.crops import cut_readable

    card = _loaded().bundle.card
    crops, readable = cut_readable(
        _slide(source), cells.x, cells.y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size
    )
    return crops, cells.select(readable)


def classify_crops(crops: NDArray[np.uint8], cell_id: NDArray[np.int64]) -> Predictions:
    """Return the classes of crops at the bundle's scale and size."""
    return _loaded().classify(crops, cell_id)


def explain(
    source: SlideSource, x: float, y: float, method: str, target: str | None, against: str | None, seed: int
) -> Heatmap:
    """Return the heatmap of a class on a cell's crop."""
    crop = _cut(source, np.array([x]), np.array([y]))[0]
    return explain_crop(crop, method, target, against, seed)


def explain_crop(
    crop: NDArray[np.uint8], method: str, target: str | None, against: str | None, seed: int
) -> Heatmap:
    """Return the heatmap of a class on a crop."""
    return _loaded().explain(crop, method=method, target=target, against=against, seed=seed)


def _loaded() -> Classifier:
    if _classifier is None:
        raise EngineError("engine: no model is loaded: load one first")
    return _classifier


def _cut(source: SlideSource, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    from napari_bonemarrow.slides import cut_crops

    card = _loaded().bundle.card
    return cut_crops(_slide(source), x, y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size)


def _slide(source: SlideSource) -> Slide:
    """Return an open slide, from the few kept open if possible; a changed file is opened again."""
    from napari_bonemarrow.slides import open_slide

    try:
        stat = source.path.stat()
        key: tuple[object, ...] = (source, stat.st_mtime_ns, stat.st_size)
    except OSError:
        key = (source,)  # open_slide reports what is wrong
    slide = _slides.get(key)
    if slide is None:
        slide = open_slide(source.path, microns_per_pixel=source.microns_per_pixel)
        _check_same(slide, source)
        _slides[key] = slide
        while len(_slides) > _SLIDES_KEPT:
            _slides.popitem(last=False)
    _slides.move_to_end(key)
    return slide


def _check_same(slide: Slide, source: SlideSource) -> None:
    """Raise an error for any slide but the program's own: cells would lie elsewhere."""
    from napari_bonemarrow.slides import SlideError

    if source.fingerprint and (slide.fingerprint, slide.fields) != (source.fingerprint, source.fields):
        what = "photographs were added, removed or changed" if source.fields else "it was changed"
        raise SlideError(
            f"{source.path}: {what} since it was opened: put it back as it was, or open it again"
        )


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        load,
        detect,
        measure_stain,
        find_stained,
        search,
        estimate,
        survey,
        classify,
        classify_crops,
        embed,
        fit_axes,
        prepare_layout,
        lay_out,
        explain,
        explain_crop,
    )
}
"""Functions that the parent may call by name; a first argument of type `SlideSource` is opened before the
clock starts. A function of a slide and one item also works with `Engine.map_tiles`."""
