"""Arrays as the case file keeps them: plain little-endian bytes, named by their SHA-256.

The event that brings an array carries its hash, element type and shape, so the chain of events covers it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.review.journal.events import digest_of

Spec = dict[str, Any]


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[dict[str, Spec], dict[str, bytes]]:
    """Return what the event says of some arrays, and their bytes by hash."""
    specs: dict[str, Spec] = {}
    blobs: dict[str, bytes] = {}
    for name, array in arrays.items():
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        data = plain.tobytes()
        digest = digest_of(data)
        blobs[digest] = data
        specs[name] = {"sha256": digest, "dtype": plain.dtype.str, "shape": list(plain.shape)}
    return specs, blobs


def unpack(specs: Mapping[str, Spec], blob: Callable[[str], bytes]) -> dict[str, NDArray[Any]]:
    """Read arrays back; they are the caller's own and writeable."""
    return {
        name: np.frombuffer(blob(spec["sha256"]), dtype=spec["dtype"])
        .reshape(spec["shape"])
        .astype(np.dtype(spec["dtype"]).newbyteorder("="))
        for name, spec in specs.items()
    }


def cells_to_arrays(cells: Cells) -> dict[str, NDArray[Any]]:
    """Return the columns of some cells by name."""
    return {field.name: getattr(cells, field.name) for field in fields(cells)}
