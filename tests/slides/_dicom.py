"""Write a small DICOM series of whole-slide images, one file a level, without compression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def write_dicom(folder: Path, levels: list[np.ndarray], microns: float = 0.25, tile: int = 128) -> list[Path]:
    """Write levels as `level-0.dcm` and so on; the patient's name is one to look for.

    Returns
    -------
    list of Path
        One a level.
    """
    folder.mkdir(exist_ok=True)
    study, series, place = (generate_uid() for _each in range(3))
    paths = []
    for number, level in enumerate(levels):
        image = _image(level, tile, microns * levels[0].shape[1] / level.shape[1])
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, place
        image.InstanceNumber = number + 1
        image.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED" if number else "NONE"]
        path = folder / f"level-{number}.dcm"
        image.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _image(level: np.ndarray, tile: int, microns: float) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID = _WHOLE_SLIDE
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID = generate_uid()
    image.PatientName, image.PatientID, image.Modality = "PATIENT^JANE", "4711", "SM"
    image.TotalPixelMatrixRows, image.TotalPixelMatrixColumns = level.shape[:2]
    image.TotalPixelMatrixFocalPlanes = image.NumberOfOpticalPaths = 1
    image.Rows = image.Columns = tile
    image.DimensionOrganizationType = "TILED_FULL"
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration = 3, "RGB", 0
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 8, 8, 7, 0
    image.LossyImageCompression = "00"
    measures, shared, path = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [microns / 1000, microns / 1000]
    shared.PixelMeasuresSequence = Sequence([measures])
    image.SharedFunctionalGroupsSequence = Sequence([shared])
    path.OpticalPathIdentifier = "1"
    image.OpticalPathSequence = Sequence([path])
    high, wide = (-(-side // tile) * tile for side in level.shape[:2])
    padded = np.full((high, wide, 3), 255, np.uint8)
    padded[: level.shape[0], : level.shape[1]] = level
    frames = padded.reshape(high // tile, tile, wide // tile, tile, 3).swapaxes(1, 2)
    image.NumberOfFrames = frames.shape[0] * frames.shape[1]
    image.PixelData = frames.tobytes()
    return image
