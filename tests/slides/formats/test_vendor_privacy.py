"""A patient's name, number and label are in the scanner's file, and nowhere in what is made of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

from napari_bonemarrow.cytology import BMC21, Cells, Frame, ModelReference, Predictions, Support
from napari_bonemarrow.report import FORMATS, export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import Slide, SlideError, open_slide
from napari_bonemarrow.slides.formats.openslide import openslide_image
from napari_bonemarrow.slides.pixels.overview import overview
from napari_bonemarrow.workflow.inputs import find_inputs
from tests.slides.conftest import WriteSlide, Written
from tests.slides.vendors import OTHERS, WRITERS
from tests.slides.vendors.planted import MARK, betrays, has_label, jpeg, label


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _no_library(*_request: object, **_more: object) -> None:
    raise ImportError("no library")


@pytest.mark.parametrize("name", [*WRITERS, *OTHERS])
def test_nothing_of_the_patient_gets_into_a_case_the_log_or_an_export(
    written: Callable[[str], Written],
    found: Callable[[str], tuple[Slide, Cells]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    path = written(name).path
    assert any(betrays(file.read_bytes()) for file in _files(path.parent))  # there is something to find
    caplog.set_level(logging.DEBUG)
    slide = open_slide(path)
    told = repr(slide) + repr(dict(slide.properties)) + repr([*slide.levels, slide.scale, slide.warnings])
    cells = found(name)[1]
    with Case.create(tmp_path / "case.bmcase", slide, reviewer="Dr A") as case:
        case.sampling.set_frame(Frame.whole_field(slide.width, slide.height), 100)
        case.detection.record(cells, {})
        likely = np.full((len(cells), len(BMC21)), 1 / len(BMC21), np.float32)
        support = dict.fromkeys(BMC21, Support.TRAINED)
        model = ModelReference("tiny", "ab" * 32)
        case.model.record_predictions(Predictions(case.cells.cell_id, likely, BMC21, support, model))
        case.set_label(case.cells.cell_id.tolist()[:3], "LYT")
        for kind in FORMATS:
            if kind == "dicom":  # which has the patient of its slide, unless it is to be anonymous
                continue
            export(case, kind, tmp_path / kind)
        if slide.vendor == "dicom":
            export(case, "dicom", tmp_path / "dicom", anonymous=True)
    made = _files(tmp_path)
    assert {"case.bmcase", "csv", "json", "html"} <= {file.name for file in made}
    assert not any(betrays(file.read_bytes()) for file in made)
    assert MARK not in told + caplog.text
    crops = [np.asarray(Image.open(file)) for file in made if file.suffix == ".png"]
    assert len(crops) == 3
    assert not any(has_label(crop) for crop in [*crops, overview(slide, 256)])


def test_a_broken_text_is_not_quoted(write_slide: WriteSlide) -> None:
    path = write_slide("mirax").path
    text = path.with_suffix("") / "Slidedat.ini"
    text.write_text(text.read_text("utf-8").replace("SLIDE_NAME=", "SLIDE_NAME "), "utf-8")
    with pytest.raises(SlideError, match="damaged or incomplete") as caught:
        open_slide(path)
    assert MARK not in str(caught.value)


def test_a_damaged_number_of_a_dicom_series_is_not_quoted(
    write_slide: WriteSlide, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_slide("dicom").path
    number = str(pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID).encode()
    path.write_bytes(path.read_bytes().replace(number, (MARK.encode() + number)[: len(number)]))
    assert MARK not in repr(open_slide(path)) + caplog.text  # alone now: the others are of another series


@pytest.mark.parametrize("name", ["aperio", "philips", "ndpi"])
def test_a_label_larger_than_the_scanned_region_is_not_taken_without_openslide(
    write_slide: WriteSlide, smear_levels: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    written = WRITERS[name][1]
    folder = write_slide(name).path.parent / "small"
    folder.mkdir()
    small = [smear_levels[0][:128, :128], smear_levels[1][:64, :64]]  # the label has 160×120 px
    path = written(folder, small, (0.25, 0.25)).path
    monkeypatch.setattr(openslide_image, "_ask", _no_library)
    slide = open_slide(path)
    assert (slide.width, slide.height) == (128, 128)
    assert not any(has_label(level[:, :]) for level in slide.levels)
    assert MARK not in repr(slide)


def test_a_converted_label_larger_than_the_region_is_not_taken(
    tmp_path: Path, smear_levels: list[np.ndarray]
) -> None:
    path = tmp_path / "converted.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for name, picture in (
            ("a", smear_levels[0][:100, :100]),
            ("label image", label()),
            ("macro image", label()),
        ):
            writer.write(picture, photometric="rgb", metadata={"axes": "YXS", "Name": name})
    slide = open_slide(path)
    assert (slide.width, slide.height) == (100, 100)
    assert not has_label(slide.levels[0][:, :])


def test_a_folder_with_a_vms_slide_does_not_show_its_macro_image(
    write_slide: WriteSlide, smear_levels: list[np.ndarray]
) -> None:
    slide = write_slide("vms").path
    with pytest.raises(SlideError, match=r"whole slides.*hamamatsu\.vms"):
        open_slide(slide.parent)
    assert [each.path.name for each in find_inputs([slide.parent])] == ["hamamatsu.vms"]
    Image.fromarray(smear_levels[0][:200, :200]).save(slide.parent / "field.png")
    fields = open_slide(slide.parent)
    assert [each.name for each in fields.fields] == ["field.png"]
    assert not has_label(fields.levels[0][:, :])


def test_a_macro_image_beside_a_trestle_slide_is_no_field(write_slide: WriteSlide) -> None:
    slide = write_slide("trestle").path
    assert slide.with_suffix(".Full").read_bytes() == jpeg(label())
    assert [each.path.name for each in find_inputs([slide.parent])] == ["trestle.tif"]
    with pytest.raises(SlideError, match=r"trestle\.tif: is a whole slide, not a field"):
        open_slide(slide.parent)
