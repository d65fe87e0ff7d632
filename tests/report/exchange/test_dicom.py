"""Cells and count of a DICOM slide, read back by highdicom."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from highdicom.ann import annread
from highdicom.sr import srread

from napari_bonemarrow.cytology import Cells, Frame
from napari_bonemarrow.report import ReportError, export
from napari_bonemarrow.review import Case
from napari_bonemarrow.slides import open_slide
from tests.report.conftest import predictions_of
from tests.report.test_record import review_all
from tests.slides._dicom import write_dicom
from tests.slides._pyramids import halved

Annotations, Report = hd.ann.MicroscopyBulkSimpleAnnotations, hd.sr.ComprehensiveSR
REAL = Path(os.environ.get("NAPARI_BONEMARROW_TEST_DATA", "")) / "slides" / "CMU-1-Small-Region-dicom"
CODES = ["LYT"] * 4 + ["BLA"] * 3 + ["NGS"] * 2 + ["ART"]


def case_of(slide_path: Path, case_path: Path) -> Case:
    slide = open_slide(slide_path)
    case = Case.create(case_path, slide, reviewer="Dr A")
    case.sampling.set_frame(Frame.whole_field(slide.width, slide.height), 300)
    n, ones = len(CODES), np.ones(len(CODES), np.float32)
    x, y = np.linspace(20, slide.width - 20.5, n), np.linspace(30, slide.height - 40, n)
    case.detection.record(Cells(np.arange(1, n + 1), x, y, 9.5 * ones, ones, ones > 0), {})
    case.model.record_predictions(predictions_of(case.cells, CODES))
    return case


@pytest.fixture
def drawn(tmp_path: Path) -> Iterator[Case]:
    """Ten cells on a drawn series of two levels, whose patient is PATIENT^JANE."""
    level = np.random.default_rng(1).integers(0, 255, (512, 640, 3), np.uint8)
    write_dicom(tmp_path / "slide", [level, halved(level)])
    with case_of(tmp_path / "slide", tmp_path / "slide.bmcase") as case:
        yield case


def written(
    case: Case, folder: Path, **options: bool
) -> tuple[hd.ann.MicroscopyBulkSimpleAnnotations, hd.sr.ComprehensiveSR]:
    export(case, "dicom", folder, **options)  # type: ignore[arg-type]
    return annread(folder / "annotations.dcm"), srread(folder / "differential.dcm")


def measured(report: Report) -> dict[str, float]:
    """Return the values by the code of their name."""
    (group,) = report.content.get_image_measurement_groups()
    return {each.name.value: each.value for each in group.get_measurements()}


def told(report: Report) -> dict[str, str]:
    (group,) = report.content.get_image_measurement_groups()
    return {each.name.value: each.value.meaning for each in group.get_qualitative_evaluations()}


def test_cells_are_points_on_the_total_pixel_matrix_a_group_a_class(drawn: Case, tmp_path: Path) -> None:
    drawn.set_label([1, 2], "LYT")
    found, _report = written(drawn, tmp_path / "out")
    groups = {group.label: group for group in found.get_annotation_groups()}
    assert list(groups) == ["BLA", "NGS", "LYT", "ART"]
    points = np.concatenate([*groups["LYT"].get_graphic_data("2D")])
    np.testing.assert_allclose(points, np.column_stack([drawn.cells.x, drawn.cells.y])[:4] + 0.5, atol=1e-3)
    names, values, units = groups["LYT"].get_measurements()
    assert [name.meaning for name in names] == ["Diameter", "Confidence of the first guess"]
    assert [unit.value for unit in units] == ["um", "1"]
    np.testing.assert_allclose(values, [[9.5, 0.9]] * 4, atol=1e-6)
    kinds = {label: group.algorithm_type.value for label, group in groups.items()}
    assert kinds == {"BLA": "AUTOMATIC", "NGS": "AUTOMATIC", "LYT": "SEMIAUTOMATIC", "ART": "AUTOMATIC"}
    assert groups["BLA"].annotated_property_type == hd.sr.CodedConcept("BLA", "99NBM", "blast")


def test_both_refer_to_the_finest_level_and_its_study(drawn: Case, tmp_path: Path) -> None:
    found, report = written(drawn, tmp_path / "out")
    image = pydicom.dcmread(tmp_path / "slide" / "level-0.dcm", stop_before_pixels=True)
    for made in (found, report):
        assert made.StudyInstanceUID == image.StudyInstanceUID
        assert made.SeriesInstanceUID != image.SeriesInstanceUID
        assert (str(made.PatientName), made.PatientID) == ("PATIENT^JANE", "4711")
    assert found.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    (evidence,) = report.CurrentRequestedProcedureEvidenceSequence
    (series,) = evidence.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID


def test_the_count_is_by_tid_1500_with_codes_once_reviewed(drawn: Case, tmp_path: Path) -> None:
    _found, report = written(drawn, tmp_path / "before")
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    values = measured(report)
    assert values["38257-2"] == 9
    assert (values["BLA-N"], values["ART-N"]) == (3, 1)
    assert "11150-0" not in values
    assert "BLA-P" not in values  # the model has not learnt every class
    assert (report.CompletionFlag, report.PreliminaryFlag) == ("PARTIAL", "PRELIMINARY")
    review_all(drawn)
    drawn.sign("Dr Ada ^ \\ Löwe")
    _found, report = written(drawn, tmp_path / "after")
    values, count = measured(report), drawn.differential()
    assert values["11150-0"] == count.row("BLA").percent == 33.3
    assert (values["BLA-LOW"], values["BLA-HIGH"]) == tuple(round(each, 2) for each in count.row("BLA").ci95)  # type: ignore[union-attr]
    assert (report.CompletionFlag, report.PreliminaryFlag) == ("COMPLETE", "FINAL")
    assert report.VerificationFlag == "UNVERIFIED"
    assert told(report)["STATUS"] == "final"
    person = hd.sr.CodedConcept("121006", "DCM", "Person")
    persons = report.content.get_observer_contexts(person)
    names = [str(each.observer_identifying_attributes.name) for each in persons]
    assert names == ["Dr Ada     Löwe^"]


def test_an_anonymous_export_is_empty_where_names_were(drawn: Case, tmp_path: Path) -> None:
    drawn.sign("Dr Ada", "only part")
    for made in written(drawn, tmp_path / "out", anonymous=True):
        assert (str(made.PatientName), made.PatientID, made.AccessionNumber) == ("", "", "")
        assert made.StudyInstanceUID
    for file in (tmp_path / "out").iterdir():
        data = file.read_bytes()
        assert not any(name in data for name in (b"JANE", b"4711", b"Ada"))


def test_a_blind_reading_tells_nothing_of_the_model(drawn: Case, tmp_path: Path) -> None:
    review_all(drawn)
    drawn.readings.begin_second("Dr B")
    found, report = written(drawn, tmp_path / "out")
    assert [group.label for group in found.get_annotation_groups()] == ["NONE"]
    assert measured(report)["38257-2"] == 0
    for file in (tmp_path / "out").iterdir():
        assert b"tiny" not in file.read_bytes()


def test_the_same_state_has_the_same_numbers_and_another_state_others(drawn: Case, tmp_path: Path) -> None:
    first, again = (written(drawn, tmp_path / "out") for _each in range(2))
    drawn.set_label(1, "PLM")
    other = written(drawn, tmp_path / "out")
    for one, same, different in zip(first, again, other, strict=True):
        assert one.SOPInstanceUID == same.SOPInstanceUID != different.SOPInstanceUID


def test_without_cells_there_is_the_count_alone(drawn: Case, tmp_path: Path) -> None:
    export(drawn, "dicom", tmp_path / "out")
    drawn.cell_edits.remove(drawn.cells.cell_id.tolist())
    export(drawn, "dicom", tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["differential.dcm"]


def test_another_slide_is_told_in_one_line(make_case: Callable[..., Case], tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="its slide is not DICOM") as refused:
        export(make_case(["LYT"]), "dicom", tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the slides of the test data")
def test_a_scanners_slide(tmp_path: Path) -> None:
    with case_of(REAL, tmp_path / "real.bmcase") as case:
        review_all(case)
        found, report = written(case, tmp_path / "out")
        assert len(found.get_annotation_groups()) == 4
        assert measured(report)["11150-0"] == 33.3
        assert found.ContainerIdentifier == "Unknown"
        found, report = written(case, tmp_path / "hidden", anonymous=True)
        assert found.ContainerIdentifier == case.slide_record.fingerprint[:12]
