"""Arrays in the case file: plain little-endian bytes, named by their SHA-256.

The event of an array holds its hash, element type and shape, so the chain of events covers it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_bonemarrow.cytology import Cells
from napari_bonemarrow.review.journal.documents import CellArrays
from napari_bonemarrow.review.journal.events import digest_of
from napari_bonemarrow.review.journal.field_types import ArrayPayload

Blob = Callable[[str], bytes]
"""A function from a hash to an array's bytes."""


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[dict[str, ArrayPayload], dict[str, bytes]]:
    """Return the event's entries for some arrays, and their bytes by hash."""
    specs: dict[str, ArrayPayload] = {}
    blobs: dict[str, bytes] = {}
    for name, array in arrays.items():
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        data = plain.tobytes()
        digest = digest_of(data)
        blobs[digest] = data
        specs[name] = {"sha256": digest, "dtype": plain.dtype.str, "shape": list(plain.shape)}
    return specs, blobs


def unpack(specs: Mapping[str, ArrayPayload], blob: Blob) -> dict[str, NDArray[Any]]:
    """Read arrays back, as writeable copies."""
    return {
        name: np.frombuffer(blob(spec["sha256"]), dtype=spec["dtype"])
        .reshape(spec["shape"])
        .astype(np.dtype(spec["dtype"]).newbyteorder("="))
        for name, spec in specs.items()
    }


def cells_to_arrays(cells: Cells) -> dict[str, NDArray[Any]]:
    """Return the columns of some cells by name."""
    return {field.name: getattr(cells, field.name) for field in fields(cells)}


def pack_cells(columns: Mapping[str, NDArray[Any]]) -> tuple[CellArrays, dict[str, bytes]]:
    """Return the event's entries for the columns of some cells, and their bytes by hash."""
    specs, blobs = pack(columns)
    return cast(CellArrays, specs), blobs


def unpack_cells(arrays: CellArrays, blob: Blob) -> Cells:
    """Read cells back."""
    return Cells(**unpack(cast(Mapping[str, ArrayPayload], arrays), blob))
