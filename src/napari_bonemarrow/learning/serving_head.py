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
        """Return the classes, and their probabilities for a smear's cells.

        Parameters
        ----------
        features : Features
            Of all cells of the smear: they are centred over it.
        bundle : Predictions
            Of the same cells, in the same order.

        Returns
        -------
        tuple of str
        ndarray of float64, shape (n, k)

        Raises
        ------
        LearningError
            If they are of another bundle, or of another length.
        """
        self.check_bundle(features.model, len(features.mean))
        found = self.fit.predict_features(features, bundle.probabilities.astype(np.float64))
        closed = [c for c, code in enumerate(self.fit.codes) if c >= self.width and code not in self.taught]
        found[:, closed] = 0.0
        return self.fit.codes, found / found.sum(axis=1, keepdims=True)

    def check_bundle(self, model: ModelReference, features: int) -> None:
        """Refuse a bundle whose features this head does not know.

        Raises
        ------
        LearningError
            If it is another bundle, or its features have another length.
        """
        own = len(self.fit.coefficients)
        if model.sha256 != self.model.sha256:
            raise LearningError(f"this head belongs to the model {self.model.name}, not to {model.name}")
        if features != own:
            raise LearningError(f"this head takes {own} features of a cell, the model gives {features}")
