"""Small slides as the scanners of each maker lay them out, with a patient's words and label planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .hamamatsu import ndpi, vms
from .mirax import mirax
from .planted import Written
from .tiffs import aperio, aperio_jpeg2000, aperio_jpeg2000_ycbcr, leica, philips, trestle, ventana
from .zeiss import czi

Writer = Callable[[Path, Sequence[np.ndarray], tuple[float, float]], Written]
"""Takes a folder, the levels and µm per pixel along x and y."""

WRITERS: dict[str, tuple[str, Writer]] = {
    "aperio": ("aperio", aperio),
    "aperio-jpeg2000": ("aperio", aperio_jpeg2000),
    "aperio-jpeg2000-ycbcr": ("aperio", aperio_jpeg2000_ycbcr),
    "philips": ("philips", philips),
    "leica": ("leica", leica),
    "ventana": ("ventana", ventana),
    "trestle": ("trestle", trestle),
    "ndpi": ("hamamatsu", ndpi),
    "vms": ("hamamatsu", vms),
    "mirax": ("mirax", mirax),
    "czi": ("zeiss", czi),
}
"""OpenSlide's name of the maker, and the writer."""
