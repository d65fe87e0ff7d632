"""A laboratory head as a case keeps it: what it predicts from, without the cells that it learnt from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Features, ModelReference, Predictions
from napari_bonemarrow.learning.errors import LearningError
from napari_bonemarrow.learning.laboratory_fit import LaboratoryFit
from napari_bonemarrow.learning.laboratory_head import LaboratoryHead


@dataclass(frozen=True, slots=True, eq=False)
class ServingHead:
    """The part of a laboratory head that predicts.

    Attributes
    ----------
    name : str
        The user's name for it.
    model : ModelReference
        The bundle that it belongs to.
    taught : mapping of str to int
        The classes that it may name, with the number of cells that taught each.
    fit : LaboratoryFit
    width : int
        Number of the bundle's classes, the first of the fit's.
    """

    name: str
    model: ModelReference
    taught: Mapping[str, int]
    fit: LaboratoryFit
    width: int

    @classmethod
    def of(cls, head: LaboratoryHead, name: str) -> ServingHead:
        """Return the serving part of a head."""
        return cls(name, head.model, dict(head.taught), head.fit, len(head.bundle_classes))

    @property
    def sha256(self) -> str:
        """Return the digest of its numbers and classes."""
        digest = hashlib.sha256(" ".join((*self.fit.codes, *map(str, sorted(self.taught.items())))).encode())
        for array in self.to_arrays().values():
            digest.update(np.ascontiguousarray(array, "<f4").tobytes())
        return digest.hexdigest()

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return its arrays by name."""
        return {"coefficients": self.fit.coefficients, "constant": self.fit.constant}

    @classmethod
    def from_arrays(
        cls,
        name: str,
        model: ModelReference,
        codes: tuple[str, ...],
        taught: Mapping[str, int],
        width: int,
        arrays: Mapping[str, NDArray[Any]],
    ) -> ServingHead:
        """Read one back.

        Raises
        ------
        LearningError
            If its parts do not fit together.
        """
        coefficients, constant = arrays["coefficients"], arrays["constant"]
        fits = coefficients.ndim == 2 and coefficients.shape[1:] == constant.shape == (len(codes),)
        finite = np.isfinite(coefficients).all() and np.isfinite(constant).all()
        if not fits or not finite or not 0 < width <= len(codes) or len(set(codes)) != len(codes):
            raise LearningError(f"the head {name} is damaged; choose none, or make it again")
        fit = LaboratoryFit(codes, coefficients.astype(np.float32), constant.astype(np.float32))
        return cls(name, model, dict(taught), fit, width)

    def predict(self, features: Features, bundle: Predictions) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return the classes, and their probabilities for a smear's cells; see `LaboratoryHead.predict`."""
        own = len(self.fit.coefficients)
        if features.model.sha256 != self.model.sha256 or len(features.mean) != own:
            raise LearningError(
                f"the head {self.name} belongs to the model {self.model.name} with {own} features of a cell, "
                f"not to {features.model.name} with {len(features.mean)}"
            )
        found = self.fit.predict_features(features, bundle.probabilities.astype(np.float64))
        closed = [c for c, code in enumerate(self.fit.codes) if c >= self.width and code not in self.taught]
        found[:, closed] = 0.0
        return self.fit.codes, found / found.sum(axis=1, keepdims=True)
