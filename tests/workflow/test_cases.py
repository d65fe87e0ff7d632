from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from napari_bonemarrow.cytology import BoneMarrowError, Frame
from napari_bonemarrow.review import CaseError
from napari_bonemarrow.slides import Scale, ScaleSource, detect_cells
from napari_bonemarrow.workflow import open_or_create_case


def test_a_new_case_takes_the_files_scale_and_is_found_again(field: Path) -> None:
    slide, case = open_or_create_case(field, reviewer="Dr A")
    assert case.path == field.with_suffix(".bmcase")
    assert case.microns_per_pixel == pytest.approx(0.1, rel=1e-3)
    case.sampling.set_frame(Frame.whole_field(slide.width, slide.height))
    case.detection.record(detect_cells(slide))
    number = int(case.cells.cell_id[0])
    case.set_label(number, "PLM")
    case.close()
    again, case = open_or_create_case(case.path, reviewer="Dr B")
    assert again.fingerprint == slide.fingerprint
    assert case.labels[number].by == "Dr A"
    case.close()


def test_the_users_scale_goes_before_the_files(field: Path) -> None:
    slide, case = open_or_create_case(field, microns_per_pixel=0.05)
    case.close()
    assert slide.scale is not None
    assert (slide.microns_per_pixel, slide.scale.source) == (0.05, ScaleSource.USER)


def test_a_scale_nobody_knows_stays_open_until_told(mute: Path) -> None:
    slide, case = open_or_create_case(mute)
    assert slide.scale is None
    assert case.scale is None
    case.close()
    estimate = Scale(0.1, ScaleSource.ESTIMATE, basis="red cells")
    slide, case = open_or_create_case(mute, scale=estimate)
    assert case.scale == estimate
    case.close()


def test_another_scale_than_the_cells_were_found_at_is_refused(field: Path) -> None:
    slide, case = open_or_create_case(field)
    case.sampling.set_frame(Frame.whole_field(slide.width, slide.height))
    case.detection.record(detect_cells(slide))
    case.close()
    with pytest.raises(CaseError, match=r"found at 0\.1 µm/px, not at 0\.05"):
        open_or_create_case(field, microns_per_pixel=0.05)
    _, case = open_or_create_case(field, microns_per_pixel=0.1)  # the same, and the case was let go
    case.close()


def test_a_slide_that_moved_with_its_case_is_found(field: Path, tmp_path: Path) -> None:
    _, case = open_or_create_case(field)
    case.close()
    new = tmp_path / "elsewhere"
    field.parent.rename(new)
    slide, case = open_or_create_case(new / "field.bmcase")
    assert slide.path == new / "field.png"
    assert Path(case.slide_record.path) == new / "field.png"
    case.close()


def test_a_slide_that_is_gone_or_another_is_one_line(field: Path) -> None:
    _, case = open_or_create_case(field)
    case.close()
    Image.new("RGB", (640, 480), (200, 200, 200)).save(field)
    with pytest.raises(CaseError, match="not the image this case is about"):
        open_or_create_case(case.path)
    with pytest.raises(CaseError, match="belongs to another slide"):
        open_or_create_case(field, case_path=case.path)
    field.unlink()
    with pytest.raises(CaseError, match="was not found"):
        open_or_create_case(case.path)
    field.write_bytes(b"")
    with pytest.raises(BoneMarrowError, match="empty"):
        open_or_create_case(field)
