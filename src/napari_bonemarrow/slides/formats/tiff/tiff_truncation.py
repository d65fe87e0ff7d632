"""Truncation of TIFF files: a truncated one has lost the directories behind the cut."""

from __future__ import annotations

import struct
from pathlib import Path


def is_cut(path: Path) -> bool:
    """Return whether a TIFF's chain of directories leads out of the file.

    Readers stop there without an error: the finest level is often first, so a truncated slide looks whole.

    Parameters
    ----------
    path : Path
        A TIFF or BigTIFF, but not an NDPI, which has 64-bit offsets in a 32-bit TIFF.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head.startswith(b"II") else ">"
        big = struct.unpack(f"{order}H", head[2:4])[0] == 43
        offset_format, count_format, entry = (
            (f"{order}Q", f"{order}Q", 20) if big else (f"{order}I", f"{order}H", 12)
        )
        place, wide = (8, 8) if big else (4, 4)
        [offset] = struct.unpack(offset_format, head[place : place + wide])
        seen = set()
        while offset and offset not in seen:
            seen.add(offset)
            file.seek(offset)
            counted = file.read(struct.calcsize(count_format))
            if len(counted) < struct.calcsize(count_format):
                return True
            end = offset + len(counted) + struct.unpack(count_format, counted)[0] * entry
            if end + wide > size:
                return True
            file.seek(end)
            [offset] = struct.unpack(offset_format, file.read(wide))
    return False
