"""Slides that no single maker writes: DICOM, OME-TIFF, OME-Zarr, and plain images."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import tifffile
import zarr
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset

from tests.slides._dicom import write_dicom
from tests.slides._pyramids import write_zarr

from .planted import ACCESSION, BARCODE, BIRTH, NAME, Written, label

Sizes = tuple[float, float]


def dicom(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """DICOM: a file a level, and one for the label, with the patient in all of them."""
    paths = write_dicom(folder, [*levels, label(96, 128)], microns[0])
    for path in paths:
        image = pydicom.dcmread(path)
        image.PatientName, image.PatientID, image.AccessionNumber = NAME, BIRTH, ACCESSION
        image.ContainerIdentifier = image.LabelText = image.BarcodeValue = BARCODE
        spacing = image.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        spacing.PixelSpacing = [spacing.PixelSpacing[0] * microns[1] / microns[0], spacing.PixelSpacing[1]]
        lens = Dataset()
        lens.ObjectiveLensPower, lens.OpticalPathIdentifier = 40, "1"
        image.OpticalPathSequence = [lens]
        if path == paths[-1]:
            image.ImageType = ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]
        image.save_as(path)
    return Written(paths[0], tuple(levels))


def ome_tiff(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """BigTIFF with coarser levels in SubIFDs; converters write label and macro as further images."""
    path = folder / "converted.ome.tif"
    sizes = {"PhysicalSizeX": microns[0], "PhysicalSizeY": microns[1], "Name": NAME, "Description": ACCESSION}
    same = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib"}
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as writer:
        writer.write(levels[0], subifds=len(levels) - 1, metadata={"axes": "YXS", **sizes}, **same)
        for level in levels[1:]:
            writer.write(level, subfiletype=1, **same)
        for name in ("label image", "macro image"):
            writer.write(label(), metadata={"axes": "YXS", "Name": name, "Description": BARCODE}, **same)
    return Written(path, tuple(levels))


def ome_zarr(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """OME-Zarr 0.5 whose description names the patient."""
    path = folder / "converted.zarr"
    write_zarr(path, list(levels), 3, 256)
    group = zarr.open_group(path)
    told = dict(group.attrs["ome"])
    told["multiscales"][0]["name"] = NAME
    for number, dataset in enumerate(told["multiscales"][0]["datasets"]):
        scale = [1.0, microns[1] * 2**number, microns[0] * 2**number]
        dataset["coordinateTransformations"] = [{"type": "scale", "scale": scale}]
    group.attrs["ome"], group.attrs["patient"] = told, {"name": NAME, "number": BARCODE}
    return Written(path, tuple(levels))


def png(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """PNG with words of the patient."""
    path = folder / "plain.png"
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", NAME)
    told.add_itxt("Description", ACCESSION)
    density = (25_400 / microns[0], 25_400 / microns[1])
    Image.fromarray(levels[0]).save(path, pnginfo=told, dpi=density)
    return Written(path, (levels[0],))


def plain_jpeg(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """JPEG with words of the patient in EXIF and comment."""
    path = folder / "plain.jpg"
    exif = Image.Exif()
    exif[270], exif[315] = ACCESSION, NAME
    Image.fromarray(levels[0]).save(path, quality=95, exif=exif, comment=BARCODE.encode(), dpi=(100, 100))
    data = bytearray(path.read_bytes())
    density = (round(1e4 / size) for size in microns)
    start = data.index(b"JFIF\0") + 7  # after it: the unit, which is the centimetre, and pixels in one
    struct.pack_into(">BHH", data, start, 2, *(each if each < 2**16 else 0 for each in density))
    path.write_bytes(data)
    return Written(path, (levels[0],))
