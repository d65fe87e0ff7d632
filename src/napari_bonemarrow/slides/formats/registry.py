"""The formats of slides and fields: how each is recognised, what reads it, and which files belong to it.

A format is a module with ``read(path) -> Opened``, a row of `FORMATS`, and its suffix in ``napari.yaml``.
Modules are named by text, so that recognising a file loads no decoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_bonemarrow.slides.formats.folders import visible_files
from napari_bonemarrow.slides.slide import SlideError

if TYPE_CHECKING:
    from napari_bonemarrow.slides.formats.opened_image import Opened

HEAD_BYTES = 132
"""Bytes read to recognise a file; the mark of DICOM comes last."""

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
VMS_HEADING = re.compile(rb"^\W*\[(Uncompressed )?Virtual Microscope Specimen\]")
_ZARR_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")


class Format(NamedTuple):
    """A format of slides.

    Attributes
    ----------
    name : str
    known : callable
        Whether a path has this format, by the path and the file's first `HEAD_BYTES`; none of a folder.
    reader : str
        Module of `slides.formats` whose ``read(path)`` opens it.
    fields : tuple of str
        Suffixes of images in a folder of fields, in lower case.
    slides : tuple of str
        Suffixes of whole slides, in lower case.
    parts : str
        Function of `slides.formats` that returns the names and files of a slide of several files.
    folder : bool
        Whether it is a folder.
    """

    name: str
    known: Callable[[Path, bytes], bool]
    reader: str
    fields: tuple[str, ...] = ()
    slides: tuple[str, ...] = ()
    parts: str = ""
    folder: bool = False

    def read(self, path: Path) -> Opened:
        """Return the slide at a path of this format.

        Raises
        ------
        Exception
            A `SlideError`, or any error of a decoder on damaged bytes.
        """
        opened: Opened = _named(f"{self.reader}:read")(path)
        return opened

    def parts_of(self, path: Path) -> Iterable[tuple[str, Path]]:
        """Return the names and files of a slide."""
        parts: Iterable[tuple[str, Path]] = _named(self.parts)(path)
        return parts


def is_dicom(head: bytes) -> bool:
    """Return whether a file is DICOM: ``DICM`` after a preamble of 128 bytes (PS3.10, 7.1).

    `pydicom.misc.is_dicom` does the same and takes seconds to import.
    """
    return head[128:132] == b"DICM"


def is_vms(head: bytes) -> bool:
    """Return whether a file is the text of a VMS or VMU, by its heading."""
    return VMS_HEADING.search(head[:128]) is not None


def _is_openslides(path: Path, _head: bytes) -> bool:
    from napari_bonemarrow.slides.formats.openslide.openslide_image import vendor_of

    return vendor_of(path) is not None


def _is_zarr(folder: Path, _head: bytes) -> bool:
    return any((folder / mark).is_file() for mark in _ZARR_MARKS)


def _is_dicom_series(folder: Path, _head: bytes) -> bool:
    files = visible_files(folder)
    images = any(file.suffix.lower() in IMAGE_SUFFIXES for file in files)
    return not images and any(is_dicom(head_of(file)) for file in files)


FORMATS = (
    # The file of a MIRAX slide is itself a small JPEG.
    Format(
        "mirax",
        lambda path, head: path.suffix.lower() == ".mrxs" and head[:4] not in _TIFF,
        "mirax",
        slides=(".mrxs",),
        parts="mirax:parts",
    ),
    Format("png", lambda _, head: head.startswith(b"\x89PNG\r\n\x1a\n"), "raster_files", fields=(".png",)),
    Format(
        "jpeg", lambda _, head: head.startswith(b"\xff\xd8\xff"), "raster_files", fields=(".jpg", ".jpeg")
    ),
    Format(
        "tiff",  # Philips and Trestle write slides as .tiff and .tif
        lambda _, head: head[:4] in _TIFF,
        "tiff.tiff_file",
        fields=(".tif", ".tiff"),
        slides=(".svs", ".ndpi", ".scn", ".bif", ".svslide"),
    ),
    Format("bmp", lambda _, head: head.startswith(b"BM"), "raster_files", fields=(".bmp",)),
    Format(
        "webp",
        lambda _, head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
        "raster_files",
        fields=(".webp",),
    ),
    Format("vms", lambda _, head: is_vms(head), "vms", slides=(".vms", ".vmu"), parts="vms:named_parts"),
    Format(
        "dicom",
        lambda _, head: is_dicom(head),
        "dicom_series",
        slides=(".dcm",),
        parts="dicom_series:parts",
    ),
    Format(
        "czi", lambda _, head: head.startswith(b"ZISRAWFILE"), "openslide.openslide_image", slides=(".czi",)
    ),
    Format("openslide", _is_openslides, "openslide.openslide_image"),
    Format("zarr", _is_zarr, "zarr.ome_zarr", slides=(".zarr",), parts="zarr.zarr_files:parts", folder=True),
    Format("series", _is_dicom_series, "dicom_series", parts="dicom_series:parts", folder=True),
    Format("fields", lambda *_: True, "field_folder", parts="field_folder:parts", folder=True),
)
"""In the order in which they are tried."""

IMAGE_SUFFIXES: tuple[str, ...] = tuple(suffix for each in FORMATS for suffix in each.fields)
"""Suffixes of the images in a folder of fields, in lower case."""

SCANNER_SUFFIXES: tuple[str, ...] = tuple(
    suffix for each in FORMATS if not each.folder for suffix in each.slides
)
"""Suffixes of whole slides that are files, in lower case."""

SUFFIXES: tuple[str, ...] = (*IMAGE_SUFFIXES, *(suffix for each in FORMATS for suffix in each.slides))
"""Suffixes for file dialogs, in lower case; `open_slide` itself goes by content."""


def head_of(path: Path) -> bytes:
    """Return a file's first bytes, none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def format_of(path: Path) -> Format:
    """Return the format of a file or folder.

    Raises
    ------
    OSError
        If a file cannot be read or a folder cannot be listed.
    SlideError
        If it has no known format.
    """
    is_folder, head = path.is_dir(), b""
    if not is_folder:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    for each in FORMATS:
        if each.folder == is_folder and each.known(path, head):
            return each
    raise SlideError(
        f"{path}: cannot be read: it is not an image of a known kind, whatever its name says; "
        f"export it as {', '.join(IMAGE_SUFFIXES)}"
    )


def parts_of(path: Path) -> Iterable[tuple[str, Path]] | None:
    """Return the names and files of a slide of several files; None for a slide of one file.

    Raises
    ------
    OSError, SlideError
        If one cannot be read, or a DICOM file belongs to no series of whole-slide images.
    """
    is_folder = path.is_dir()
    head = b"" if is_folder else head_of(path)
    for each in FORMATS:
        if each.parts and each.folder == is_folder and each.known(path, head):
            return each.parts_of(path)
    return None


def is_one_slide(folder: Path) -> bool:
    """Return whether a folder is one slide, not a folder of fields or of slides."""
    return format_of(folder) is not FORMATS[-1]


def _named(name: str) -> Any:
    return resolve_name(f"napari_bonemarrow.slides.formats.{name}")
