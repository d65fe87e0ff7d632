"""What runs in the engine's child process. Nothing heavy is imported before it is needed."""

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
    """Prepare the child: it ends with its parent, leaves Ctrl-C to it and takes its share of the machine."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="watch-parent", daemon=True).start()
    # Read by OpenMP when torch is imported, which is later. Idle threads sleep rather than spin: where the
    # cores are shared with the window and other programs, spinning made classification three times slower.
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
    os._exit(1)  # not sys.exit: the main thread may sit in a long call into torch


def call(name: str, args: tuple[Any, ...]) -> tuple[Any, float]:
    """Run one of this module's functions so that whatever it raises can be sent back.

    Returns
    -------
    value, float
        What the function returned, and the seconds it took once its slide was open.

    Raises
    ------
    BoneMarrowError
        As raised, or an `EngineError` in place of any other exception. The attribute
        ``child_traceback`` keeps where it arose.
    """
    try:
        if args and isinstance(args[0], SlideSource):
            _slide(args[0])
        started = time.perf_counter()
        return _FUNCTIONS[name](*args), time.perf_counter() - started
    except Exception as error:
        if "CUDA error" in str(error):
            # The device's context is lost to this process for good. Ending it lets the engine start
            # another and ask again.
            os._exit(1)
        raise sendable(error) from None


def load(model: str | Path, device: str) -> EngineStatus:
    """Load a bundle; the one before stays if that fails, or if it is the same."""
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
    """Import what finding cells needs, so that the first field does not wait for it."""
    from napari_bonemarrow.slides import detect_cells, slide_from_array

    detect_cells(slide_from_array(np.full((96, 96, 3), 230, np.uint8), 0.25))


def detect(source: SlideSource, frame: Frame | None) -> Cells:
    """Find the nucleated cells of a slide."""
    from napari_bonemarrow.slides import detect_cells

    return detect_cells(_slide(source), frame=frame)


def measure_stain(source: SlideSource, image: tuple[int, Box]) -> StainProfile:
    """Measure the stain of one of a slide's images, given by its number and its border."""
    from napari_bonemarrow.slides.detection.stain_samples import image_profile
    from napari_bonemarrow.slides.pixels.photographs import photograph

    number, border = image
    return image_profile(photograph(_slide(source), number), border)


def find_stained(source: SlideSource, plan: DetectionPlan) -> tuple[int, ...]:
    """Return which tiles of a plan hold anything stained."""
    from napari_bonemarrow.slides.detection.tile_search import stained_tiles

    return stained_tiles(_slide(source), plan)


def search(source: SlideSource, tile: Tile) -> Cells:
    """Find the cells of a tile."""
    from napari_bonemarrow.slides.detection.tile_search import search_tile

    return search_tile(_slide(source), tile)


def estimate(path: Path, _item: None) -> tuple[Scale, ...]:
    """Estimate the scale of a slide that has none yet: one, or none where its image does not tell."""
    from napari_bonemarrow.slides import estimate_scale, open_slide

    found = estimate_scale(open_slide(path))
    return () if found is None else (found,)


def survey(source: SlideSource, item: SurveyItem) -> NDArray[np.float32]:
    """Measure some patches of a slide."""
    from napari_bonemarrow.slides.survey.slide_survey import survey_item

    return survey_item(_slide(source), item)


def classify(source: SlideSource, cells: Cells) -> Predictions:
    """Cut the cells out at the bundle's scale and classify them, less those that cannot be read."""
    classifier = _loaded()
    crops, read = _cut_readable(source, cells)
    if not classifier.embeds:
        return classifier.classify(crops, read.cell_id)
    predictions, features = classifier.classify_and_embed(crops, read.cell_id)
    _seen.keep((source, predictions.model), read.cell_id, features)
    return predictions


def embed(source: SlideSource, cells: Cells) -> Embedded:
    """Return the features of cells, of most from when they were classified, less those not readable."""
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
    values = clipped(classifier.features(crops))
    cell_id = np.concatenate([cells.cell_id[known], read.cell_id])
    return Embedded(cell_id, np.concatenate([*(row[None] for row in rows), values]), model)


def _cut_readable(source: SlideSource, cells: Cells) -> tuple[NDArray[np.uint8], Cells]:
    from napari_bonemarrow.slides.pixels.crops import cut_readable

    card = _loaded().bundle.card
    crops, readable = cut_readable(
        _slide(source), cells.x, cells.y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size
    )
    return crops, cells.select(readable)


def classify_crops(crops: NDArray[np.uint8], cell_id: NDArray[np.int64]) -> Predictions:
    """Classify crops that are already on the bundle's grid."""
    return _loaded().classify(crops, cell_id)


def explain(
    source: SlideSource, x: float, y: float, method: str, target: str | None, against: str | None, seed: int
) -> Heatmap:
    """Say which pixels of a cell's crop speak for a class."""
    crop = _cut(source, np.array([x]), np.array([y]))[0]
    return explain_crop(crop, method, target, against, seed)


def explain_crop(
    crop: NDArray[np.uint8], method: str, target: str | None, against: str | None, seed: int
) -> Heatmap:
    """Say which pixels of a crop speak for a class."""
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
    """Open a slide, or take it from the few kept open; a file that has changed is opened again."""
    from napari_bonemarrow.slides import open_slide

    try:
        stat = source.path.stat()
        key: tuple[object, ...] = (source, stat.st_mtime_ns, stat.st_size)
    except OSError:
        key = (source,)  # open_slide says what is wrong
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
    """Refuse what is not the slide that the program shows: cells would lie in other places there."""
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
"""What the parent may ask for by name; the first argument, where it is a `SlideSource`, is opened before the
clock starts. A function that takes a slide and one item serves `Engine.map_tiles` as well."""
