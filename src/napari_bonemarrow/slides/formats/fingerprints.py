"""Fingerprints that recognise a slide after it was moved or renamed."""

from __future__ import annotations

import errno
import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path

from napari_bonemarrow.slides.formats.registry import parts_of

_WHOLE_FILE = 64 * 2**20
_SAMPLES = 64
_SAMPLE_BYTES = 2**20

_PART_WHOLE = 4 * 2**20
_PART_SAMPLE = 2**16


def fingerprint(path: Path) -> str:
    """Return the fingerprint of a slide, which does not depend on its name.

    For a file up to 64 MiB it is the SHA-256 of the bytes. For a longer one (a whole slide) it covers the
    length and 64 blocks of 1 MiB, evenly spread from first to last byte, which takes well under a second on a
    network drive. For several files (MIRAX with its folder, VMS, a DICOM series, a folder of fields) it
    covers their names below the folder, sizes and bytes, of each file over 4 MiB three blocks of 64 KiB; for
    an OME-Zarr its metadata and 64 chunks of its smallest level.

    Parameters
    ----------
    path : Path
        A file, or the folder of a series, of fields or of an OME-Zarr.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    OSError
        If a file cannot be read, or is a device or a pipe, which might never end.
    """
    _check_kind(path)
    parts = parts_of(path)
    return _of_file(path) if parts is None else _of_parts(parts)


def _check_kind(path: Path) -> None:
    """Raise an error for anything but a file or a folder: a pipe or a device may never end."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "neither a file nor a folder", str(path))


def _of_file(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE_FILE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256(f"{size}\n".encode())
        for index in range(_SAMPLES):
            file.seek((size - _SAMPLE_BYTES) * index // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _of_parts(parts: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, file in sorted(parts):
        _check_kind(file)
        size = file.stat().st_size
        digest.update(f"{name}\0{size}\n".encode())
        with file.open("rb") as opened:
            if size <= _PART_WHOLE:
                digest.update(opened.read())
                continue
            for index in range(3):
                opened.seek((size - _PART_SAMPLE) * index // 2)
                digest.update(opened.read(_PART_SAMPLE))
    return digest.hexdigest()
