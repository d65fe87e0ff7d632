"""Small slides as the scanners of each maker lay them out, with a patient's words and label planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .hamamatsu import ndpi, vms, vmu
from .mirax import mirax, mirax_overlapping
from .others import dicom, ome_tiff, ome_zarr, plain_jpeg, png
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
    "vmu": ("hamamatsu", vmu),
    "mirax": ("mirax", mirax),
    "mirax-overlapping": ("mirax", mirax_overlapping),
    "czi": ("zeiss", czi),
    "dicom": ("dicom", dicom),
}
"""OpenSlide's name of the maker, and the writer."""

OTHERS: dict[str, tuple[str, Writer]] = {
    "ome-tiff": ("OME PhysicalSize", ome_tiff),
    "ome-zarr": ("OME-Zarr scale", ome_zarr),
    "png": ("PNG pixels per metre", png),
    "jpeg": ("JPEG density", plain_jpeg),
}
"""What is read without OpenSlide: where its scale is from, and the writer."""
