"""The May-Grünwald-Giemsa stain as inks: optical densities that add up.

By Beer and Lambert, transmitted light is ``illumination * 10 ** -(sum of concentration * density)``. A
camera's power-law gamma scales all densities by one factor, so densities here are those of the stored
pixel values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
"""float32, though numpy's stubs have it that a number times float32 may be more."""


class Ink(IntEnum):
    """An absorbing substance; its value is its row in `Stain.densities`."""

    CHROMATIN = 0
    """Purple of the azure B-eosin complex on DNA (the Romanowsky effect)."""
    AZURE = 1
    """Blue of azure B on RNA: basophilic cytoplasm."""
    EOSIN = 2
    """Orange to pink of eosin Y on basic protein: eosinophil granules, acidophilic cytoplasm."""
    HAEMOGLOBIN = 3
    """Buff to grey-pink of red cells."""
    VIOLET = 4
    """Metachromatic red-purple of azurophil granules, Auer rods and mast-cell granules."""
    SOOT = 5
    """Neutral: dust, precipitate seen edge-on."""


# Density of one unit of each ink in red, green and blue. A neutrophil's nucleus is about 1 unit of chromatin,
# a plasma cell's cytoplasm 1 unit of azure, a red cell's rim 1 unit of haemoglobin.
_DENSITIES = np.array(
    [
        [0.46, 0.95, 0.17],
        [0.42, 0.41, 0.09],
        [0.045, 0.28, 0.33],
        [0.082, 0.120, 0.116],
        [0.30, 0.74, 0.20],
        [0.90, 0.90, 0.85],
    ],
    dtype=np.float32,
)


@dataclass(frozen=True, slots=True)
class Stain:
    """The stain and light of a smear.

    Attributes
    ----------
    azure, eosin : float
        Strength of the two dyes, usually 1. Azure also sets chromatin.
    pinkness : float
        -1 (blue, alkaline buffer) to 1 (pink, acid buffer).
    illumination : tuple of float
        Red, green and blue of the clear background, 0 to 255.
    plasma : float
        Strength of the dried plasma film between cells, 0 to about 3.
    """

    azure: float = 1.0
    eosin: float = 1.0
    pinkness: float = 0.0
    illumination: tuple[float, float, float] = (238.0, 236.0, 240.0)
    plasma: float = 1.0

    @classmethod
    def varied(cls, seed: int) -> Stain:
        """Return a random stain, as it varies between laboratories and days.

        Parameters
        ----------
        seed : int

        Returns
        -------
        Stain
        """
        rng = np.random.default_rng([seed, 77])
        bright = rng.uniform(190, 246)
        tint = rng.normal(0, 4, 3) + np.array([0.0, -1.0, 2.0])
        red, green, blue = np.clip(bright + tint, 120, 252)
        return cls(
            azure=float(rng.uniform(0.85, 1.15)),
            eosin=float(rng.uniform(0.8, 1.25)),
            pinkness=float(rng.uniform(-0.9, 0.9)),
            illumination=(float(red), float(green), float(blue)),
            plasma=float(rng.uniform(0.4, 2.0)),
        )

    def with_illumination(self, red: float, green: float, blue: float) -> Stain:
        """Return the stain under another light."""
        return replace(self, illumination=(red, green, blue))

    def densities(self) -> Float:
        """Return the optical density of one unit of each `Ink`.

        Returns
        -------
        ndarray of float32, shape (6, 3)
            Rows in the order of `Ink`; columns red, green, blue.
        """
        table = _DENSITIES.copy()
        pink = np.clip(self.pinkness, -1.0, 1.0)
        # An acid buffer favours eosin: chromatin turns from blue-violet to red-violet, cytoplasm pales.
        table[Ink.CHROMATIN] *= (1 - 0.14 * pink, 1 + 0.02 * pink, 1 + 0.35 * pink)
        table[Ink.VIOLET] *= (1 - 0.14 * pink, 1, 1)
        table[Ink.AZURE] *= (1 - 0.10 * pink, 1 + 0.04 * pink, 1 + 0.10 * pink)
        table[Ink.HAEMOGLOBIN] *= (1 - 0.30 * pink, 1 + 0.05 * pink, 1 - 0.02 * pink)
        table[Ink.EOSIN] *= self.eosin * (1 + 0.15 * pink)
        table[[Ink.CHROMATIN, Ink.AZURE, Ink.VIOLET]] *= self.azure
        return table.astype(np.float32)
