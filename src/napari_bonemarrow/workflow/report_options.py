"""What a report says of its model: the bundle's card, and heatmaps of critical cells."""

from __future__ import annotations

from collections.abc import Generator, MutableMapping
from concurrent.futures import CancelledError
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.explanation.overlay import overlay
from napari_bonemarrow.report.page.montage import ChosenCell, plan_montage
from napari_bonemarrow.report.page.options import DataFacts, ModelFacts, ReportOptions
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import cut_crops
from napari_bonemarrow.workflow.cases import slide_of_case

HeatmapCache = MutableMapping[tuple[str, int, str], NDArray[np.uint8]]
"""Heatmaps over their crops, by digest of the bundle, cell and class."""
_TIMES_ASKED = 20
"""Times that a heatmap is asked for which the window's other requests drop."""


def model_facts(bundle: Bundle) -> ModelFacts:
    """Return what the card of a bundle says, for a report."""
    card = bundle.card
    figures = card.metrics[0] if card.metrics else None
    return ModelFacts(
        bundle.sha256,
        tuple(DataFacts(each.name, each.licence, each.attribution) for each in card.training_data),
        None if figures is None else figures.accuracy,
        None if figures is None else figures.balanced_accuracy,
        0 if figures is None else figures.n,
        "" if figures is None else figures.source,
    )


def bundle_of(case: Case) -> Bundle | None:
    """Return the bundle that classified a case; None if it is not on this computer, or is another version."""
    if case.predictions is None:
        return None
    model = case.predictions.model
    try:
        bundle = Bundle.open(model.name)
    except BoneMarrowError:
        return None
    return bundle if bundle.sha256 == model.sha256 else None


def report_options(
    case: Case,
    options: ReportOptions | None = None,
    *,
    heatmaps: bool = False,
    engine: Engine | None = None,
    device: str = "auto",
) -> ReportOptions:
    """Return the options of a report, with what its model says.

    Parameters
    ----------
    case : Case
    options : ReportOptions, optional
    heatmaps : bool
        Whether the critical cells of the montage have heatmaps.
    engine : Engine, optional
        With the case's bundle loaded; by default one is started for the heatmaps.
    device : str

    Raises
    ------
    BoneMarrowError
        If heatmaps are wanted and the case's bundle or slide cannot be used.
    """
    chosen, bundle = options or ReportOptions(), bundle_of(case)
    if chosen.model is None and bundle is not None:
        chosen = replace(chosen, model=model_facts(bundle))
    if not heatmaps or chosen.montage is False:
        return chosen
    if engine is not None:
        return replace(chosen, heatmaps=_last(heatmap_steps(case, engine)))
    bundle = _needed(case, bundle)
    serving = Engine(device)
    try:
        serving.load(bundle.path).result()
        return replace(chosen, heatmaps=_last(heatmap_steps(case, serving)))
    finally:
        serving.close()


def heatmap_steps(
    case: Case, engine: Engine, cache: HeatmapCache | None = None
) -> Generator[tuple[int, int], None, dict[int, NDArray[np.uint8]]]:
    """Make the heatmap of each critical cell in the montage over its crop, for its class.

    Parameters
    ----------
    case : Case
    engine : Engine
        With the case's bundle loaded; it keeps its bundle, which other work relies on.
    cache : mutable mapping, optional
        Heatmaps made before, to which the new ones are added.

    Yields
    ------
    tuple of int
        Heatmaps made and wanted, before each one.

    Returns
    -------
    dict of int to ndarray of uint8, shape (s, s, 3)
        By cell.

    Raises
    ------
    BoneMarrowError
        If the case's bundle is not here or not loaded, or a heatmap cannot be made.
    """
    bundle = _needed(case, bundle_of(case))
    made: HeatmapCache = {} if cache is None else cache
    known = set(bundle.card.classes)
    chosen = plan_montage(case, case.differential()).cells
    cells = [cell for cell in chosen if CLASSES[cell.code].critical and cell.code in known]
    missing = [cell for cell in cells if _key(bundle, cell) not in made]
    if missing:
        crops = cut_crops(
            slide_of_case(case),
            [cell.x for cell in missing],
            [cell.y for cell in missing],
            microns_per_pixel=bundle.card.microns_per_pixel,
            size=bundle.card.crop_size,
        )
        for cell, crop in zip(missing, crops, strict=True):
            yield len(cells) - sum(_key(bundle, each) not in made for each in cells), len(cells)
            made[_key(bundle, cell)] = overlay(crop, _heat(case, bundle, engine, crop, cell.code))
    return {cell.cell_id: made[_key(bundle, cell)] for cell in cells}


def _heat(
    case: Case, bundle: Bundle, engine: Engine, crop: NDArray[np.uint8], code: str
) -> NDArray[np.float32]:
    """Return a heatmap of the case's bundle; one that another request dropped is asked for again."""
    for _time in range(_TIMES_ASKED):
        _check_serves(case, bundle, engine)
        try:
            heatmap = engine.explain_crop(crop, target=code).result()
        except CancelledError:
            continue
        _check_serves(case, bundle, engine)  # what was loaded first may have been on its way
        return heatmap.values
    raise BoneMarrowError(f"{case.path}: no heatmaps, since the engine is busy with others: try again")


def _check_serves(case: Case, bundle: Bundle, engine: Engine) -> None:
    status = engine.status
    if status is not None and status.model.sha256 != bundle.sha256:
        raise BoneMarrowError(
            f"{case.path}: no heatmaps, since another bundle is loaded than the one of its classes "
            f"({bundle.card.name}): choose that one in the Model tab"
        )


def _needed(case: Case, bundle: Bundle | None) -> Bundle:
    """Return the bundle of a case's classes, without which there are no heatmaps."""
    if bundle is None:
        name = case.predictions.model.name if case.predictions is not None else "no model"
        raise BoneMarrowError(
            f"{case.path}: no heatmaps, since the bundle of its classes is not here ({name}): import it, or "
            "report without heatmaps"
        )
    return bundle


def _key(bundle: Bundle, cell: ChosenCell) -> tuple[str, int, str]:
    return bundle.sha256, cell.cell_id, cell.code


def _last(
    steps: Generator[tuple[int, int], None, dict[int, NDArray[np.uint8]]],
) -> dict[int, NDArray[np.uint8]]:
    """Return what a generator returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: dict[int, NDArray[np.uint8]] = end.value
            return found
