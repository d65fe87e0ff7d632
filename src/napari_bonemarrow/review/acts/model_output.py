"""Outputs of the networks for the cells: their classes, their features, and a map of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import CLASSES, Features, ModelReference, Predictions, Support
from napari_bonemarrow.cytology.plurals import count_of
from napari_bonemarrow.review.acts.core import CaseCore
from napari_bonemarrow.review.errors import CaseError
from napari_bonemarrow.review.journal.arrays import pack, unpack
from napari_bonemarrow.review.journal.documents import (
    FeatureArrays,
    MapArrays,
    ModelPayload,
    ProbabilityArrays,
)
from napari_bonemarrow.review.journal.event_specs import EventKind
from napari_bonemarrow.review.journal.events import Change, Draft, Event
from napari_bonemarrow.review.journal.field_types import ArrayPayload
from napari_bonemarrow.review.journal.payloads import FeaturesPayload, MapPayload, PredictionsPayload
from napari_bonemarrow.review.state.effect import Effect, Effects
from napari_bonemarrow.review.state.state import State


class ModelOutput:
    """Outputs of the networks for the cells of a case."""

    def __init__(self, core: CaseCore) -> None:
        self._core, self._state = core, core.state

    def record_predictions(self, predictions: Predictions) -> Change:
        """Record a model's predictions for some cells; labels are unchanged.

        Chunks of one model add up. The first chunk of another model replaces all predictions of the earlier
        one, which stay in the journal.

        Raises
        ------
        CaseError
            If the frame is not set, a class is unknown, a probability is not a number, or a cell is not
            of this case's last detection.
        """
        if self._state.frame is None:
            raise CaseError("the frame is not set: say what is counted before classes are seen")
        unknown = [code for code in predictions.classes if code not in CLASSES]
        if unknown:
            raise CaseError(f"{predictions.model.name} predicts {', '.join(unknown)}, not a class here")
        if not np.isfinite(predictions.probabilities).all():
            raise CaseError(
                f"{predictions.model.name} gave a probability that is not a number: check the bundle"
            )
        strange = predictions.cell_id[self._state.table.rows(predictions.cell_id) < 0]
        if len(strange):
            raise CaseError(
                f"{count_of(len(strange), 'prediction')} of cells that are not in the last detection "
                f"(first: cell {strange[0]}): classify the cells of the case again"
            )
        probabilities = np.asarray(predictions.probabilities, np.float32)
        cell_id = np.asarray(predictions.cell_id, np.int64)
        arrays: dict[str, NDArray[Any]] = {"cell_id": cell_id, "probabilities": probabilities}
        if predictions.strangeness is not None:
            arrays["strangeness"] = np.asarray(predictions.strangeness, np.float32)
        specs, blobs = pack(arrays)
        new: PredictionsPayload = {
            "arrays": cast(ProbabilityArrays, specs),
            "classes": list(predictions.classes),
            "support": {code: str(word) for code, word in predictions.support.items()},
            "model": {"name": predictions.model.name, "sha256": predictions.model.sha256},
        }
        if predictions.abstain_below is not None:
            new["abstain_below"] = predictions.abstain_below
        if predictions.confusion is not None and (
            predictions.model != self._state.model or self._state.confusion is None
        ):
            new["confusion"] = {true: dict(row) for true, row in predictions.confusion.items()}
        source = f"model:{predictions.model.sha256}"
        return self._core.act(
            Draft(EventKind.MODEL_RUN, new=new, source=source), blobs, tuple(cell_id.tolist())
        )

    def record_features(self, features: Features) -> Change:
        """Record a network's features of some cells.

        Features of one model on the same axes add up; others replace the earlier ones.

        Raises
        ------
        CaseError
            If a value is not a number or there is none.
        """
        if not len(features) or not np.isfinite(features.values).all():
            raise CaseError(f"{features.model.name} gave no features, or one that is not a number")
        arrays = {name: getattr(features, name) for name in ("cell_id", "values", "mean", "axes")}
        specs, blobs = pack(arrays)
        model: ModelPayload = {"name": features.model.name, "sha256": features.model.sha256}
        new: FeaturesPayload = {"arrays": cast(FeatureArrays, specs), "model": model}
        return self._core.act(
            Draft(EventKind.FEATURES_RECORDED, new=new, source=f"model:{model['sha256']}"), blobs
        )

    def record_map(
        self,
        cell_ids: NDArray[np.integer],
        xy: NDArray[np.floating],
        parameters: Mapping[str, Any] | None = None,
    ) -> Change:
        """Record a map of cells, replacing the earlier one.

        Parameters
        ----------
        cell_ids : ndarray of int, shape (n,)
        xy : ndarray of float, shape (n, 2)
        parameters : mapping, optional
            Parameters of the method, JSON values.

        Raises
        ------
        CaseError
            If the shapes do not match or a coordinate is not a number.
        """
        ids, places = np.asarray(cell_ids, np.int64), np.asarray(xy, np.float32)
        if places.shape != (len(ids), 2) or not np.isfinite(places).all():
            raise CaseError(f"a map of {count_of(len(ids), 'cell')} needs as many places in two dimensions")
        specs, blobs = pack({"cell_id": ids, "xy": places})
        new: MapPayload = {"arrays": cast(MapArrays, specs), "parameters": dict(parameters or {})}
        return self._core.act(Draft(EventKind.MAP_RECORDED, new=new, source="model"), blobs)

    @property
    def features(self) -> Features | None:
        """Return the features of the existing cells, by ascending number; None if none were recorded."""
        return self._state.feature_store.features(self._core.journal.blob, self._core.cells.cell_id)

    @property
    def cell_map(self) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Return existing cells, ascending, and their places on the map, shape (n, 2), or None."""
        return self._state.feature_store.map(self._core.journal.blob, self._core.cells.cell_id)

    @property
    def map_method(self) -> str:
        """Return the method of the map, empty if there is none."""
        return self._state.feature_store.map_method


def _take_predictions(state: State, event: Event) -> None:
    new: PredictionsPayload = event.new
    model = ModelReference(**new["model"])
    classes = tuple(new["classes"])
    support = {code: Support(word) for code, word in new["support"].items()}
    arrays = unpack(cast(Mapping[str, ArrayPayload], new["arrays"]), state.blob)
    if len(set(classes)) != len(classes) or not np.isfinite(arrays["probabilities"]).all():
        raise ValueError("a model says what is not a prediction")
    if (model, classes) != (state.model, state.classes):
        state.table.forget_predictions(classes)
        state.learning.forget()
        state.confusion = None
    state.confusion = new.get("confusion", state.confusion)
    state.model, state.classes, state.support = model, classes, support
    state.abstain_below = new.get("abstain_below")  # missing in journals of older versions
    state.table.predict(
        Predictions(
            arrays["cell_id"],
            arrays["probabilities"],
            classes,
            support,
            model,
            strangeness=arrays.get("strangeness"),  # only if the bundle has statistics for it
        )
    )


def _add_features(state: State, event: Event) -> None:
    state.feature_store.add_features(event.new)


def _set_map(state: State, event: Event) -> None:
    state.feature_store.set_map(event.new)


EFFECTS: Effects = {
    EventKind.MODEL_RUN: Effect(_take_predictions),
    EventKind.FEATURES_RECORDED: Effect(_add_features),
    EventKind.MAP_RECORDED: Effect(_set_map),
}
