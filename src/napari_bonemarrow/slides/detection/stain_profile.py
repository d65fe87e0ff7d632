"""Stain profile: measured once per smear, the only global statistic that detection needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.slides.pixels.colour import background_of, optical_density, thumbnail
from napari_bonemarrow.slides.slide import SlideError

_STRONGEST = 0.8
_HIGH_PERCENTILE = 95


@dataclass(frozen=True)
class StainProfile:
    """The stain of one smear as one camera shows it.

    Attributes
    ----------
    background : tuple of int
        Red, green and blue, 0 to 255, of the background between cells.
    blueness : float
        Median ratio of red to green absorbance of the smear's strongest nuclei; 0 without nuclei.
        Some cameras render all nuclei blue; a fixed limit would take them for basophilic cytoplasm.
    """

    background: tuple[int, int, int]
    blueness: float = 0.0

    @property
    def background_colour(self) -> NDArray[np.uint8]:
        """Return the background as an array, uint8, shape (3,)."""
        return np.array(self.background, np.uint8)

    def to_json(self) -> dict[str, Any]:
        """Return the profile as JSON values, for a case or a search plan."""
        return {"background": list(self.background), "blueness": self.blueness}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> StainProfile:
        """Return the profile of JSON values from `to_json`.

        Raises
        ------
        SlideError
            If a value is missing or absurd.
        """
        try:
            red, green, blue = (int(value) for value in written["background"])
            blueness = float(written["blueness"])
        except (KeyError, TypeError, ValueError) as problem:
            raise SlideError(f"stain profile: cannot be read ({problem!r}); measure it again") from problem
        if not (all(0 <= value <= 255 for value in (red, green, blue)) and 0 <= blueness < 10):
            raise SlideError("stain profile: a colour or ratio is out of range; measure it again")
        return cls((red, green, blue), blueness)


def measure_profile(samples: Sequence[NDArray[np.uint8]]) -> StainProfile:
    """Return the stain profile of sampled places of a smear.

    Parameters
    ----------
    samples : sequence of ndarray of uint8, shape (h, w, 3)
        At 0.25 µm per pixel, of any size: a whole field, or places of a few hundred µm in a slide.

    Returns
    -------
    StainProfile
        White background and no nuclei without samples.
    """
    # scipy.ndimage takes half a second to import, too long for opening a slide.
    from napari_bonemarrow.slides.detection.nucleus_filter import Evidence
    from napari_bonemarrow.slides.detection.nucleus_segments import nuclear_stain, segment

    if not samples:
        return StainProfile((255, 255, 255))
    background = background_of(np.concatenate([thumbnail(sample).reshape(-1, 3) for sample in samples]))
    stain, red = [], []
    for sample in samples:
        density = optical_density(sample, background)
        candidates = segment(nuclear_stain(density))
        evidence = Evidence.of_labels(candidates.labels, density, candidates)
        sure = evidence.surely_nuclear()
        stain.append(evidence.stain[sure])
        red.append(evidence.red[sure])
    stains, reds = np.concatenate(stain), np.concatenate(red)
    if not len(stains):
        return StainProfile(_plain(background))
    strong = stains >= _STRONGEST * np.percentile(stains, _HIGH_PERCENTILE)
    return StainProfile(_plain(background), float(np.median(reds[strong])))


def _plain(colour: NDArray[np.uint8]) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in colour)
    return red, green, blue
