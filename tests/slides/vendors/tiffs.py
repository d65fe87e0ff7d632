"""Slides of scanners that write TIFF: Aperio, Philips, Leica, Ventana and Trestle."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from .planted import (
    ACCESSION,
    BARCODE,
    BIRTH,
    NAME,
    Written,
    halves,
    jpeg,
    label,
    padded,
    whole_tiles,
    with_overlaps,
)

TILE = 256
_JPEG = {"compression": "jpeg", "compressionargs": {"level": 95}, "photometric": "rgb"}
_TILED: dict[str, Any] = {"tile": (TILE, TILE), "metadata": None, **_JPEG}
_STRIPS: dict[str, Any] = {"photometric": "rgb", "compression": "lzw", "metadata": None}

Sizes = tuple[float, float]
"""µm per pixel along x and y."""


def _density(microns: Sizes) -> dict[str, Any]:
    return {"resolution": (1e4 / microns[0], 1e4 / microns[1]), "resolutionunit": "CENTIMETER"}


def aperio(folder: Path, levels: Sequence[np.ndarray], microns: Sizes, **options: Any) -> Written:
    """SVS: baseline, thumbnail, levels, label and macro; there is one MPP for both directions.

    Parameters
    ----------
    options
        For tifffile, such as another compression.
    """
    path = folder / "aperio.svs"
    height, width = levels[0].shape[:2]
    told = (
        f"Aperio Image Library v11.2.1 \r\n{width}x{height} [0,0 {width}x{height}] (256x256) JPEG/RGB Q=95"
        f"|AppMag = 40|MPP = {microns[0]:.4f}|Patient = {NAME}|ScanScope ID = {ACCESSION}|Title = {BARCODE}"
    )
    tiled = {**_TILED, **options}
    with tifffile.TiffWriter(path) as writer:
        writer.write(levels[0], description=told, **tiled)
        writer.write(levels[1][::2, ::2], description=f"Aperio {NAME}\r\n", rowsperstrip=16, **_STRIPS)
        for level in levels[1:]:
            writer.write(level, description=told, **tiled)
        for name, kind in (("label", 1), ("macro", 9)):
            text = f"Aperio Image Library v11.2.1\r\n{name} 160x120 {BARCODE}"
            writer.write(label(), description=text, rowsperstrip=120, subfiletype=kind, **_STRIPS)
    return Written(path, tuple(levels))


_LOSSLESS = {"compressionargs": {"reversible": True, "mct": False}}


def aperio_jpeg2000(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """SVS in JPEG 2000 of red, green and blue."""
    return aperio(folder, levels, microns, compression=33005, **_LOSSLESS)


def aperio_jpeg2000_ycbcr(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """SVS in JPEG 2000 of luminance and colour differences, which the tag of the colour model calls RGB."""
    turned = [np.asarray(Image.fromarray(level).convert("YCbCr")) for level in levels]
    written = aperio(folder, turned, microns, compression=33003, **_LOSSLESS)
    return replace(written, levels=tuple(levels))


def philips(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """Philips TIFF: the XML of all images in the first description, label and macro as base64 JPEG."""
    path = folder / "philips.tiff"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for number, level in enumerate(levels):
            first = {} if number else {"description": _philips_xml(len(levels), microns)}
            software = "Philips DP v1.0" if number == 0 else None
            writer.write(level, subfiletype=int(number > 0), software=software, **first, **_TILED)
        for name in ("Label", "Macro"):
            writer.write(label(), description=name, rowsperstrip=120, subfiletype=1, **_STRIPS)
    return Written(path, tuple(levels))


def _philips_xml(count: int, microns: Sizes) -> str:
    def attribute(name: str, value: str) -> str:
        return f'<Attribute Name="{name}" Group="0x301D" Element="0x1001" PMSVR="IString">{value}</Attribute>'

    def spacing(number: int) -> str:
        down, across = (f"{size * 2**number / 1000:.6f}" for size in reversed(microns))
        return attribute("DICOM_PIXEL_SPACING", f"&quot;{down}&quot; &quot;{across}&quot;")

    def array(name: str, kind: str, objects: Sequence[str]) -> str:
        inside = "".join(f'<DataObject ObjectType="{kind}">{each}</DataObject>' for each in objects)
        return f'<Attribute Name="{name}" PMSVR="IDataObjectArray"><Array>{inside}</Array></Attribute>'

    picture = base64.b64encode(jpeg(label())).decode()
    representations = array(
        "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE",
        "PixelDataRepresentation",
        [
            spacing(number) + attribute("PIIM_PIXEL_DATA_REPRESENTATION_NUMBER", str(number))
            for number in range(count)
        ],
    )
    slide = attribute("PIM_DP_IMAGE_TYPE", "WSI") + spacing(0) + representations
    slide += attribute("DICOM_DERIVATION_DESCRIPTION", f"tiff-useBigTIFF=1-clip=0-levels=40,20 {NAME}")
    others = [
        attribute("PIM_DP_IMAGE_TYPE", kind) + attribute("PIM_DP_IMAGE_DATA", picture)
        for kind in ("LABELIMAGE", "MACROIMAGE")
    ]
    inside = array("PIM_DP_SCANNED_IMAGES", "DPScannedImage", [slide, *others])
    inside += attribute("PIM_DP_UFS_BARCODE", base64.b64encode(BARCODE.encode()).decode())
    inside += attribute("DICOM_PATIENT_NAME", NAME) + attribute("DICOM_ACCESSION_NUMBER", ACCESSION)
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">{inside}</DataObject>'
    )


_MARGIN = 128
"""Of the collection around a Leica's scanned region, px at level 0."""


