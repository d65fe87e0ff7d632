"""Header of a DICOM file, read with a bound on memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

_DEFLATED = "1.2.840.10008.1.2.1.99"
"""Deflated Explicit VR Little Endian (DICOM PS3.5, A.5): all of the file but its first bytes is one
compressed block, which pydicom inflates without a limit. No scanner writes such slides."""


def read(file: Path, tags: Sequence[str] | None) -> Any:
    """Return some elements of a file's header.

    Parameters
    ----------
    file : Path
    tags : sequence of str or None
        Their keywords; None for all before the pixels, patient and study among them.

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    Exception
        Whatever pydicom raises on damaged files; ValueError where it is deflated.
    """
    import pydicom
    from pydicom.config import disable_value_validation
    from pydicom.filereader import read_file_meta_info

    with disable_value_validation():  # pydicom quotes damaged values in warnings and the log
        if str(read_file_meta_info(file).get("TransferSyntaxUID", "")) == _DEFLATED:
            raise ValueError("its header is compressed")
        header = pydicom.dcmread(
            file, stop_before_pixels=True, specific_tags=None if tags is None else list(tags)
        )
        for tag in tags or header.dir():  # pydicom parses a value on first access
            header.get(tag)
        return header
