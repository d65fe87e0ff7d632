"""The features of the cells by a network, and a map of the cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features, ModelReference
from napari_bonemarrow.review.journal.arrays import Blob, unpack
from napari_bonemarrow.review.journal.documents import FeatureArrays, MapArrays, ModelPayload
from napari_bonemarrow.review.journal.payloads import FeaturesPayload, MapPayload


class FeatureStore:
    """The features and the map that the journal names. Their arrays are read on demand."""

    def __init__(self) -> None:
        self._model: ModelPayload | None = None
        self._axes: tuple[str, str] | None = None
        self._features: list[FeatureArrays] = []
        self._map: MapArrays | None = None
        self.map_method = ""
        self._whole: tuple[NDArray[np.int64], Features] | None = None

    def add_features(self, new: FeaturesPayload) -> None:
        """Add features; those of another model or on other axes replace the earlier ones."""
        arrays = new["arrays"]
        axes = (arrays["mean"]["sha256"], arrays["axes"]["sha256"])
        if (new["model"], axes) != (self._model, self._axes):
            self._features = []
        self._model, self._axes = new["model"], axes
        self._features.append(arrays)
        self._whole = None

    def set_map(self, new: MapPayload) -> None:
        """Set the map, replacing the earlier one."""
        self._map = new["arrays"]
        self.map_method = str(new["parameters"].get("method", ""))

    def features(self, blob: Blob, existing: NDArray[np.int64]) -> Features | None:
        """Return the features of existing cells, by ascending number; the last ones of a cell count."""
        if self._model is None:
            return None
        if self._whole is not None and self._whole[0] is existing:
            return self._whole[1]
        parts = [
            unpack({"cell_id": each["cell_id"], "values": each["values"]}, blob) for each in self._features
        ]
        shared = unpack({"mean": self._features[0]["mean"], "axes": self._features[0]["axes"]}, blob)
        ids = np.concatenate([part["cell_id"] for part in parts])
        values = np.concatenate([part["values"] for part in parts])
        rows = _last_of_each(ids, existing)
        found = Features(ids[rows], values[rows], ModelReference(**self._model), **shared)
        self._whole = (existing, found)
        return found

    def map(
        self, blob: Blob, existing: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Return cell numbers, ascending, and places, shape (n, 2), of existing cells."""
        if self._map is None:
            return None
        arrays = unpack({"cell_id": self._map["cell_id"], "xy": self._map["xy"]}, blob)
        rows = _last_of_each(arrays["cell_id"], existing)
        return arrays["cell_id"][rows], arrays["xy"][rows]


def _last_of_each(ids: NDArray[np.int64], existing: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the last position of each existing number, by ascending number."""
    backwards = ids[::-1]
    numbers, first = np.unique(backwards, return_index=True)
    rows = (len(ids) - 1 - first).astype(np.intp)
    return rows[np.isin(numbers, existing, assume_unique=True)]