def leica(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """SCN: a collection with a macro image of all and one scanned region within it, places in nm."""
    path = folder / "leica.scn"
    height, width = levels[0].shape[:2]
    nm = round(microns[0] * 1000)
    whole = ((width + 2 * _MARGIN) * nm, (height + 2 * _MARGIN) * nm)
    lit = (
        "<scanSettings><objectiveSettings><objective>40</objective></objectiveSettings><illuminationSettings>"
        "<numericalAperture>0.6</numericalAperture><illuminationSource>brightfield</illuminationSource>"
        "</illuminationSettings></scanSettings>"
    )

    def image(sides: tuple[int, int], at: int, pictures: dict[int, np.ndarray]) -> str:
        dimensions = "".join(
            f'<dimension sizeX="{each.shape[1]}" sizeY="{each.shape[0]}" r="{number}" ifd="{ifd}"/>'
            for number, (ifd, each) in enumerate(pictures.items())
        )
        return (
            f'<image name="{NAME}"><creationDate>2000-01-01T00:00:00Z</creationDate>'
            f'<device model="Leica SCN400" version="1"/><pixels>{dimensions}</pixels>'
            f'<view sizeX="{sides[0]}" sizeY="{sides[1]}" offsetX="{at}" offsetY="{at}"/>{lit}</image>'
        )

    macro = label()
    scanned = image((width * nm, height * nm), _MARGIN * nm, dict(enumerate(levels, 1)))
    text = (
        '<?xml version="1.0" encoding="utf-8"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        f'<collection name="{NAME}" sizeX="{whole[0]}" sizeY="{whole[1]}"><barcode>{BARCODE}</barcode>'
        f"{image(whole, 0, {0: macro})}{scanned}</collection></scn>"
    )
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(macro, description=text, **_TILED)
        for number, level in enumerate(levels):
            size = (microns[0] * 2**number, microns[1] * 2**number)
            writer.write(level, **_density(size), **_TILED)
    shown = tuple(
        padded(level, (height + 2 * _MARGIN) >> k, (width + 2 * _MARGIN) >> k, _MARGIN >> k, _MARGIN >> k)
        for k, level in enumerate(levels)
    )
    return Written(path, shown, (_MARGIN, _MARGIN))


_OVERLAP = 16


def ventana(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """BIF: the label comes first, tiles overlap, and tiles are numbered upwards and to and fro."""
    path = folder / "ventana.bif"
    seen = whole_tiles(levels[0], TILE, _OVERLAP)
    raw = with_overlaps(seen, TILE, TILE - _OVERLAP)
    scan = (
        f'<iScan Z-layers="1" Magnification="40" ScanRes="{microns[0]}" UnitNumber="{ACCESSION}" '
        f'UserName="{NAME}" LabelBoundary="1" BarCode1D="{BARCODE}"/>'
    )
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        packet = [(700, "B", len(scan), scan.encode(), True)]
        writer.write(label(), description="Label Image", extratags=packet, rowsperstrip=120, **_STRIPS)
        for number, each in enumerate((raw, halves(raw))):
            text = f"level={number} mag={40 >> number} quality=95"
            joints = _joints(raw.shape[0] // TILE, raw.shape[1] // TILE).encode()
            packet = [] if number else [(700, "B", len(joints), joints, True)]
            writer.write(each, description=text, extratags=packet, **_TILED)
    half = levels[1][: seen.shape[0] // 2, : seen.shape[1] // 2]
    return Written(path, (seen, half))


def _joints(rows: int, columns: int) -> str:
    """Tell by how much neighbours overlap; the first row is the lowest, every second one runs to the left."""

    def number(row: int, column: int) -> int:
        return row * columns + (columns - 1 - column if row % 2 else column) + 1

    pairs = [
        ("RIGHT", number(row, column), number(row, column + 1), _OVERLAP, 0)
        for row in range(rows)
        for column in range(columns - 1)
    ]
    pairs += [
        ("UP", number(row, column), number(row + 1, column), 0, _OVERLAP)
        for row in range(rows - 1)
        for column in range(columns)
    ]
    told = "".join(
        f'<TileJointInfo FlagJoined="1" Confidence="98" Direction="{way}" Tile1="{one}" Tile2="{other}" '
        f'OverlapX="{across}" OverlapY="{down}"/>'
        for way, one, other, across, down in pairs
    )
    return (
        f'<EncodeInfo Ver="2"><SlideInfo/><SlideStitchInfo><ImageInfo AOIScanned="1" AOIIndex="0" '
        f'NumRows="{rows}" NumCols="{columns}" Width="{TILE}" Height="{TILE}" Pos-X="0" Pos-Y="0">'
        f'{told}</ImageInfo></SlideStitchInfo><AoiOrigin><AOI0 OriginX="0" OriginY="0"/></AoiOrigin>'
        "</EncodeInfo>"
    )


def trestle(folder: Path, levels: Sequence[np.ndarray], microns: Sizes) -> Written:
    """Trestle TIFF: tiles overlap, the resolution tags hold µm per pixel, the macro is a file beside it."""
    path = folder / "trestle.tif"
    seen = whole_tiles(levels[0], TILE, _OVERLAP)
    half = levels[1][: seen.shape[0] // 2, : seen.shape[1] // 2]
    text = (
        f"Objective Power=40;Exposure Time=32;Background Color=FFFFFF;Patient={NAME};Born={BIRTH};"
        f"OverlapsXY= {_OVERLAP} {_OVERLAP} {_OVERLAP // 2} {_OVERLAP // 2};"
    )
    with tifffile.TiffWriter(path) as writer:
        for number, (level, overlap) in enumerate(((seen, _OVERLAP), (half, _OVERLAP // 2))):
            first = {"description": text, "resolution": microns, "resolutionunit": 1} if number == 0 else {}
            raw = with_overlaps(level, TILE, TILE - overlap)
            writer.write(raw, software="MedScan", **first, **_TILED)
    path.with_suffix(".Full").write_bytes(jpeg(label()))
    return Written(path, (seen, half))
