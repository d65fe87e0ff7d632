"""Classification of images of single cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import BoneMarrowError, Predictions
from napari_bonemarrow.engine import Engine, EngineStatus
from napari_bonemarrow.models import Bundle, Card
from napari_bonemarrow.models.crops import fit_crop
from napari_bonemarrow.report import table, write_text
from napari_bonemarrow.slides import Slide, cut_crops, open_slide
from napari_bonemarrow.slides.formats.registry import IMAGE_SUFFIXES
from napari_bonemarrow.workflow.differential_count import Progress
from napari_bonemarrow.workflow.inputs import Input, find_inputs

_READ_AHEAD = 64
"""Crops read while the child classifies earlier ones."""


def read_crop(path: Path, card: Card, microns_per_pixel: float | None = None) -> NDArray[np.uint8]:
    """Return an image of one cell at the bundle's scale and size.

    An image has the bundle's scale unless another is given or stated in its file. A larger one is cut to its
    centre, a smaller one padded with its background.

    Returns
    -------
    ndarray of uint8, shape (s, s, 3)

    Raises
    ------
    SlideError
    """
    return _fit(open_slide(path, microns_per_pixel=microns_per_pixel), card)


def _fit(slide: Slide, card: Card) -> NDArray[np.uint8]:
    scale = slide.microns_per_pixel
    if scale is None or np.isclose(scale, card.microns_per_pixel, rtol=0.01):
        return fit_crop(np.asarray(slide.levels[0][:, :]), card.crop_size)
    x, y = [(slide.width - 1) / 2], [(slide.height - 1) / 2]
    crops = cut_crops(slide, x, y, microns_per_pixel=card.microns_per_pixel, size=card.crop_size)
    return cast(NDArray[np.uint8], crops[0])


def classify_crops(
    inputs: Sequence[str | Path],
    out: Path,
    *,
    model: str | Path = "starter",
    microns_per_pixel: float | None = None,
    device: str = "auto",
    engine: Engine | None = None,
    progress: Progress | None = None,
    on_scales: Callable[[str], None] | None = None,
) -> list[tuple[str, str]]:
    """Classify images of single cells into a CSV with a row per image.

    Parameters
    ----------
    inputs : sequence of str or Path
        Images, folders of them, and patterns.
    out : Path
        The CSV: ``file,predicted,confidence,second,second_confidence,p_<CODE>...``.
    model, device, engine, progress
        As for `count_inputs`.
    microns_per_pixel : float, optional
        Scale of the images, which overrides their files'.
    on_scales : callable, optional
        Called at the end with one line about the scales of the images.

    Returns
    -------
    list of (str, str)
        The unreadable files, each with its error; their rows contain only the name.

    Raises
    ------
    BundleError, EngineError, ReportError
    """
    card = Bundle.open(model).card
    found = find_inputs(inputs, suffixes=IMAGE_SUFFIXES)
    serving = engine or Engine(device)
    failed: list[tuple[str, str]] = []
    rows: list[dict[str, object]] = []
    scales: Counter[float | None] = Counter()
    try:
        loading: Future[EngineStatus] | None = None  # no child is started for files that cannot be read
        remaining = iter(found)
        pending: list[tuple[list[str], list[Future[Predictions]]]] = []
        while batch := list(islice(remaining, _READ_AHEAD)):
            names, crops = _read(batch, card, microns_per_pixel, failed, scales)
            if not len(crops):
                continue
            loading = loading or serving.load(model)
            loading.result()
            pending.append((names, serving.classify_crops(crops)))
            while len(pending) > 1:
                rows += _rows(*pending.pop(0))
            if progress is not None:
                progress(len(rows), len(found), str(out))
        for names, futures in pending:
            rows += _rows(names, futures)
    finally:
        if engine is None:
            serving.close()
    if on_scales is not None and scales:
        on_scales(_scales_text(scales, card.microns_per_pixel))
    by_file = {str(row["file"]): row for row in rows}
    ordered = [by_file.get(item.shown, {"file": item.shown}) for item in found]
    columns = ["file", "predicted", "confidence", "second", "second_confidence"]
    write_text(out, table([*columns, *(f"p_{code}" for code in card.classes)], ordered))
    return failed


def _scales_text(scales: Counter[float | None], own: float) -> str:
    """Return a line about the scales of the images."""
    parts = []
    known = sorted(scale for scale in scales if scale is not None)
    if known:
        text = f"{known[0]:.4g}" if len(known) == 1 else f"{known[0]:.4g} to {known[-1]:.4g}"
        number = sum(scales[scale] for scale in known)
        parts.append(f"{number} at {text} µm per pixel, resampled to the model's {own:g}")
    if scales[None]:
        parts.append(f"{scales[None]} without a scale, so the model's is assumed, {own:g} µm per pixel")
    return f"pictures: {'; '.join(parts)}"


def _read(
    batch: list[Input],
    card: Card,
    microns_per_pixel: float | None,
    failed: list[tuple[str, str]],
    scales: Counter[float | None],
) -> tuple[list[str], NDArray[np.uint8]]:
    names, crops = [], []
    for item in batch:
        try:
            if item.error:
                raise BoneMarrowError(item.error)
            slide = open_slide(item.path, microns_per_pixel=microns_per_pixel)
            crops.append(_fit(slide, card))
            scales[slide.microns_per_pixel] += 1
        except BoneMarrowError as error:
            failed.append((item.shown, str(error)))
        else:
            names.append(item.shown)
    size = card.crop_size
    return names, np.stack(crops) if crops else np.empty((0, size, size, 3), np.uint8)


def _rows(names: list[str], futures: list[Future[Predictions]]) -> Iterator[dict[str, object]]:
    files = iter(names)
    for future in futures:
        yield from (
            prediction_row(next(files), row, part) for part in [future.result()] for row in range(len(part))
        )


def prediction_row(file: str, index: int, predictions: Predictions) -> dict[str, Any]:
    """Return the columns of one cell of a batch: its two most probable classes and every probability."""
    probabilities = predictions.probabilities[index]
    first, second = predictions.ranked()[index][:2]
    row = {
        "file": file,
        "predicted": predictions.classes[first],
        "confidence": f"{probabilities[first]:.4f}",
        "second": predictions.classes[second],
        "second_confidence": f"{probabilities[second]:.4f}",
    }
    pairs = zip(predictions.classes, probabilities, strict=True)
    return row | {f"p_{code}": f"{value:.5f}" for code, value in pairs}
