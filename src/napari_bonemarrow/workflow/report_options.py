"""What a report says of its model: the bundle's card, and heatmaps of critical cells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, BoneMarrowError
from napari_bonemarrow.engine import Engine
from napari_bonemarrow.models import Bundle
from napari_bonemarrow.models.explanation.overlay import overlay
from napari_bonemarrow.report.page.montage import plan_montage
from napari_bonemarrow.report.page.options import DataFacts, ModelFacts, ReportOptions
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import cut_crops
from napari_bonemarrow.workflow.cases import slide_of_case


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
        With this bundle loaded; by default one is started for the heatmaps.
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
    if bundle is None:
        name = case.predictions.model.name if case.predictions is not None else "no model"
        raise BoneMarrowError(
            f"{case.path}: no heatmaps, since the bundle of its classes is not here ({name}): import it, or "
            "export without --heatmaps"
        )
    serving = engine or Engine(device)
    try:
        serving.load(bundle.path).result()
        return replace(chosen, heatmaps=_heatmaps(case, bundle, serving))
    finally:
        if engine is None:
            serving.close()


def _heatmaps(case: Case, bundle: Bundle, engine: Engine) -> dict[int, NDArray[np.uint8]]:
    """Return the heatmap of each critical cell in the montage over its crop, for its class."""
    plan = plan_montage(case, case.differential())
    known = set(bundle.card.classes)
    cells = [cell for cell in plan.cells if CLASSES[cell.code].critical and cell.code in known]
    if not cells:
        return {}
    crops = cut_crops(
        slide_of_case(case),
        [cell.x for cell in cells],
        [cell.y for cell in cells],
        microns_per_pixel=bundle.card.microns_per_pixel,
        size=bundle.card.crop_size,
    )
    asked = [engine.explain_crop(crop, target=cell.code) for cell, crop in zip(cells, crops, strict=True)]
    return {
        cell.cell_id: overlay(crop, heatmap.result().values)
        for cell, crop, heatmap in zip(cells, crops, asked, strict=True)
    }
