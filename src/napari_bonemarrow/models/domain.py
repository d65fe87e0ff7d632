"""Distance of a crop from a bundle's training data, in the features of the network.

The distance is the relative Mahalanobis distance of Ren et al. 2021 (arXiv:2106.09022) on a few principal
axes: the squared distance to the nearest centre of training crops of one class and data set, in units of the
spread within groups, minus that to the centre of all in units of the spread of all. The second term removes
what is unusual without distinguishing classes. Crops very far off only in that way, such as noise, would not
appear strange: for them the plain distance counts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.models.bundles.bundle import DOMAIN, Bundle, BundleError

FAR = 0.99
"""Share of held-out crops beyond which a crop's plain distance decides."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Statistics of the features of a bundle's training data.

    Attributes
    ----------
    mean : ndarray of float32, shape (f,)
        Mean of the training crops' features.
    axes : ndarray of float32, shape (d, f)
        Orthonormal rows.
    centres : ndarray of float32, shape (g, d)
        Means of groups of one class and data set on the axes, in units of the spread within groups.
    within, overall : ndarray of float32, shape (d, d)
        Matrices from coordinates on the axes to units of the spread within groups, and of all.
    levels, relative, plain : ndarray of float32, shape (q,)
        Shares from 0 to 1, and the relative and plain distances below which that share of held-out crops
        lies.
    """

    mean: Array
    axes: Array
    centres: Array
    within: Array
    overall: Array
    levels: Array
    relative: Array
    plain: Array

    def __post_init__(self) -> None:
        d, f = self.axes.shape
        shapes = {
            "mean": (f,),
            "centres": (len(self.centres), d),
            "within": (d, d),
            "overall": (d, d),
            "relative": self.levels.shape,
            "plain": self.levels.shape,
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        for each in fields(self):
            if not np.isfinite(getattr(self, each.name)).all():
                raise ValueError(f"{each.name} holds NaN or infinity")

    def distances(self, features: NDArray[np.floating]) -> tuple[Array, Array]:
        """Return the distances of features from the training data.

        Parameters
        ----------
        features : ndarray, shape (n, f)

        Returns
        -------
        relative, plain : ndarray of float32, shape (n,)
            Relative and plain Mahalanobis distance, squared, to the nearest centre.
        """
        places = (np.asarray(features, np.float32) - self.mean) @ self.axes.T
        near, apart = places @ self.within.T, ((places @ self.overall.T) ** 2).sum(axis=1)
        squares = (near**2).sum(axis=1)[:, None] + (self.centres**2).sum(axis=1) - 2 * near @ self.centres.T
        plain: Array = squares.min(axis=1).astype(np.float32)
        return (plain - apart).astype(np.float32), plain

    def strangeness(self, features: NDArray[np.floating]) -> Array:
        """Return for each crop the share of held-out crops that lie closer, 0 to 1, shape (n,)."""
        relative, plain = self.distances(features)
        rank = np.interp(relative, self.relative, self.levels)
        far = np.interp(plain, self.plain, self.levels)
        result: Array = np.where(far > FAR, np.maximum(rank, far), rank).astype(np.float32)
        return result


def read_domain(bundle: Bundle) -> Domain | None:
    """Return a bundle's statistics, None if it has none.

    Raises
    ------
    BundleError
        If the file is damaged or not the card's.
    """
    card = bundle.card.domain
    if card is None:
        return None
    path = bundle.path / DOMAIN
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != card.sha256:
            raise BundleError(f"{path}: is not the file that the card names; run `models domain` again")
        arrays = load(data)
        return Domain(**{each.name: arrays[each.name].astype(np.float32) for each in fields(Domain)})
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error}); run `models domain` again") from error


def domain_bytes(domain: Domain) -> bytes:
    """Return the bytes of a bundle's statistics file."""
    from safetensors.numpy import save

    arrays = {each.name: np.ascontiguousarray(getattr(domain, each.name)) for each in fields(Domain)}
    data: bytes = save(arrays)
    return data
