"""One image of a TIFF file: plain, OME or ImageJ, of any depth, compression and colour model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_bonemarrow.slides.file_scale import MICRONS, FileScale, from_density, from_sizes
from napari_bonemarrow.slides.formats.colour_modes import to_rgb, to_uint8, upright
from napari_bonemarrow.slides.formats.limits import DECODED_BYTES
from napari_bonemarrow.slides.formats.opened_image import Picture
from napari_bonemarrow.slides.formats.tiff import tiff_pieces
from napari_bonemarrow.slides.slide import SlideError

_COLOUR = ("RGB", "YCBCR", "PALETTE", "SEPARATED", "CIELAB")
_UNIT_MICRONS = {2: 25_400.0, 3: 10_000.0}
_BESIDE = re.compile(r"\b(label|macro|thumbnail|overview|barcode)\b", re.IGNORECASE)
"""Names that scanners and converters give to images other than the slide's own."""

_APERIO_YCBCR = 33003
"""JPEG 2000 in YCbCr, whatever the colour model's tag says."""


def choose(file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the main image of a file: the largest colour one, else the largest, the first of equals.

    Labels and macro images show the patient's name and can be larger than a small scanned region; they are
    excluded where the file marks them. The first plane of a stack is read.

    Raises
    ------
    ValueError
        If the file's XML defines entities.
    """
    _check_text(file)
    # A pyramid's name can be free text of the scanner's user; labels and macro images are not pyramids.
    series = [each for each in file.series if each.is_pyramidal or not _BESIDE.search(each.name)]
    series = series or list(file.series)
    return max(series, key=lambda each: (_has_colour(each), _area(each.keyframe)))


def _check_text(file: tifffile.TiffFile) -> None:
    """Raise an error for XML that defines entities: no writer does, and a few lines can fill the memory."""
    first: Any = file.pages.first
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", first.description, re.IGNORECASE):
        raise ValueError("its XML defines entities of its own")


def put_together_by(file: tifffile.TiffFile) -> str | None:
    """Return the scanner whose tiles or regions need to be placed by its own metadata, else None.

    Overlapping tiles would show cells twice, and unplaced regions would move them.
    """
    if file.is_scn:
        return "Leica SCN"
    if file.is_bif:
        return "Ventana BIF"
    first: Any = file.pages.first
    return "Trestle" if str(first.software).startswith("MedScan") else None


def check_decoder(page: Any, path: Path) -> None:
    """Raise an error for a compression that has no decoder here, or whose decoded size is unknown.

    Raises
    ------
    SlideError
        If it is such a compression; the text names it.
    """
    error: KeyError | None = None
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
    except KeyError as missing:
        error = missing
    if error is not None or not tiff_pieces.is_known(int(page.compression)):
        raise SlideError(
            f"{path}: its pixels are in the compression {name_of(page.compression)}, which cannot be decoded "
            "here; export it as a tiled TIFF with JPEG or Deflate compression"
        ) from error


def size(series: tifffile.TiffPageSeries) -> tuple[int, int]:
    """Return width and height of a series, px."""
    return int(series.keyframe.imagewidth), int(series.keyframe.imagelength)


def read(file: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path) -> Picture:
    """Return the first plane of a series.

    Parameters
    ----------
    file : tifffile.TiffFile
    series : tifffile.TiffPageSeries
    path : Path

    Returns
    -------
    Picture

    Raises
    ------
    SlideError
        If its compression has no decoder.
    Exception
        Any error of the decoder on damaged data; ValueError if strips or tiles are missing.
    """
    page: Any = series.keyframe
    check_decoder(page, path)
    planes = colour_planes(series) or [page]
    for plane in planes:
        _check_complete(plane, path.stat().st_size)
        _check_pieces(plane, path)
    samples = [plane.asarray() for plane in planes]
    rgb = _to_rgb(page, samples[0] if len(samples) == 1 else np.stack(samples, axis=-1))
    return Picture(upright(rgb, _tag(page, "Orientation", 1)), scale_of(file, page), facts(file, page))


def facts(file: tifffile.TiffFile, page: Any) -> dict[str, str]:
    """Return technical facts of a page, without the file's free text."""
    return {
        "format": "OME-TIFF" if file.is_ome else "TIFF",
        "mode": name_of(page.photometric),
        "bits": str(page.bitspersample),
        "compression": name_of(page.compression),
        "images": str(len(file.series)),
        "orientation": str(_tag(page, "Orientation", 1)),
    }


def _tag(page: Any, name: str, default: int) -> int:
    tag = page.tags.get(name)
    return default if tag is None else int(tag.value)


def name_of(value: Any) -> str:
    """Return the name of one of tifffile's enumerations, or the number of an unknown one."""
    return str(getattr(value, "name", value))


def _area(page: Any) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _has_colour(series: tifffile.TiffPageSeries) -> bool:
    keyframe: Any = series.keyframe
    return name_of(keyframe.photometric) in _COLOUR or colour_planes(series) is not None


def colour_planes(series: tifffile.TiffPageSeries) -> list[Any] | None:
    """Return the three grey pages of red, green and blue, as Bio-Formats writes colour, or None."""
    if series.keyframe.samplesperpixel != 1 or "C" not in series.axes:
        return None
    if series.shape[series.axes.index("C")] != 3:
        return None
    # The number of pages from one channel to the next: the axes after C that are not in a page.
    step = 1
    for axis, length in zip(series.axes, series.shape, strict=True):
        if axis not in "YXSC" and series.axes.index(axis) > series.axes.index("C"):
            step *= length
    return [series.pages[step * channel] for channel in range(3)]


def _check_complete(page: Any, file_size: int) -> None:
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if offset <= 0 or count <= 0 or offset + count > file_size:
            raise ValueError("part of its image data is missing")


def _check_pieces(page: Any, path: Path) -> None:
    """Check the size in each piece's own header, which decoders use."""
    with path.open("rb") as file:
        for offset, count in tiff_pieces.places(page):
            file.seek(offset)
            tiff_pieces.check(page.keyframe, file.read(count))


def fits_memory(page: Any) -> bool:
    """Return whether a whole page can be decoded: its pieces and the page in memory, then as RGB."""
    samples = max(1, int(page.samplesperpixel)) * max(1, int(page.imagedepth))
    deep = samples * max(1, int(page.bitspersample) + 7 >> 3)
    palette = 6 if page.colormap is not None else 0
    return _area(page) * (2 * deep + samples + palette + 3) <= DECODED_BYTES


def _to_rgb(page: Any, samples: NDArray[Any]) -> NDArray[np.uint8]:
    if name_of(page.planarconfig) in ("SEPARATE", "2") and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    while samples.ndim > 3:  # a volumetric page: its first plane
        samples = samples[0]
    return samples_to_rgb(page, samples)


def samples_to_rgb(page: Any, samples: NDArray[Any], bits: int | None = None) -> NDArray[np.uint8]:
    """Return decoded samples of a page's colour model as RGB.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page, for its colour model.
    samples : ndarray, shape (h, w) or (h, w, samples)
        A whole page or a part.
    bits : int, optional
        Significant bits of deep samples, where a part alone does not show those of the whole.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)

    Raises
    ------
    ValueError
        If the colour model is unknown.
    """
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[..., 0]
    model = name_of(page.photometric)
    if model == "PALETTE" and page.colormap is not None:
        return to_uint8(page.colormap[:, samples].transpose(1, 2, 0), bits=16)
    if model == "CIELAB":
        raise ValueError("its colours are CIE L*a*b*; save it as RGB")
    reduced = to_uint8(samples, bits)
    if model == "MINISWHITE":
        return to_rgb(255 - reduced)
    if model == "SEPARATED":
        from PIL import Image

        return np.asarray(Image.fromarray(np.ascontiguousarray(reduced[..., :4]), "CMYK").convert("RGB"))
    compression = int(page.compression)
    if compression == _APERIO_YCBCR or (model == "YCBCR" and compression in tiff_pieces.PLAIN):
        from PIL import Image

        full = np.ascontiguousarray(reduced[..., :3])
        return np.asarray(Image.fromarray(full, "YCbCr").convert("RGB"))
    # More than four samples are fluorescence channels or spectra: the first three are shown.
    return to_rgb(reduced[..., :3] if reduced.ndim == 3 and reduced.shape[2] > 4 else reduced)


def scale_of(file: tifffile.TiffFile, page: Any) -> FileScale | None:
    """Return the first plausible scale of OME-XML, ImageJ's calibration, Aperio's MPP and the resolution."""
    found = _ome_scale(file) or _imagej_scale(file, page)
    return found or _aperio_scale(file, page) or _resolution_scale(page)


def _aperio_scale(file: tifffile.TiffFile, page: Any) -> FileScale | None:
    stated = re.search(r"\|\s*MPP\s*=\s*([\d.]+)", page.description) if file.is_svs else None
    try:
        return None if stated is None else from_sizes(float(stated[1]), float(stated[1]), "Aperio MPP")
    except ValueError:
        return None


def _ome_scale(file: tifffile.TiffFile) -> FileScale | None:
    if not file.is_ome or file.ome_metadata is None:
        return None
    try:
        root = ElementTree.fromstring(file.ome_metadata)
    except ElementTree.ParseError:
        return None
    for element in root.iter():
        if not element.tag.endswith("}Pixels"):
            continue
        sizes = []
        for axis in "XY":
            unit = element.get(f"PhysicalSize{axis}Unit", "µm").lower()
            try:
                size = float(element.get(f"PhysicalSize{axis}", "nan"))
            except ValueError:
                size = float("nan")
            sizes.append(size * MICRONS.get(unit, float("nan")))
        return from_sizes(sizes[0], sizes[1], "OME PhysicalSize")
    return None


def _resolution(page: Any) -> tuple[float, float] | None:
    values = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        if tag is None or not tag.value[1]:
            return None
        values.append(tag.value[0] / tag.value[1])
    return values[0], values[1]


def _imagej_scale(file: tifffile.TiffFile, page: Any) -> FileScale | None:
    resolution = _resolution(page)
    if not file.is_imagej or not file.imagej_metadata or resolution is None:
        return None
    unit = MICRONS.get(str(file.imagej_metadata.get("unit", "")).lower())
    return None if unit is None else from_density(*resolution, unit, "ImageJ calibration")


def _resolution_scale(page: Any) -> FileScale | None:
    resolution = _resolution(page)
    unit = _UNIT_MICRONS.get(_tag(page, "ResolutionUnit", 2))
    if resolution is None or unit is None:
        return None
    return from_density(*resolution, unit, "TIFF resolution")
